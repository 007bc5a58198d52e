"""parallel_beam and fan_beam: where the conventions put ray, source, detector and u."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from torch_radon import Scan, fan_beam, parallel_beam

Array = NDArray[np.float64]
ANGLES = [0.0, 0.4, math.pi / 2, 2.5, -1.0, 7.0]


def _rows(scan: Scan) -> tuple[Array, Array, Array]:
    return scan.to_vectors()[:, 0:2], scan.to_vectors()[:, 2:4], scan.to_vectors()[:, 4:6]


def _axes(t: float) -> tuple[Array, Array]:
    return np.array([-math.sin(t), math.cos(t)]), np.array([math.cos(t), math.sin(t)])


def test_parallel_rows_hold_ray_detector_and_u() -> None:
    scan = parallel_beam(ANGLES, 5, 0.5, detector_offset=0.75)
    for t, ray, detector, u in zip(ANGLES, *_rows(scan), strict=True):
        along, across = _axes(t)
        np.testing.assert_allclose(ray / np.linalg.norm(ray), along, atol=1e-15)
        np.testing.assert_allclose(u, 0.5 * across, atol=1e-15)
        assert detector @ across == pytest.approx(0.75, abs=1e-15)


def test_fan_rows_hold_source_detector_and_u() -> None:
    scan = fan_beam(ANGLES, 5, 0.5, source_distance=40.0, detector_distance=25.0)
    for t, source, detector, u in zip(ANGLES, *_rows(scan), strict=True):
        along, across = _axes(t)
        np.testing.assert_allclose(source, -40 * along, atol=1e-13)
        np.testing.assert_allclose(detector, 25 * along, atol=1e-13)
        np.testing.assert_allclose(u, 0.5 * across, atol=1e-15)
    assert scan.radius is None
    assert scan.beam == "fan"


def test_a_positive_detector_offset_moves_the_detector_along_u() -> None:
    straight = fan_beam(ANGLES, 5, source_distance=40.0, detector_distance=25.0)
    moved = fan_beam(ANGLES, 5, source_distance=40.0, detector_distance=25.0, detector_offset=3.0)
    u = straight.to_vectors()[:, 4:6]
    expected = straight.to_vectors()
    expected[:, 2:4] += 3.0 * u
    np.testing.assert_allclose(moved.to_vectors(), expected, atol=1e-13)


def test_a_positive_axis_offset_moves_source_and_detector_along_minus_u() -> None:
    straight = fan_beam(ANGLES, 5, source_distance=40.0, detector_distance=25.0)
    moved = fan_beam(ANGLES, 5, source_distance=40.0, detector_distance=25.0, axis_offset=3.0)
    u = straight.to_vectors()[:, 4:6]
    expected = straight.to_vectors()
    expected[:, 0:2] -= 3.0 * u
    expected[:, 2:4] -= 3.0 * u
    np.testing.assert_allclose(moved.to_vectors(), expected, atol=1e-13)


@pytest.mark.parametrize("columns", [6, 7])
def test_the_axis_of_a_parallel_beam_projects_on_the_given_column(columns: int) -> None:
    center_of_rotation = 1.25
    offset = (center_of_rotation - (columns - 1) / 2) * 0.5
    scan = parallel_beam(ANGLES, columns, 0.5, axis_offset=offset)
    for _, detector, u in zip(*_rows(scan), strict=True):
        column = -(detector @ u) / (u @ u) + (columns - 1) / 2
        assert column == pytest.approx(center_of_rotation, abs=1e-13)


def test_offsets_per_view() -> None:
    offsets = np.linspace(-2, 3, len(ANGLES))
    together = parallel_beam(ANGLES, 5, detector_offset=offsets, axis_offset=offsets / 2)
    for i, (t, offset) in enumerate(zip(ANGLES, offsets, strict=True)):
        alone = parallel_beam([t], 5, detector_offset=offset, axis_offset=offset / 2)
        assert together[i : i + 1] == alone


def test_a_curved_detector_is_an_arc_about_the_source() -> None:
    scan = fan_beam(ANGLES, 9, 0.5, source_distance=40.0, detector_distance=25.0, curved=True)
    np.testing.assert_array_equal(scan.radius, np.full(len(ANGLES), 65.0))
    flat = fan_beam(ANGLES, 9, 0.5, source_distance=40.0, detector_distance=25.0)
    np.testing.assert_allclose(scan.to_vectors(), flat.to_vectors(), atol=1e-13)


def test_the_offset_of_a_curved_detector_runs_along_its_arc() -> None:
    scan = fan_beam(
        [0.0], 9, 0.5, source_distance=40.0, detector_distance=25.0, curved=True,
        detector_offset=6.5,
    )  # fmt: skip
    (source,), (detector,), (u,) = _rows(scan)
    phi = 6.5 / 65.0
    np.testing.assert_allclose(source, [0, -40], atol=1e-13)
    np.testing.assert_allclose(detector - source, [65 * math.sin(phi), 65 * math.cos(phi)])
    np.testing.assert_allclose(u, [0.5 * math.cos(phi), -0.5 * math.sin(phi)])


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_angles_of_any_container(kind: Any) -> None:
    assert parallel_beam(kind([0.0, 1.0]), 4) == parallel_beam(np.array([0.0, 1.0]), 4)


def test_angles_are_kept_in_double_precision() -> None:
    angles = np.linspace(0, np.pi, 7, endpoint=False)
    np.testing.assert_allclose(parallel_beam(angles, 3).angles, angles, rtol=0, atol=1e-15)


fan = functools.partial(fan_beam, source_distance=40.0, detector_distance=25.0)
NAN = float("nan")
# Arguments of a wrong type, which the type checker would refuse as well.
REAL: Any = 4.0
TEXT: Any = "x"


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: parallel_beam([], 4), ValueError, r"angles must have shape \(views,\).*\(0,\)"),
        (lambda: parallel_beam(0.5, 4), ValueError, r"angles must have shape \(views,\).*\(\)"),
        (lambda: parallel_beam([[0.5]], 4), ValueError, r"angles must have shape.*\(1, 1\)"),
        (lambda: parallel_beam([0, NAN], 4), ValueError, r"angles must be finite.* got nan.*1"),
        (lambda: parallel_beam("abc", 4), TypeError, "angles must be an array of real numbers"),
        (lambda: parallel_beam([1j], 4), TypeError, "angles must be an array of real numbers"),
        (lambda: parallel_beam([0], 0), ValueError, "columns must be at least 1, got 0"),
        (lambda: parallel_beam([0], -2), ValueError, "columns must be at least 1, got -2"),
        (
            lambda: parallel_beam([0], REAL),
            TypeError,
            "columns must be an integer, got 4.0",
        ),
        (lambda: parallel_beam([0], True), TypeError, "columns must be an integer, got True"),
        (lambda: parallel_beam([0], 4, -1.0), ValueError, "spacing must be positive, got -1.0"),
        (lambda: parallel_beam([0], 4, 0.0), ValueError, "spacing must be positive, got 0.0"),
        (lambda: parallel_beam([0], 4, NAN), ValueError, "spacing must be finite.* got nan"),
        (
            lambda: parallel_beam([0], 4, TEXT),
            TypeError,
            "spacing must be a number, got 'x'",
        ),
        (
            lambda: parallel_beam([0], 4, detector_offset=NAN),
            ValueError,
            "detector_offset must be finite.* got nan",
        ),
        (
            lambda: parallel_beam([0, 1, 2], 4, axis_offset=[1, 2]),
            ValueError,
            r"axis_offset must be .*shape \(3,\), got shape \(2,\)",
        ),
        (lambda: fan([], 4), ValueError, "angles must have shape"),
        (
            lambda: fan_beam([0], 4, source_distance=-1, detector_distance=1),
            ValueError,
            "source_distance must be positive, got -1",
        ),
        (
            lambda: fan_beam([0], 4, source_distance=NAN, detector_distance=1),
            ValueError,
            "source_distance must be finite.* got nan",
        ),
        (
            lambda: fan_beam([0], 4, source_distance=1, detector_distance=-0.5),
            ValueError,
            "detector_distance must not be negative, got -0.5",
        ),
        (
            lambda: fan([0], 4, 200.0, curved=True),
            ValueError,
            "columns.*4 columns of 200.0 .*radius.* 65.0",
        ),
        (lambda: Scan(), TypeError, "parallel_beam, fan_beam"),
    ],
)
def test_bad_arguments_are_named(
    make: Callable[[], object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        make()
