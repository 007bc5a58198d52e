"""The distance weight of pixel-driven backprojection, and where a fan sees a pixel."""

import math

import numpy as np
import pytest
import torch

from measures import dot_mismatch, double, entries, relative_max
from oracles.backprojection import backprojection_matrix
from torch_radon import Backprojector, Scan, Volume, fan_beam, parallel_beam

VOLUME = Volume((20, 30), spacing=(1.5, 1.0), center=(2.0, -3.0))
ANGLE = 0.7


def _image(scan: Scan, device: str) -> np.ndarray:
    ones = torch.ones(scan.shape, dtype=torch.float64, device=device)
    return double(Backprojector(VOLUME, scan).to(device)(ones))


def _across_and_along() -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(VOLUME.coordinates(1), VOLUME.coordinates(0))
    c, s = math.cos(ANGLE), math.sin(ANGLE)
    return x * c + y * s, -x * s + y * c


def test_parallel_rays_have_none(device: str) -> None:
    np.testing.assert_allclose(_image(parallel_beam([ANGLE], 101), device), 1.0, rtol=1e-14)


@pytest.mark.parametrize("axis_offset", [0.0, 6.0])
def test_flat_detectors_weigh_the_distance_along_their_normal(
    axis_offset: float, device: str
) -> None:
    scan = fan_beam(
        [ANGLE], 301, source_distance=70.0, detector_distance=30.0, axis_offset=axis_offset
    )
    _, along = _across_and_along()
    np.testing.assert_allclose(_image(scan, device), (100 / (70 + along)) ** 2, rtol=1e-12)


def test_curved_detectors_weigh_the_distance_along_the_ray(device: str) -> None:
    scan = fan_beam([ANGLE], 301, source_distance=70.0, detector_distance=30.0, curved=True)
    across, along = _across_and_along()
    expected = 100**2 / (across**2 + (70 + along) ** 2)
    np.testing.assert_allclose(_image(scan, device), expected, rtol=1e-12)


def test_the_weight_is_one_at_the_detector(device: str) -> None:
    for curved in (False, True):
        scan = fan_beam([0.0], 3, source_distance=10.0, detector_distance=0.0, curved=curved)
        image = Backprojector(Volume((1, 1)), scan).to(device)(
            torch.full((1, 3), 5.0, dtype=torch.float64, device=device)
        )
        assert image.item() == pytest.approx(5.0, abs=1e-14)


@pytest.mark.parametrize("turn", [0.9, 1.5, 3.0, 5.5, 6.28])
def test_arcs_up_to_the_full_circle(turn: float, device: str) -> None:
    """From a few degrees to all around, also with the source among the pixels."""
    volume = Volume((12, 15), spacing=(0.9, 1.2))
    for distance in (3.0, 30.0):
        columns = 40
        spacing = turn * 2 * distance / columns
        scan = fan_beam(
            [0.1, 2.0], columns, spacing, curved=True,
            source_distance=distance, detector_distance=distance,
        )  # fmt: skip
        operator = Backprojector(volume, scan).to(device)
        found = entries(operator, torch.float64, device)
        assert relative_max(found, backprojection_matrix(volume, scan)) <= 1e-12
        found = entries(operator, torch.float32, device)
        assert relative_max(found, backprojection_matrix(volume, scan)) <= 2e-6


@pytest.mark.parametrize("curved", [False, True])
def test_pixels_at_the_source_are_not_seen(curved: bool, device: str) -> None:
    scan = fan_beam([0.0], 601, 0.3, source_distance=3.0, detector_distance=30.0, curved=curved)
    operator = Backprojector(Volume((9, 9)), scan).to(device)
    image = double(operator(torch.ones(scan.shape, dtype=torch.float64, device=device)))
    assert np.isfinite(image).all()
    assert image[1, 4] == 0
    assert image[0, 4] == 0
    assert image[2, 4] == pytest.approx(33**2)


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_columns_in_single_precision_are_as_good_as_in_double(
    curved: bool, batch: int, device: str, generator: torch.Generator
) -> None:
    """On a wide detector of many columns the polynomial arctangent leaves only rounding."""
    scan = fan_beam(
        np.linspace(0, 6, 5), 2000, 0.5, source_distance=300.0, detector_distance=200.0,
        curved=curved,
    )  # fmt: skip
    operator = Backprojector(Volume((256, 250)), scan).to(device)
    y = torch.randn(batch, *scan.shape, generator=generator).to(device)
    exact = operator(y.double())
    assert (operator(y).double() - exact).abs().max() <= 1e-6 * exact.abs().max()
    assert dot_mismatch(operator, torch.float32, device, generator) <= 1e-6
