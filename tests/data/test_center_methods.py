"""Finding the centre from opposite rays and from the sharpest image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

import torch_radon as tr
from scans import with_noise
from torch_radon.data import (
    Acquisition,
    DataError,
    find_center,
    find_center_opposite,
    find_center_sharpest,
)

COLUMNS = 192
FAN = Acquisition("fan", 1.0, 350.0, 150.0)
CURVED = Acquisition("fan", 1.0, 350.0, 150.0, curved=True)
PARALLEL = Acquisition()


def sinogram(
    scanner: Acquisition, angles: np.ndarray, center: float, size: float = 120.0
) -> Tensor:
    """Rays averaged over each column, as a detector does."""
    fine = Acquisition(
        scanner.beam, 0.25, scanner.source_distance, scanner.detector_distance, scanner.curved
    )
    scan = fine.scan(angles, 4 * COLUMNS, 4 * center + 1.5)
    lines = tr.phantoms.random_ellipses(5, size).project(scan, dtype=torch.float64)
    lines = lines.unflatten(1, (COLUMNS, 4)).mean(2)
    return lines * (2 / lines.max())


def turn(degrees: float, views: int) -> np.ndarray:
    return np.linspace(0, math.radians(degrees), views, endpoint=False)


@pytest.mark.parametrize("scanner", [PARALLEL, FAN, CURVED], ids=["parallel", "fan", "curved"])
@pytest.mark.parametrize("center", [95.5, 88.3, 101.7])
def test_full_turn(scanner: Acquisition, center: float) -> None:
    angles = turn(360, 240)
    found = find_center_opposite(sinogram(scanner, angles, center), angles, scanner)
    assert abs(found.center - center) < 0.05
    assert found.spread < 0.1
    assert not found.truncated


@pytest.mark.parametrize("scanner", [PARALLEL, FAN, CURVED], ids=["parallel", "fan", "curved"])
def test_detector_on_one_side(scanner: Acquisition) -> None:
    """A half-fan: only the columns about the axis are seen from both sides."""
    angles = turn(360, 300)
    found = find_center_opposite(sinogram(scanner, angles, 40.6, size=200.0), angles, scanner)
    assert abs(found.center - 40.6) < 0.1
    assert found.truncated is False


@pytest.mark.parametrize("scanner", [FAN, CURVED], ids=["fan", "curved"])
def test_short_scan(scanner: Acquisition) -> None:
    angles = turn(180 + 2 * math.degrees(math.atan(96 / 500)), 220)
    found = find_center_opposite(sinogram(scanner, angles, 97.2), angles, scanner)
    assert abs(found.center - 97.2) < 0.15


def test_half_turn_of_parallel_rays() -> None:
    """Its first and last view only; the last is a step before the first's mirror image."""
    angles = turn(180, 180)
    found = find_center_opposite(sinogram(PARALLEL, angles, 98.4), angles)
    assert abs(found.center - 98.4) < 0.5


def test_order_range_and_repetitions_do_not_matter(rng: np.random.Generator) -> None:
    angles = turn(360, 200)
    data = sinogram(FAN, angles, 93.1)
    straight = find_center_opposite(data, angles, FAN).center
    order = rng.permutation(200)
    turned = angles[order] + 2 * np.pi * rng.integers(-2, 3, 200)
    again = find_center_opposite(data[order], turned, FAN).center
    assert abs(again - straight) < 0.03
    twice = find_center_opposite(torch.cat([data, data]), np.r_[angles, angles], FAN).center
    assert abs(twice - straight) < 0.03


def test_truncated_object() -> None:
    angles = turn(360, 240)
    found = find_center_opposite(sinogram(FAN, angles, 92.2, size=300.0), angles, FAN)
    assert abs(found.center - 92.2) < 0.2
    assert found.truncated


@pytest.mark.parametrize("photons", [1e3, 1e5])
def test_noise(rng: np.random.Generator, photons: float) -> None:
    angles = turn(360, 240)
    noisy = with_noise(rng, sinogram(FAN, angles, 99.3).numpy(), photons)
    assert abs(find_center_opposite(noisy, angles, FAN).center - 99.3) < 0.2


def test_agrees_with_the_moments() -> None:
    angles = turn(360, 240)
    data = sinogram(PARALLEL, angles, 91.7)
    assert abs(find_center(data, angles).center - find_center_opposite(data, angles).center) < 0.05


def test_several_rows_share_the_axis() -> None:
    angles = turn(360, 120)
    rows = torch.stack([sinogram(FAN, angles, 94.4, size) for size in (60.0, 90.0, 120.0)])
    assert abs(find_center_opposite(rows, angles, FAN).center - 94.4) < 0.1


@pytest.mark.parametrize("degrees", [180, 360])
@pytest.mark.parametrize("scanner", [PARALLEL, CURVED], ids=["parallel", "curved"])
def test_sharpest(scanner: Acquisition, degrees: float) -> None:
    if scanner is CURVED and degrees == 180:
        degrees += 2 * math.degrees(96 / 500)
    angles = turn(degrees, 300)
    data = sinogram(scanner, angles, 99.1)
    volume = tr.Volume((96, 96), spacing=2 / scanner.magnification)

    def reconstruct(center: float) -> Tensor:
        return tr.fbp(tr.Projector(volume, scanner.scan(angles, COLUMNS, center)), data)

    found = find_center_sharpest(reconstruct, start=95.5, reach=8.0)
    assert abs(found.center - 99.1) < 0.4
    assert math.isnan(found.spread)
    with pytest.raises(DataError, match=r"between columns 88\.5 and 92\.5 is sharper"):
        find_center_sharpest(reconstruct, start=90.5, reach=2.0)


def test_no_opposite_rays(rng: np.random.Generator) -> None:
    angles = turn(100, 60)
    with pytest.raises(DataError, match="no ray was measured in both directions; give the centre"):
        find_center_opposite(sinogram(PARALLEL, angles, 95.5), angles)


def test_nothing_but_noise(rng: np.random.Generator) -> None:
    angles = turn(360, 90)
    with pytest.raises(DataError, match="opposite rays agree nowhere better than elsewhere"):
        find_center_opposite(rng.normal(size=(90, COLUMNS)), angles, FAN)


def test_bad_input() -> None:
    angles = turn(360, 90)
    data = sinogram(FAN, angles, 95.5)
    with pytest.raises(DataError, match=r"angles must have shape \(90,\)"):
        find_center_opposite(data, angles[:-1], FAN)
    with pytest.raises(DataError, match="sinograms must be finite"):
        find_center_opposite(data * math.nan, angles, FAN)
    with pytest.raises(DataError, match="at least 16 views and 16 columns"):
        find_center_opposite(data[:8], angles[:8], FAN)
    with pytest.raises(DataError, match=r"image for column .* is not finite"):
        find_center_sharpest(lambda c: torch.full((4, 4), math.nan), 10.0)
    with pytest.raises(DataError, match="an image is zero"):
        find_center_sharpest(lambda c: torch.zeros(4, 4), 10.0)
    with pytest.raises(ValueError, match="reach must be positive"):
        find_center_sharpest(lambda c: torch.zeros(4, 4), 10.0, reach=0.0)
