"""Losses against SciPy's likelihoods, their minima and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from measures import double
from physics.randomness import DOSES, seeded
from torch_radon.physics import (
    compound_noise,
    gaussian_nll,
    line_weights,
    lines_to_counts,
    poisson_nll,
    poisson_noise,
    shifted_poisson_nll,
)


@pytest.mark.parametrize("dose", DOSES)
def test_poisson_likelihood_ratio(device: str, dose: float) -> None:
    """SciPy's negative log-likelihood, less that of the best mean."""
    means = torch.linspace(0.5 * dose, 1.6 * dose, 40, dtype=torch.float64)
    counts = poisson_noise(torch.full((40,), dose, dtype=torch.float64), generator=seeded("cpu"))
    found = poisson_nll(means.to(device), counts.to(device), reduction="none")
    seen = counts.numpy()
    expected = stats.poisson.logpmf(seen, seen) - stats.poisson.logpmf(seen, means.numpy())
    np.testing.assert_allclose(double(found), expected, rtol=1e-7, atol=1e-8 * dose)
    for reduction, value in (("sum", expected.sum()), ("mean", expected.mean())):
        total = poisson_nll(means.to(device), counts.to(device), reduction=reduction)
        assert float(total) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("dose", DOSES)
def test_float32_is_as_good_as_its_input(device: str, dose: float) -> None:
    """Where the mean is near the counts, the textbook form would leave nothing but rounding."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(dose, 500).astype(np.float32)
    means = np.full(500, dose, np.float32)
    found = poisson_nll(torch.tensor(means, device=device), torch.tensor(counts, device=device))
    expected = poisson_nll(torch.tensor(means).double(), torch.tensor(counts).double())
    assert float(found) == pytest.approx(float(expected), rel=1e-3)
    assert found.dtype == torch.float32


def test_zero_counts(device: str) -> None:
    mean = torch.tensor([0.0, 0.0, 3.0, 1e-20], device=device, requires_grad=True)
    counts = torch.tensor([0.0, 2.0, 0.0, 0.0], device=device)
    losses = poisson_nll(mean, counts, reduction="none")
    assert double(losses).tolist() == [0.0, float("inf"), 3.0, pytest.approx(1e-20, rel=1e-6)]
    losses[[0, 2, 3]].sum().backward()
    assert mean.grad is not None
    assert mean.grad[[0, 2, 3]].tolist() == [1.0, 1.0, 1.0]


def test_what_has_no_likelihood_is_nan(device: str) -> None:
    """Silently dropping it would hide a wrong calibration; a check would wait for the GPU."""
    mean = torch.tensor([-1.0, 5.0, float("nan"), 5.0], device=device)
    counts = torch.tensor([5.0, -1.0, 5.0, float("nan")], device=device)
    assert torch.isnan(poisson_nll(mean, counts, reduction="none")).all()
    assert torch.isnan(poisson_nll(mean, counts))
    shifted = shifted_poisson_nll(mean, counts, electronic_noise=2.0, reduction="none")
    assert torch.isnan(shifted).tolist() == [False, False, True, True]


@pytest.mark.parametrize("electronic", [0.0, 1.5, 20.0])
def test_shifted_poisson(device: str, electronic: float) -> None:
    mean = torch.linspace(1, 90, 30, dtype=torch.float64)
    counts = torch.linspace(95, -15, 30, dtype=torch.float64).round()
    found = shifted_poisson_nll(
        mean.to(device), counts.to(device), electronic_noise=electronic, reduction="none"
    )
    shifted, rate = np.maximum(counts.numpy() + electronic**2, 0), mean.numpy() + electronic**2
    expected = rate - shifted * np.log(rate)
    best = shifted - np.where(shifted > 0, shifted * np.log(np.maximum(shifted, 1e-300)), 0)
    np.testing.assert_allclose(double(found), expected - best, rtol=1e-9, atol=1e-9)


def test_gaussian_nll(device: str, generator: torch.Generator) -> None:
    estimate, measured, weights = (
        torch.rand(3, 4, 5, generator=generator, dtype=torch.float64) for _ in range(3)
    )
    found = gaussian_nll(estimate.to(device), measured.to(device), weights[0].to(device))
    expected = np.mean(0.5 * double(weights[0]) * (double(estimate) - double(measured)) ** 2)
    assert float(found) == pytest.approx(float(expected), rel=1e-14)


def test_all_find_the_mean(device: str) -> None:
    """The minimiser over one unknown line integral is within its error of the truth."""
    lines = torch.full((20_000,), 1.3, dtype=torch.float64, device=device)
    mean = lines_to_counts(lines, 300.0)
    counts = compound_noise(mean, electronic_noise=5.0, generator=seeded(device, 1))
    weights = line_weights(counts, electronic_noise=5.0)
    measured = -torch.log(counts.clamp_min(1.0) / 300.0)

    def shifted(unknown: torch.Tensor) -> torch.Tensor:
        return shifted_poisson_nll(lines_to_counts(unknown, 300.0), counts, electronic_noise=5.0)

    def squares(unknown: torch.Tensor) -> torch.Tensor:
        return gaussian_nll(unknown, measured, weights)

    error = 4 * np.sqrt((81.76 + 25) / 81.76**2 / lines.numel())
    # Measured weights favour bright readings: the quadratic fit is off by about 1 / photons.
    for loss, bias in ((shifted, 0.0), (squares, 3 / 81.76)):
        unknown = torch.ones((), dtype=torch.float64, device=device, requires_grad=True)
        for _ in range(30):
            gradient = torch.autograd.grad(
                loss(unknown.expand(20_000)), unknown, create_graph=True
            )[0]
            (curvature,) = torch.autograd.grad(gradient, unknown)
            unknown = (unknown - gradient / curvature).detach().requires_grad_()
        assert abs(float(unknown.detach()) - 1.3) < error + bias


def test_gradcheck(device: str, generator: torch.Generator) -> None:
    mean = (5 + 10 * torch.rand(4, 3, generator=generator, dtype=torch.float64)).to(device)
    counts = torch.tensor([0.0, 7.0, 12.0], dtype=torch.float64, device=device)
    mean.requires_grad_()
    for check in (torch.autograd.gradcheck, torch.autograd.gradgradcheck):
        assert check(lambda x: poisson_nll(x, counts), mean)
        assert check(lambda x: shifted_poisson_nll(x, counts - 5, electronic_noise=1.5), mean)
        assert check(lambda x: gaussian_nll(x, counts, counts + 1), mean)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_storage(device: str, dtype: torch.dtype) -> None:
    mean = torch.linspace(1, 60_000, 50, device=device).to(dtype)
    counts = mean.flip(0)
    for found, single in (
        (poisson_nll(mean, counts), poisson_nll(mean.float(), counts.float())),
        (
            gaussian_nll(mean, counts, mean),
            gaussian_nll(mean.float(), counts.float(), mean.float()),
        ),
    ):
        assert found.dtype == torch.float32
        assert torch.equal(found, single)


def test_an_empty_batch(device: str) -> None:
    empty = torch.zeros(0, 3, device=device)
    assert poisson_nll(empty, empty, reduction="none").shape == (0, 3)
    assert float(poisson_nll(empty, empty, reduction="sum")) == 0


def test_bad_arguments() -> None:
    one = torch.ones(3)
    with pytest.raises(ValueError, match="reduction must be one of none, mean, sum, got 'max'"):
        poisson_nll(one, one, reduction="max")
    with pytest.raises(ValueError, match=r"mean and counts must have the same shape, got \(3,\)"):
        poisson_nll(one, torch.ones(4))
    with pytest.raises(ValueError, match="mean and counts must be on one device"):
        poisson_nll(one, torch.ones(3, device="meta"))
    with pytest.raises(TypeError, match="counts must be of a real floating-point type"):
        poisson_nll(one, one.int())
    with pytest.raises(ValueError, match="electronic_noise must not be negative"):
        shifted_poisson_nll(one, one, electronic_noise=-1.0)
    with pytest.raises(ValueError, match="weights and lines must have the same shape"):
        gaussian_nll(one, one, torch.ones(4))
