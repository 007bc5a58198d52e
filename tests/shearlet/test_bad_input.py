"""Mistakes are named before anything is computed."""

import re
from typing import Any

import pytest
import torch

from torch_radon.shearlet import ShearletTransform


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((63, 128, [0.5] * 3), ValueError, "3 scales need .*64 pixels.*width 63 and height 128"),
        ((128, 31, [0.5] * 2), ValueError, "2 scales need .*32 pixels.*height 31"),
        ((15, 15, [0.5]), ValueError, "1 scales need .*16 pixels"),
        ((64, 64, []), ValueError, "alphas must hold at least one"),
        ((64, 64, [0.5, 1.1]), ValueError, "alphas must lie between 0 and 1, got 1.1 for scale 1"),
        ((64, 64, [-0.1]), ValueError, "alphas must lie between 0 and 1, got -0.1"),
        ((64, 64, [float("nan")]), ValueError, "alphas must lie between 0 and 1, got nan"),
        ((64, 64, 0.5), TypeError, "alphas must be a sequence of numbers"),
        ((64, 64, ["a"]), TypeError, r"alphas must be a sequence of numbers.*\['a'\]"),
        ((64.0, 64, [0.5]), TypeError, "width must be an integer.*float"),
        ((64, "64", [0.5]), TypeError, "height must be an integer.*str"),
        ((64, -64, [0.5]), ValueError, "height must be at least 1, got -64"),
        ((True, 64, [0.5]), TypeError, "width must be an integer, got True"),
        ((64, 64, [0.5], 3), TypeError, "cache must be a folder or None, got int"),
    ],
)
def test_construction(arguments: tuple[Any, ...], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ShearletTransform(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"parseval": 1}, TypeError, "parseval must be True or False, got 1"),
        ({"real": "yes"}, TypeError, "real must be True or False, got 'yes'"),
        ({"out_dtype": torch.int32}, TypeError, "out_dtype.*torch.int32"),
    ],
)
def test_options(options: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ShearletTransform(64, 64, [0.5], **options)


def test_the_smallest_image_for_its_scales_is_accepted() -> None:
    assert ShearletTransform(32, 33, [0.5] * 2).redundancy == 17


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("name", ["forward", "adjoint", "inverse"])
def test_shapes_and_devices(real: bool, name: str, device: str) -> None:
    transform = ShearletTransform(17, 16, [0.5], real=real, parseval=False).to(device)
    operator = {"forward": transform, "adjoint": transform.T, "inverse": transform.inverse}[name]
    shape = operator.domain_shape
    for wrong in ((*shape[:-1], shape[-1] + 1), shape[1:], (3, *shape[:-2], shape[-2] - 1, 7)):
        with pytest.raises(ValueError, match=re.escape(str(tuple(wrong)))) as caught:
            operator(torch.zeros(wrong, device=device))
        assert ", ".join(map(str, shape)) in str(caught.value)
    elsewhere = "cpu" if device != "cpu" else "meta"
    with pytest.raises(ValueError, match=f"on {elsewhere}.*on {device}"):
        operator(torch.zeros(shape, device=elsewhere))
    with pytest.raises(TypeError, match=r"got torch\.complex64"):
        operator(torch.zeros(shape, device=device, dtype=torch.complex64))


def test_scales_and_filters_that_are_not_there() -> None:
    transform = ShearletTransform(32, 32, [0.5] * 2)
    for scale in (2, -2):
        with pytest.raises(ValueError, match=f"between -1 .* and 1, got {scale}"):
            transform.filters_of(scale)
    with pytest.raises(ValueError, match=r"3 numbers.*2 scales, got 2"):
        transform.per_filter([1.0, 2.0])
    with pytest.raises(IndexError):
        transform.spectrum(17)
