"""The centre of rotation against the truth of simulated scans."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scans import ellipse_sinogram, with_noise
from torch_radon.data import DataError, axis_offset, find_center

HALF_TURN = np.linspace(0, np.pi, 180, endpoint=False)
ANGLES = {
    "0 to 180, open": HALF_TURN,
    "0 to 180, closed": np.linspace(0, np.pi, 181),
    "0 to 360": np.linspace(0, 2 * np.pi, 200, endpoint=False),
    "0 to 360, odd": np.linspace(0, 2 * np.pi, 181, endpoint=False),
    "golden": np.mod(np.arange(150) * np.pi * (5**0.5 - 1) / 2, np.pi),
    "backwards from -90": np.linspace(np.pi / 2, -np.pi / 2, 120, endpoint=False),
    "0 to 140": np.linspace(0, np.deg2rad(140), 140),
}


def simulate(
    rng: np.random.Generator, angles: np.ndarray, columns: int, offset: float
) -> tuple[np.ndarray, float]:
    center = (columns - 1) / 2 + offset
    radius = 0.95 * min(center, columns - 1 - center)
    return ellipse_sinogram(rng, angles, columns, center, radius), center


@pytest.mark.parametrize("angles", ANGLES.values(), ids=ANGLES.keys())
@pytest.mark.parametrize("columns", [128, 129])
@pytest.mark.parametrize("offset", [0.0, 0.3, -0.2, 0.2])
def test_without_noise(
    rng: np.random.Generator, angles: np.ndarray, columns: int, offset: float
) -> None:
    """Offsets below 0.3 are fractions of the width."""
    shift = offset if offset == 0.3 else offset * columns
    sinogram, center = simulate(rng, angles, columns, shift)
    found = find_center(sinogram, angles)
    assert abs(found.center - center) < 0.005
    assert found.spread < 0.02
    assert not found.truncated


@pytest.mark.parametrize("angles", ANGLES.values(), ids=ANGLES.keys())
@pytest.mark.parametrize("columns", [128, 257])
@pytest.mark.parametrize(("photons", "tolerance"), [(1e4, 0.1), (300, 0.5)])
def test_with_noise(
    rng: np.random.Generator, angles: np.ndarray, columns: int, photons: float, tolerance: float
) -> None:
    """Errors are about a quarter of the tolerances; 300 photons leave 40 behind the object."""
    sinogram, center = simulate(rng, angles, columns, 0.13 * columns)
    found = find_center(with_noise(rng, sinogram, photons), angles)
    assert abs(found.center - center) < tolerance


@settings(max_examples=30)
@given(
    offset=st.floats(-0.2, 0.2),
    columns=st.integers(48, 200),
    views=st.integers(40, 200),
    seed=st.integers(0, 2**32 - 1),
)
def test_anywhere(offset: float, columns: int, views: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = np.linspace(0, np.pi, views, endpoint=False)
    sinogram, center = simulate(rng, angles, columns, offset * columns)
    found = find_center(with_noise(rng, sinogram, 1e5), angles)
    assert abs(found.center - center) < 0.05


def test_mirrored_data_give_the_mirrored_center(rng: np.random.Generator) -> None:
    sinogram, _ = simulate(rng, HALF_TURN, 100, 7.7)
    noisy = with_noise(rng, sinogram, 1e4)
    there = find_center(noisy, HALF_TURN).center
    mirrored = find_center(noisy[:, ::-1], HALF_TURN).center
    assert abs(there + mirrored - 99) < 0.003


def test_the_sense_of_rotation_does_not_matter(rng: np.random.Generator) -> None:
    sinogram, _ = simulate(rng, HALF_TURN, 100, 7.7)
    noisy = with_noise(rng, sinogram, 1e4)
    assert abs(find_center(noisy, HALF_TURN).center - find_center(noisy, -HALF_TURN).center) < 0.003


def test_more_rows_average_noise(rng: np.random.Generator) -> None:
    errors = []
    for rows in (1, 8):
        for _ in range(8):
            sinogram, center = simulate(rng, HALF_TURN, 96, 5.3)
            stack = np.stack([with_noise(rng, sinogram, 200) for _ in range(rows)])
            errors.append(find_center(stack, HALF_TURN).center - center)
    one, eight = np.reshape(errors, (2, 8)).std(axis=1)
    assert eight < 0.7 * one


def test_rows_without_an_object_do_no_harm(rng: np.random.Generator) -> None:
    sinogram, center = simulate(rng, HALF_TURN, 96, 5.3)
    stack = np.stack([np.zeros_like(sinogram), sinogram, np.zeros_like(sinogram)])
    assert abs(find_center(stack, HALF_TURN).center - center) < 0.005


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_tensors(rng: np.random.Generator, dtype: torch.dtype) -> None:
    sinogram, center = simulate(rng, HALF_TURN, 96, 5.3)
    data = torch.from_numpy(sinogram).to(dtype).requires_grad_()
    assert abs(find_center(data, torch.from_numpy(HALF_TURN)).center - center) < 0.01


@pytest.mark.parametrize(
    ("disturb", "tolerance"),
    [
        (lambda p, rng: p + 0.02 * rng.standard_normal((len(p), 1)), 0.2),
        (lambda p, rng: p + 0.01 * rng.standard_normal((1, p.shape[1])), 0.2),
        (lambda p, rng: p - 0.08 * p**2, 0.1),
    ],
    ids=["beam drift", "rings", "beam hardening"],
)
def test_what_real_scanners_do(rng, disturb, tolerance):
    sinogram, center = simulate(rng, HALF_TURN, 256, -17.7)
    noisy = with_noise(rng, disturb(sinogram, rng), 1e4)
    assert abs(find_center(noisy, HALF_TURN).center - center) < tolerance


@pytest.mark.parametrize(("photons", "tolerance"), [(1e6, 0.3), (1e4, 1.0)])
def test_object_beyond_the_detector(
    rng: np.random.Generator, photons: float, tolerance: float
) -> None:
    sinogram = ellipse_sinogram(rng, HALF_TURN, 200, 104.2, radius=130)
    found = find_center(with_noise(rng, sinogram, photons), HALF_TURN)
    assert found.truncated
    assert abs(found.center - 104.2) < tolerance


def test_pure_noise_has_no_center(rng: np.random.Generator) -> None:
    for views, columns in ((16, 64), (60, 16), (180, 64), (180, 256)):
        angles = np.linspace(0, np.pi, views, endpoint=False)
        for _ in range(5):
            with pytest.raises(DataError, match="centre of rotation: "):
                find_center(rng.standard_normal((views, columns)), angles)


def test_constant_sinogram() -> None:
    with pytest.raises(DataError, match="the sinograms are constant, there is no object"):
        find_center(np.full((180, 64), 0.3), HALF_TURN)


def test_too_few_views_columns_or_angles(rng: np.random.Generator) -> None:
    sinogram, _ = simulate(rng, HALF_TURN, 64, 2)
    with pytest.raises(DataError, match=r"at least 16 views and 16 columns .* got 15 and 64"):
        find_center(sinogram[::12], HALF_TURN[::12])
    with pytest.raises(DataError, match=r"at least 16 views and 16 columns .* got 180 and 9"):
        find_center(sinogram[:, :9], HALF_TURN)
    with pytest.raises(DataError, match=r"the angles cover 40\.0 degrees, at least 60 are needed"):
        find_center(sinogram[:40], HALF_TURN[:40])
    with pytest.raises(DataError, match="170 are needed for an object that reaches beyond"):
        find_center(sinogram[:120], HALF_TURN[:120], truncated=True)


def test_axis_far_from_the_middle(rng: np.random.Generator) -> None:
    sinogram = ellipse_sinogram(rng, HALF_TURN, 200, center=30.4, radius=25)
    assert abs(find_center(with_noise(rng, sinogram, 1e4), HALF_TURN).center - 30.4) < 0.1


@pytest.mark.parametrize(("center", "radius"), [(-12.0, 90), (-60.0, 150), (20.0, 90)])
def test_object_beyond_one_end_only(rng: np.random.Generator, center: float, radius: float) -> None:
    sinogram = ellipse_sinogram(rng, HALF_TURN, 200, center, radius)
    with pytest.raises(DataError, match="reaches beyond the first column but not beyond the other"):
        find_center(sinogram, HALF_TURN)
    with pytest.raises(DataError, match="reaches beyond the last column but not beyond the other"):
        find_center(sinogram[:, ::-1], HALF_TURN)


def test_shapes_and_values(rng: np.random.Generator) -> None:
    sinogram, _ = simulate(rng, HALF_TURN, 64, 2)
    with pytest.raises(DataError, match=r"angles must have shape \(180,\), one a view, got \(179"):
        find_center(sinogram, HALF_TURN[1:])
    with pytest.raises(DataError, match=r"sinograms must have shape .* got \(64,\)"):
        find_center(sinogram[0], HALF_TURN)
    with pytest.raises(DataError, match="angles must be finite"):
        find_center(sinogram, HALF_TURN * np.nan)
    sinogram[3, 4] = np.inf
    with pytest.raises(DataError, match="sinograms must be finite"):
        find_center(sinogram, HALF_TURN)


def test_axis_offset() -> None:
    assert axis_offset(49.5, 100) == 0
    assert axis_offset(50, 101, spacing=2.0) == 0
    assert axis_offset(60, 101, spacing=0.5) == 5
    with pytest.raises(ValueError, match="spacing must be positive"):
        axis_offset(60, 101, spacing=0.0)
