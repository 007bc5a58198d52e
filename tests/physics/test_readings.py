"""TorchRadon's noise and readings: what they mean, at every size and on every device."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats

from measures import double
from oracles.physics import poisson_chi_square, uniform_if_poisson
from physics.randomness import DOSES, LEVEL, seeded
from torch_radon.physics import add_noise, emulate_readings, gaussian_noise, poisson_noise


@pytest.mark.parametrize("dose", DOSES)
@pytest.mark.parametrize("density", [1.0, 2.5])
def test_readings_are_poisson(
    device: str, rng: np.random.Generator, dose: float, density: float
) -> None:
    lines = torch.full((3, 5, 20, 61), 0.8 * density, dtype=torch.float64, device=device)
    readings = emulate_readings(lines, math.log(dose), density, generator=seeded(device))
    assert readings.dtype == torch.int32
    assert readings.shape == lines.shape
    mean, counts = dose * math.exp(-0.8), double(readings).ravel()
    assert poisson_chi_square(counts, mean) > LEVEL
    assert stats.kstest(uniform_if_poisson(counts, mean, rng), "uniform").pvalue > LEVEL


@pytest.mark.parametrize("columns", [1, 63, 64, 65, 127, 200])
@pytest.mark.parametrize("approximate", [False, True])
def test_every_column_gets_noise(device: str, columns: int, approximate: bool) -> None:
    lines = torch.full((2, 300, columns), 1.5, device=device)
    noisy = add_noise(lines, 6.0, approximate=approximate, generator=seeded(device))
    spread = double(noisy).reshape(-1, columns).std(0)
    # exp((1.5 - 6) / 2) to first order.
    np.testing.assert_allclose(spread, math.exp(-2.25), rtol=4 * math.sqrt(0.5 / 600) + 0.03)
    assert bool((lines == 1.5).all())


@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("density", [1.0, 0.02])
def test_formula(
    device: str, generator: torch.Generator, approximate: bool, density: float
) -> None:
    """The same counts as those of the noise itself, through the logarithm as it is defined."""
    lines = density * 9 * torch.rand(4, 9, 11, generator=generator, dtype=torch.float64)
    found = add_noise(lines.to(device), 6.5, density, approximate, generator=seeded(device))
    mean = torch.exp(6.5 - lines / density).to(device)
    draw = gaussian_noise if approximate else poisson_noise
    counts = double(draw(mean, generator=seeded(device)))
    expected = density * np.maximum(6.5 - np.log(np.maximum(counts, 1)), 0)
    np.testing.assert_allclose(double(found), expected, rtol=1e-12, atol=1e-13)
    assert bool((found >= 0).all())
    assert float(found.max()) <= 6.5 * density * (1 + 1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_types(device: str, generator: torch.Generator, dtype: torch.dtype) -> None:
    lines = (3 * torch.rand(5, 8, 7, generator=generator)).to(device, dtype)
    noisy = add_noise(lines, 9.0, generator=seeded(device))
    assert noisy.dtype == dtype
    if dtype in (torch.float16, torch.bfloat16):
        single = add_noise(lines.float(), 9.0, generator=seeded(device))
        assert torch.equal(noisy, single.to(dtype))
    assert torch.equal(noisy, add_noise(lines, 9.0, generator=seeded(device), check=False))
    strided = lines.transpose(0, 2).contiguous().transpose(0, 2)
    assert torch.equal(noisy, add_noise(strided, 9.0, generator=seeded(device)))


def test_a_signal_for_each_sinogram(device: str) -> None:
    lines = torch.zeros(2, 100, 100, device=device)
    signals = torch.tensor([6.0, 9.0], device=device).reshape(2, 1, 1)
    readings = double(emulate_readings(lines, signals, generator=seeded(device)))
    np.testing.assert_allclose(readings.mean((1, 2)), np.exp([6.0, 9.0]), rtol=0.01)
    noisy = double(add_noise(lines + 1, signals, generator=seeded(device)))
    np.testing.assert_allclose(noisy.std((1, 2)), np.exp([-2.5, -4.0]), rtol=0.04)


def test_gradients(device: str, generator: torch.Generator) -> None:
    lines = (1 + torch.rand(3, 4, generator=generator, dtype=torch.float64)).to(device)
    lines.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: add_noise(x, 8.0, 1.5, True, generator=seeded(device)), lines
    )
    assert not add_noise(lines, 8.0).requires_grad


@pytest.mark.parametrize("shape", [(), (0, 4, 5), (7,), (1, 1), (33, 2, 3)])
def test_shapes(device: str, shape: tuple[int, ...]) -> None:
    assert add_noise(torch.ones(shape, device=device), 5.0).shape == shape
    assert emulate_readings(torch.ones(shape, device=device), 5.0).shape == shape


@pytest.mark.parametrize("function", [add_noise, emulate_readings])
def test_bad_arguments(device: str, function: Callable[..., torch.Tensor]) -> None:
    lines = torch.zeros(2, 3, device=device)
    bad = lines.clone()
    bad[1, 2] = float("nan")
    with pytest.raises(ValueError, match=r"x must be finite, got nan at index \(1, 2\)"):
        function(bad, 5.0)
    for signal in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="signal must be finite"):
            function(lines, signal)
    with pytest.raises(ValueError, match=r"mean must be finite and not negative and at most 1.07"):
        function(lines, 25.0)
    with pytest.raises(ValueError, match="density_normalization must be positive"):
        function(lines, 5.0, 0.0)
    for shape in ((4, 1, 1), (5,)):
        with pytest.raises(ValueError, match=r"signal must broadcast to the data's shape \(2, 3\)"):
            function(lines, torch.ones(shape, device=device))
    with pytest.raises(ValueError, match=r"signal must be finite, got inf at index \(1,\)"):
        function(lines, torch.tensor([1.0, float("inf"), 1.0], device=device))
    with pytest.raises(TypeError, match="x must be of a real floating-point type"):
        function(lines.int(), 5.0)
