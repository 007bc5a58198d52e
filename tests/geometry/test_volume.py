"""Volume: where voxels lie."""

import pickle
from typing import Any

import numpy as np
import pytest

from torch_radon import Volume


def test_voxel_i_of_n_lies_at_the_documented_place() -> None:
    volume = Volume((4, 7), spacing=(0.5, 2.0), center=(10.0, -3.0))
    y = [(i - 1.5) * 0.5 + 10.0 for i in range(4)]
    x = [(i - 3.0) * 2.0 - 3.0 for i in range(7)]
    np.testing.assert_array_equal(volume.coordinates(0), y)
    np.testing.assert_array_equal(volume.coordinates(1), x)
    np.testing.assert_array_equal(volume.coordinates(-1), x)


def test_scalars_stand_for_every_axis() -> None:
    volume = Volume((2, 3, 4), spacing=0.5, center=1)
    assert volume.shape == (2, 3, 4)
    assert volume.spacing == (0.5, 0.5, 0.5)
    assert volume.center == (1.0, 1.0, 1.0)
    assert volume.ndim == 3
    assert volume.extent == (1.0, 1.5, 2.0)


def test_is_immutable_hashable_and_compares_by_value() -> None:
    volume = Volume((4, 7), spacing=(0.5, 2.0))
    assert volume == Volume([4, 7], spacing=[0.5, 2.0], center=(0, 0))
    assert hash(volume) == hash(Volume((4, 7), spacing=(0.5, 2.0)))
    assert volume != Volume((4, 7), spacing=(2.0, 0.5))
    with pytest.raises(AttributeError):
        volume.shape = (1, 1)  # type: ignore[misc]


def test_repr_and_pickle_rebuild_it() -> None:
    volume = Volume((4, 7), spacing=(0.1, 2.0), center=(1 / 3, -5.0))
    assert eval(repr(volume)) == volume
    assert pickle.loads(pickle.dumps(volume)) == volume


@pytest.mark.parametrize(
    ("shape", "options", "error", "says"),
    [
        ((4,), {}, ValueError, "shape must be .*got \\(4,\\)"),
        (4, {}, ValueError, "shape must be .*got 4"),
        ((1, 2, 3, 4), {}, ValueError, "shape must be"),
        ((4, 0), {}, ValueError, "shape must be at least 1, got 0"),
        ((4, -3), {}, ValueError, "shape must be at least 1, got -3"),
        ((4, 2.5), {}, TypeError, "shape must be an integer, got 2.5"),
        ((4, "5"), {}, TypeError, "shape must be an integer, got '5'"),
        ((4, 4), {"spacing": -1.0}, ValueError, "spacing must be positive, got -1.0"),
        ((4, 4), {"spacing": 0}, ValueError, "spacing must be positive, got 0"),
        ((4, 4), {"spacing": (1.0, -2.0)}, ValueError, "spacing must be positive, got -2.0"),
        ((4, 4), {"spacing": float("nan")}, ValueError, "spacing must be finite.* got nan"),
        ((4, 4), {"spacing": float("inf")}, ValueError, "spacing must be finite.* got inf"),
        ((4, 4), {"spacing": (1, 1, 1)}, ValueError, "spacing must be a number or 2 numbers"),
        ((4, 4), {"spacing": "1"}, TypeError, "spacing must be a number"),
        ((4, 4), {"center": (0.0, float("nan"))}, ValueError, "center must be finite.* got nan"),
        ((4, 4), {"center": (1, 2, 3)}, ValueError, "center must be a number or 2 numbers"),
        ((4, 4), {"center": None}, TypeError, "center must be a number"),
    ],
)
def test_bad_arguments_are_named(
    shape: tuple[Any, ...], options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Volume(shape, **options)
