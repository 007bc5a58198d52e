"""Distributions of noise against SciPy, over dose; seeds, types and refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats

from backends_under_test import skip_or_fail
from measures import double
from oracles.physics import compound_cdf, poisson_chi_square, uniform_if_poisson
from physics.randomness import DOSES, LEVEL, check_moments, seeded
from torch_radon.physics import compound_noise, gaussian_noise, poisson_noise

Draw = Callable[..., torch.Tensor]
SAMPLES = 20_000


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dose", [0.3, *DOSES])
def test_poisson(device: str, rng: np.random.Generator, dose: float, dtype: torch.dtype) -> None:
    mean = torch.full((SAMPLES,), dose, dtype=dtype, device=device)
    counts = poisson_noise(mean, generator=seeded(device, 1))
    assert counts.dtype == dtype
    assert torch.equal(counts, counts.round())
    sample = double(counts)
    dose = float(mean[0])
    assert poisson_chi_square(sample, dose) > LEVEL
    assert stats.kstest(uniform_if_poisson(sample, dose, rng), "uniform").pvalue > LEVEL
    check_moments(sample, dose, dose, 3 + 1 / dose)


def test_poisson_of_a_ramp(device: str, rng: np.random.Generator) -> None:
    """Every element has its own mean, and elements are independent."""
    mean = torch.logspace(-1, 5, SAMPLES, dtype=torch.float64, device=device)
    counts = double(poisson_noise(mean, generator=seeded(device)))
    means = double(mean)
    uniform = stats.poisson.cdf(counts - 1, means)
    uniform += rng.random(SAMPLES) * stats.poisson.pmf(counts, means)
    assert stats.kstest(uniform, "uniform").pvalue > LEVEL
    normal = stats.norm.ppf(uniform)
    assert abs(np.mean(normal[1:] * normal[:-1])) < 4 / np.sqrt(SAMPLES)


def test_the_tests_can_tell(rng: np.random.Generator) -> None:
    """What is nearly Poisson, but not quite, is rejected."""
    mean = torch.full((SAMPLES,), 10.0, dtype=torch.float64)
    rounded = double(gaussian_noise(mean, generator=seeded("cpu"))).round().clip(0)
    assert poisson_chi_square(rounded, 10.0) < 1e-6
    assert stats.kstest(uniform_if_poisson(rounded, 10.0, rng), "uniform").pvalue < LEVEL
    for wrong in (10.2, 9.8):
        counts = double(poisson_noise(mean, generator=seeded("cpu")))
        assert stats.kstest(uniform_if_poisson(counts, wrong, rng), "uniform").pvalue < LEVEL
    with pytest.raises(AssertionError):
        check_moments(rounded, 10.0, 11.0, 3.1)


@pytest.mark.parametrize("dose", DOSES)
@pytest.mark.parametrize(("swank", "electronic"), [(1.0, 0.0), (1.0, 7.0), (0.85, 3.0)])
def test_gaussian(device: str, dose: float, swank: float, electronic: float) -> None:
    mean = torch.full((SAMPLES,), dose, dtype=torch.float64, device=device)
    noisy = gaussian_noise(
        mean, swank=swank, electronic_noise=electronic, generator=seeded(device, 2)
    )
    sample, variance = double(noisy), dose / swank + electronic**2
    assert stats.kstest(sample, stats.norm(dose, np.sqrt(variance)).cdf).pvalue > LEVEL
    check_moments(sample, dose, variance)


@pytest.mark.parametrize("dose", [0.5, 10.0, 100.0, 1e3])
@pytest.mark.parametrize(("swank", "electronic"), [(0.9, 0.0), (0.7, 4.0)])
def test_compound(device: str, dose: float, swank: float, electronic: float) -> None:
    """The distribution function is a sum over photons, integrated over electrons."""
    mean = torch.full((SAMPLES // 2,), dose, dtype=torch.float64, device=device)
    signal = compound_noise(
        mean, swank=swank, electronic_noise=electronic, generator=seeded(device, 3)
    )
    sample = double(signal)
    if electronic == 0:
        # No photon, no signal: the distribution function jumps there, by this much.
        nothing = sample == 0
        assert nothing.sum() == pytest.approx(
            len(sample) * np.exp(-dose), abs=4 * np.sqrt(len(sample) * np.exp(-dose)) + 1e-3
        )
        sample, floor = sample[~nothing], np.exp(-dose)
    else:
        floor = 0.0
    order = np.sort(sample)
    uniform = (compound_cdf(order, dose, swank, electronic) - floor) / (1 - floor)
    assert stats.kstest(uniform, "uniform").pvalue > LEVEL


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dose", DOSES)
def test_moments_of_compound_noise(device: str, dose: float, dtype: torch.dtype) -> None:
    mean = torch.full((SAMPLES,), dose, dtype=dtype, device=device)
    signal = compound_noise(mean, swank=0.8, electronic_noise=5.0, generator=seeded(device, 4))
    # The fourth cumulant is dose * E[energy**4], here for gamma energies of shape 4.
    fourth = dose * (4 * 5 * 6 * 7) / 4**4
    variance = dose / 0.8 + 25
    check_moments(double(signal), dose, variance, 3 + fourth / variance**2)


def test_electronic_noise_alone_is_normal(device: str) -> None:
    signal = compound_noise(
        torch.zeros(SAMPLES, device=device), electronic_noise=3.0, generator=seeded(device, 5)
    )
    assert stats.kstest(double(signal), stats.norm(0, 3).cdf).pvalue > LEVEL


@pytest.mark.parametrize("draw", [poisson_noise, gaussian_noise, compound_noise])
def test_a_seed_is_a_sample(device: str, generator: torch.Generator, draw: Draw) -> None:
    mean = (100 * torch.rand(3, 5, 7, generator=generator)).to(device)
    first = draw(mean, generator=seeded(device, 6))
    assert torch.equal(first, draw(mean, generator=seeded(device, 6)))
    assert not torch.equal(first, draw(mean, generator=seeded(device, 7)))
    strided = mean.transpose(0, 2).contiguous().transpose(0, 2)
    assert torch.equal(first, draw(strided, generator=seeded(device, 6)))
    torch.manual_seed(8)
    default = draw(mean)
    torch.manual_seed(8)
    assert torch.equal(default, draw(mean))


@pytest.mark.parametrize("draw", [poisson_noise, gaussian_noise, compound_noise])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_storage(device: str, draw: Draw, dtype: torch.dtype) -> None:
    mean = torch.linspace(0, 60_000, 999, device=device).to(dtype)
    noisy = draw(mean, generator=seeded(device))
    assert noisy.dtype == torch.float32
    assert torch.equal(noisy, draw(mean.float(), generator=seeded(device)))


@pytest.mark.parametrize("draw", [poisson_noise, gaussian_noise, compound_noise])
@pytest.mark.parametrize("shape", [(), (0,), (4, 0, 3), (1, 1), (33, 2, 1)])
def test_shapes(device: str, draw: Draw, shape: tuple[int, ...]) -> None:
    noisy = draw(torch.full(shape, 20.0, device=device), generator=seeded(device))
    assert noisy.shape == shape
    assert torch.isfinite(noisy).all()


def test_nothing_gives_nothing(device: str) -> None:
    mean = torch.zeros(50, device=device, requires_grad=True)
    for draw in (poisson_noise, gaussian_noise, compound_noise):
        assert not draw(mean, generator=seeded(device)).any()
    assert not compound_noise(mean, swank=0.5, generator=seeded(device)).any()
    gaussian_noise(mean).sum().backward()
    assert mean.grad is not None
    assert mean.grad.tolist() == [1.0] * 50


def test_gradient_of_the_gaussian(device: str, generator: torch.Generator) -> None:
    mean = (5 + torch.rand(3, 4, generator=generator, dtype=torch.float64)).to(device)

    def draw(means: torch.Tensor) -> torch.Tensor:
        return gaussian_noise(means, swank=0.8, electronic_noise=2.0, generator=seeded(device, 9))

    assert torch.autograd.gradcheck(draw, mean.requires_grad_())
    assert torch.autograd.gradgradcheck(draw, mean)


def test_exact_noise_does_not_pretend_to_have_a_gradient(device: str) -> None:
    mean = torch.full((3,), 9.0, device=device, requires_grad=True)
    for draw in (poisson_noise, compound_noise):
        assert not draw(mean).requires_grad


@pytest.mark.parametrize("draw", [poisson_noise, gaussian_noise, compound_noise])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e10])
def test_what_is_no_mean(device: str, draw: Draw, value: float) -> None:
    mean = torch.tensor([[5.0, value]], device=device)
    with pytest.raises(
        ValueError,
        match=r"mean must be finite and not negative and at most 1.07.*at index \(0, 1\)",
    ):
        draw(mean)
    unchecked = draw(mean, generator=seeded(device), check=False)
    assert torch.isfinite(unchecked[0, 0])
    if draw is not gaussian_noise:
        assert torch.isnan(unchecked[0, 1])


def test_without_checks_the_numbers_are_the_same(device: str) -> None:
    mean = torch.logspace(-2, 6, 500, device=device)
    first = poisson_noise(mean, generator=seeded(device))
    assert torch.equal(first, poisson_noise(mean, generator=seeded(device), check=False))


def test_bad_arguments() -> None:
    mean = torch.ones(3)
    draws: list[Draw] = [poisson_noise, gaussian_noise, compound_noise]
    for draw in draws[1:]:
        for swank in (0.0, 1.1, float("nan")):
            with pytest.raises(ValueError, match="swank must be"):
                draw(mean, swank=swank)
        with pytest.raises(ValueError, match="electronic_noise must not be negative"):
            draw(mean, electronic_noise=-1.0)
    for draw in draws:
        with pytest.raises(TypeError, match=r"generator must be a torch\.Generator, got int"):
            draw(mean, generator=0)
        with pytest.raises(TypeError, match="mean must be of a real floating-point type"):
            draw(torch.ones(3, dtype=torch.int64))


@pytest.mark.cuda
def test_generator_of_another_device() -> None:
    skip_or_fail("cuda")
    for draw in (poisson_noise, gaussian_noise, compound_noise):
        with pytest.raises(ValueError, match=r"generator must be on cuda.* like the data"):
            draw(torch.ones(3, device="cuda"), generator=torch.Generator())
