"""Which way x, y, angles and columns run: images that look different from every side."""

import functools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from measures import double
from oracles import closed_forms
from torch_radon import Backprojector, Projector, Scan, Volume, fan_beam, parallel_beam

Array = NDArray[np.float64]
fan = functools.partial(fan_beam, source_distance=400.0, detector_distance=100.0)


def test_a_ridge_is_brightest_where_its_line_is_seen_end_on(device: str) -> None:
    volume = Volume((401, 401), spacing=0.1)
    assert volume.coordinates(0)[[0, -1]] == pytest.approx([-20, 20])
    ridge = closed_forms.sample(closed_forms.Ridge(2, 1, 10), volume)
    angles = np.linspace(0, np.pi, 720, endpoint=False)
    scan = parallel_beam(angles, 561, 0.1)
    sinogram = double(Projector(volume, scan).to(device)(torch.from_numpy(ridge).to(device)))
    view, column = np.unravel_index(sinogram.argmax(), sinogram.shape)
    u = (column - 280) * 0.1
    assert abs(angles[view] - math.atan(1 / 2)) <= math.pi / 720
    assert abs(u - 10 / math.sqrt(5)) <= 0.1


def _spot(volume: Volume, row: int, column: int, device: str) -> torch.Tensor:
    image = torch.zeros(volume.shape, dtype=torch.float64, device=device)
    image[row, column] = 1
    return image


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0, 3.5, 5.9])
@pytest.mark.parametrize("curved", [None, False, True], ids=["parallel", "flat", "arc"])
def test_a_pixel_is_seen_where_the_conventions_put_it(
    angle: float, curved: bool | None, device: str
) -> None:
    volume = Volume((40, 60), spacing=(1.5, 1.0), center=(2.0, -3.0))
    x, y = volume.coordinates(1)[50], volume.coordinates(0)[7]
    across = x * math.cos(angle) + y * math.sin(angle)
    along = -x * math.sin(angle) + y * math.cos(angle)
    if curved is None:
        scan = parallel_beam([angle], 201, 0.5)
        expected = across
    else:
        scan = fan([angle], 201, 0.5, curved=curved)
        expected = 500 * across / (400 + along)
        if curved:
            expected = 500 * math.atan2(across, 400 + along)
    projection = double(Projector(volume, scan).to(device)(_spot(volume, 7, 50, device)))[0]
    centroid = (projection * (np.arange(201) - 100) * 0.5).sum() / projection.sum()
    assert centroid == pytest.approx(expected, abs=0.1)
    # Seen from the other side of the volume it lies elsewhere: the sign of neither axis is free.
    assert abs(expected) > 2


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0, 3.5, 5.9])
def test_backprojection_puts_a_column_on_its_line(angle: float, device: str) -> None:
    volume = Volume((40, 60), spacing=(1.5, 1.0), center=(2.0, -3.0))
    scan = parallel_beam([angle], 121, 0.5)
    sinogram = torch.zeros(scan.shape, dtype=torch.float64, device=device)
    sinogram[0, 75] = 1
    image = double(Backprojector(volume, scan).to(device)(sinogram))
    x, y = closed_forms.grid(volume)
    distance = x * math.cos(angle) + y * math.sin(angle) - (75 - 60) * 0.5
    np.testing.assert_allclose(image, np.maximum(0, 1 - abs(distance) / 0.5), atol=1e-12)
    assert image.max() > 0.5


_near_fan = functools.partial(fan_beam, source_distance=50.0, detector_distance=20.0)
every_beam = pytest.mark.parametrize(
    "make",
    [
        lambda angles: parallel_beam(angles, 40),
        lambda angles: _near_fan(angles, 40, 1.3),
        lambda angles: _near_fan(angles, 40, 1.3, curved=True),
    ],
    ids=["parallel", "flat", "arc"],
)


def _project(image: torch.Tensor, volume: Volume, scan: Scan, device: str) -> torch.Tensor:
    return Projector(volume, scan).to(device)(image)


@pytest.mark.parametrize("shape", [(16, 16), (15, 22)], ids=["even", "uneven"])
@every_beam
def test_turning_the_image_by_a_quarter_turns_the_scan(
    make: Callable[[Array], Scan], shape: tuple[int, int], device: str, rng: np.random.Generator
) -> None:
    angles = np.linspace(0, 2 * np.pi, 11, endpoint=False) + 0.05
    image = torch.from_numpy(rng.uniform(size=shape)).to(device)
    volume, turned = Volume(shape, spacing=(0.8, 1.1)), Volume(shape[::-1], spacing=(1.1, 0.8))
    # A quarter turn from x towards y takes the pixel at (x, y) to (-y, x).
    image_turned = image.transpose(0, 1).flip(1)
    before = _project(image, volume, make(angles), device)
    after = _project(image_turned, turned, make(angles + np.pi / 2), device)
    torch.testing.assert_close(after, before, rtol=1e-11, atol=1e-11)


@every_beam
def test_mirroring_the_image_mirrors_the_sinogram(
    make: Callable[[Array], Scan], device: str, rng: np.random.Generator
) -> None:
    angles = np.linspace(0, 2 * np.pi, 11, endpoint=False) + 0.05
    volume = Volume((15, 22), spacing=(0.8, 1.1))
    image = torch.from_numpy(rng.uniform(size=volume.shape)).to(device)
    before = _project(image, volume, make(angles), device).flip(-1)
    after = _project(image.flip(-1), volume, make(-angles), device)
    torch.testing.assert_close(after, before, rtol=1e-11, atol=1e-11)


def test_half_a_turn_of_a_parallel_beam_reverses_the_columns(
    device: str, rng: np.random.Generator
) -> None:
    angles = np.linspace(0, np.pi, 11, endpoint=False) + 0.05
    volume = Volume((15, 22), spacing=(0.8, 1.1), center=(1.0, -2.0))
    image = torch.from_numpy(rng.uniform(size=volume.shape)).to(device)
    before = _project(image, volume, parallel_beam(angles, 40), device)
    after = _project(image, volume, parallel_beam(angles + np.pi, 40), device)
    torch.testing.assert_close(after, before.flip(-1), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("curved", [False, True], ids=["flat", "arc"])
def test_moving_the_volume_is_moving_the_scanner_back(
    curved: bool, device: str, rng: np.random.Generator
) -> None:
    angles = np.linspace(0, 6, 7)
    image = torch.from_numpy(rng.uniform(size=(15, 22))).to(device)
    for scan in (parallel_beam(angles, 40), fan(angles, 60, curved=curved)):
        moved = _project(image, Volume((15, 22), center=(3.0, -2.0)), scan, device)
        opposite = _project(image, Volume((15, 22)), scan.shift((2.0, -3.0)), device)
        torch.testing.assert_close(moved, opposite, rtol=1e-11, atol=1e-11)


def test_selecting_views_selects_rows_of_the_sinogram(
    device: str, rng: np.random.Generator
) -> None:
    volume = Volume((15, 22))
    scan = fan(np.linspace(0, 6, 7), 60, curved=True)
    image = torch.from_numpy(rng.uniform(size=(15, 22))).to(device)
    whole = _project(image, volume, scan, device)
    for index in (slice(None, None, 2), [5, 0, 5]):
        assert torch.equal(_project(image, volume, scan[index], device), whole[index])
