"""Operators give what their definition says: float64 to rounding, float32 to the promise."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings

import strategies
from cases import CASES, PROJECTORS, Case, walk
from measures import double, entries, relative_l2, relative_max
from oracles.backprojection import backprojection_matrix
from oracles.joseph import joseph_matrix
from torch_radon import Backprojector, Projector, Scan, Volume, fan_beam, parallel_beam

UNIFORM, NORMAL = 1e-6, 3e-6


def _images(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> torch.Tensor:
    draw = rng.uniform(size=shape) if kind == "uniform" else rng.standard_normal(shape)
    # Rounded here, so that both precisions see the same image.
    return torch.from_numpy(draw).float()


@walk(CASES)
@pytest.mark.parametrize("side", [1, 2, 9, 24])
def test_float64_is_the_matrix_of_the_definition(case: Case, side: int, device: str) -> None:
    found = entries(case.build(side).to(device), torch.float64, device)
    assert relative_max(found, case.dense(side)) <= 1e-12


@walk(CASES)
@pytest.mark.parametrize(("kind", "bound"), [("uniform", UNIFORM), ("normal", NORMAL)])
def test_float32_is_close_to_the_matrix_of_the_definition(
    case: Case, kind: str, bound: float, device: str, rng: np.random.Generator
) -> None:
    operator = case.build(32).to(device)
    matrix = case.dense(32)
    images = _images(rng, kind, (6, *operator.domain_shape))
    expected = double(images).reshape(6, -1) @ matrix.T
    assert relative_l2(operator(images.to(device)).flatten(1), expected) <= bound


@settings(max_examples=80)
@given(setup=strategies.setups(max_side=20))
def test_any_geometry_in_float64(setup: tuple[Volume, Scan], device: str) -> None:
    found = entries(Projector(*setup).to(device), torch.float64, device)
    assert relative_max(found, joseph_matrix(*setup)) <= 1e-12


@settings(max_examples=40)
@given(setup=strategies.setups(max_side=16))
def test_any_geometry_of_a_backprojector(setup: tuple[Volume, Scan], device: str) -> None:
    expected = backprojection_matrix(*setup)
    operator = Backprojector(*setup).to(device)
    assert relative_max(entries(operator, torch.float64, device), expected) <= 1e-11
    assert relative_max(entries(operator, torch.float32, device), expected) <= 2e-6


@pytest.mark.parametrize("span", [2.9, 3.05, 3.2, 6.2], ids=str)
def test_arcs_of_half_a_turn_and_more(span: float, device: str) -> None:
    volume = Volume((12, 15), spacing=(0.9, 1.2), center=(1.0, -2.0))
    scan = fan_beam(
        np.linspace(0, 6, 7),
        50,
        span * 20 / 50,
        source_distance=14.0,
        detector_distance=6.0,
        curved=True,
    )
    for make, matrix in ((Projector, joseph_matrix), (Backprojector, backprojection_matrix)):
        operator = make(volume, scan).to(device)
        found = entries(operator, torch.float64, device)
        assert relative_max(found, matrix(volume, scan)) <= 1e-12
        assert relative_max(entries(operator.T, torch.float64, device).T, found) <= 1e-13


@pytest.mark.parametrize("curved", [False, True], ids=["flat", "arc"])
def test_backprojection_around_a_source_in_the_volume(curved: bool, device: str) -> None:
    # Between pixels, so that every pixel is clearly before or behind the source.
    scan = fan_beam(
        [0.2, 1.7, 4.0], 15, 1.5, source_distance=2.3, detector_distance=9.0, curved=curved
    )
    volume = Volume((12, 15), spacing=(0.9, 1.2))
    expected = backprojection_matrix(volume, scan)
    found = entries(Backprojector(volume, scan).to(device), torch.float64, device)
    assert relative_max(found, expected) <= 1e-11
    unseen = (expected.reshape(12, 15, 3, 15).sum(axis=3) == 0).mean()
    assert 0.3 < unseen < 0.9


@settings(max_examples=80)
@given(setup=strategies.setups(max_side=20))
def test_any_geometry_in_float32(setup: tuple[Volume, Scan], device: str) -> None:
    found = entries(Projector(*setup).to(device), torch.float32, device)
    assert relative_max(found, joseph_matrix(*setup)) <= 2e-6


@walk(PROJECTORS)
@pytest.mark.parametrize(("kind", "bound"), [("uniform", UNIFORM), ("normal", NORMAL)])
@pytest.mark.parametrize(("side", "views"), [(512, 24), (1024, 12), (2048, 4)])
def test_float32_stays_close_at_every_size(
    case: Case,
    side: int,
    views: int,
    kind: str,
    bound: float,
    device: str,
    rng: np.random.Generator,
) -> None:
    operator = case.build(side, views)
    image = _images(rng, kind, operator.domain_shape)
    expected = operator(image.double())
    assert relative_l2(operator.to(device)(image.to(device)), expected) <= bound


def test_a_float32_image_far_from_the_axis_keeps_its_accuracy(
    device: str, rng: np.random.Generator
) -> None:
    volume = Volume((64, 48), spacing=0.01, center=(400.0, -700.0))
    scan = parallel_beam(np.linspace(0, 3, 9), 60, 0.013).shift((-700.0, 400.0))
    image = _images(rng, "normal", (64, 48))
    expected = joseph_matrix(volume, scan) @ double(image).ravel()
    found = Projector(volume, scan).to(device)(image.to(device))
    assert relative_l2(found.flatten(), expected) <= NORMAL


@pytest.mark.parametrize("angle", [0.0, math.pi / 4, math.pi / 2, 3 * math.pi / 4, math.pi])
@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 1.0)], ids=["square", "oblong"])
def test_rays_along_axes_and_diagonals(
    angle: float, shift: float, spacing: tuple[float, float], device: str
) -> None:
    volume = Volume((8, 7), spacing=spacing)
    scan = parallel_beam([angle], 31, 0.5, detector_offset=shift)
    found = entries(Projector(volume, scan).to(device), torch.float64, device)
    assert relative_max(found, joseph_matrix(volume, scan)) <= 1e-12


@pytest.mark.parametrize("turn", [0.0, math.pi / 2, math.pi])
@pytest.mark.parametrize("tilt", [1e-3, 1e-6, 1e-9, 1e-15, -1e-17, 1e-18, -1e-19, 1e-110, 5e-324])
def test_rays_that_are_almost_parallel_to_an_axis(turn: float, tilt: float, device: str) -> None:
    scan = parallel_beam([turn], 9, 0.6)
    vectors = scan.to_vectors()
    vectors[0, :2] = np.where(abs(vectors[0, :2]) < 0.5, tilt, vectors[0, :2])
    scan = Scan.from_vectors(vectors, 9)
    volume = Volume((8, 7))
    found = entries(Projector(volume, scan).to(device), torch.float64, device)
    assert relative_max(found, joseph_matrix(volume, scan)) <= 1e-12
    positions = entries(Backprojector(volume, scan).to(device), torch.float64, device)
    assert relative_max(positions, backprojection_matrix(volume, scan)) <= 1e-12


def test_columns_beyond_the_volume_read_exactly_zero(device: str) -> None:
    scan = parallel_beam([0.0, 0.3, 1.5, math.pi / 2], 4001, 5.0)
    sinogram = Projector(Volume((16, 16)), scan).to(device)(torch.ones(16, 16, device=device))
    distance = abs(np.arange(4001) - 2000) * 5.0
    outside = double(sinogram)[:, distance > 14]
    assert (outside == 0).all()
    assert (double(sinogram)[:, distance <= 5] > 0).all()


def test_a_distant_source_is_a_parallel_beam(device: str, rng: np.random.Generator) -> None:
    volume = Volume((24, 31), spacing=(0.9, 1.2))
    angles = np.linspace(0, 6, 9)
    image = _images(rng, "uniform", volume.shape).to(device)
    parallel = Projector(volume, parallel_beam(angles, 40)).to(device)(image)
    for curved in (False, True):
        scan = fan_beam(angles, 40, source_distance=1e8, detector_distance=20.0, curved=curved)
        assert relative_l2(Projector(volume, scan).to(device)(image), parallel) <= 1e-5


def test_a_source_that_looks_away_from_the_volume_sees_nothing(device: str) -> None:
    rows = [[0.0, 30, 0, 60, 1, 0], [30.0, 0, 60, 0, 0, 1], [0.0, -30, 0, 60, 1, 0]]
    scan = Scan.from_vectors(rows, 11, "fan")
    sinogram = Projector(Volume((16, 16)), scan).to(device)(torch.ones(16, 16, device=device))
    peaks = double(sinogram).max(axis=1)
    assert peaks[0] == peaks[1] == 0
    assert peaks[2] == pytest.approx(16, rel=1e-2)


def test_a_detector_inside_the_volume_reads_the_whole_line(device: str) -> None:
    image = torch.ones(16, 16, device=device, dtype=torch.float64)
    near = fan_beam([0.0, 1.0], 5, 0.8, source_distance=40.0, detector_distance=0.0)
    far = fan_beam([0.0, 1.0], 5, 1.6, source_distance=40.0, detector_distance=40.0)
    volume = Volume((16, 16))
    close = Projector(volume, near).to(device)(image)
    assert relative_max(close, Projector(volume, far).to(device)(image)) <= 1e-13
    assert close.min() > 15
