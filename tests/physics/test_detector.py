"""The chain from photons to grey levels: each link alone, all together, and their variance."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
import torch
from scipy import stats

from measures import double, relative_max
from oracles.physics import afterglow_loop, cross_talk_matrix
from physics.randomness import DOSES, LEVEL, check_moments, seeded
from torch_radon.physics import (
    Detector,
    compound_noise,
    counts_to_lines,
    line_variance,
    line_weights,
    lines_to_counts,
    poisson_noise,
)

FULL = Detector(
    gain=0.3,
    electronic_noise=4.0,
    dark=90.0,
    swank=0.85,
    cross_talk=(0.08, 0.02),
    afterglow=((0.1, 2.0), (0.03, 20.0)),
    step=1.0,
)


def test_a_plain_detector_counts_photons(device: str) -> None:
    mean = torch.full((20, 30), 50.0, device=device)
    readings = Detector().read(mean, generator=seeded(device))
    assert torch.equal(readings, poisson_noise(mean, generator=seeded(device)))


def test_the_chain_without_noise(device: str, generator: torch.Generator) -> None:
    mean = 1e3 * torch.rand(3, 12, 9, generator=generator, dtype=torch.float64)
    before = 1e3 * torch.rand(9, generator=generator, dtype=torch.float64)
    quiet = dataclasses.replace(FULL, noise="none", step=0.0)
    found = quiet.read(mean.to(device), before=before.to(device))
    blur = cross_talk_matrix(9, (0.08, 0.02))
    for batch, item in enumerate(mean.numpy()):
        light = afterglow_loop(item @ blur, list(FULL.afterglow), before.numpy() @ blur)
        assert relative_max(found[batch], 0.3 * light + 90) < 1e-14


def test_the_chain_on_a_panel(device: str, generator: torch.Generator) -> None:
    mean = 1e3 * torch.rand(2, 6, 5, 7, generator=generator, dtype=torch.float64)
    panel = Detector(cross_talk=0.1, afterglow=[(0.2, 3.0)], noise="none", axes=2)
    found = panel.read(mean.to(device), before=100.0)
    rows, columns = (cross_talk_matrix(n, (0.1,)) for n in (5, 7))
    blurred = np.einsum("ij,kl,vjl->vik", rows, columns, mean[1].numpy())
    assert relative_max(found[1], afterglow_loop(blurred, [(0.2, 3.0)], 100.0)) < 1e-14


@pytest.mark.parametrize("dose", DOSES)
@pytest.mark.parametrize("noise", ["poisson", "gaussian"])
def test_read_out_moments(device: str, dose: float, noise: str) -> None:
    detector = Detector(gain=0.5, electronic_noise=3.0, dark=200.0, swank=0.9, noise=noise)
    mean = torch.full((100, 200), dose, dtype=torch.float64, device=device)
    readings = double(detector.read(mean, generator=seeded(device, 1)))
    variance = 0.25 * dose / 0.9 + 9
    shape = 9.0  # gamma energies with a Swank factor of 0.9
    fourth = dose * np.prod(shape + np.arange(4)) / shape**4 if noise == "poisson" else 0.0
    check_moments(readings, 0.5 * dose + 200, variance, 3 + fourth / 16 / variance**2)


def test_variance_of_everything(device: str) -> None:
    """Against many repetitions, pixel by pixel."""
    ramp = torch.linspace(50, 3000, 7 * 9, dtype=torch.float64).reshape(7, 9).to(device)
    repeats = 20_000
    readings = double(FULL.read(ramp.expand(repeats, 7, 9), generator=seeded(device, 2)))
    expected = double(FULL.variance(ramp))
    # Sums of many gammas are all but normal; the largest of 63 errors, at the usual level.
    error = np.abs(readings.var(0) / expected - 1) / np.sqrt(2.1 / repeats)
    assert error.max() < stats.norm.isf(LEVEL / 2 / 63)
    # And it is not the variance without blur that this would accept.
    plain = dataclasses.replace(FULL, cross_talk=0.0, afterglow=())
    assert np.abs(double(plain.variance(ramp)) / expected - 1).min() > 0.05


def test_variance_map_against_the_matrix(device: str, generator: torch.Generator) -> None:
    """Every entry of the linear response, squared."""
    views, rows, columns = 5, 3, 4
    panel = Detector(gain=2.0, cross_talk=(0.1, 0.05), afterglow=FULL.afterglow, axes=2)
    quiet = dataclasses.replace(panel, noise="none")
    size = views * rows * columns
    unit = torch.eye(size, dtype=torch.float64, device=device)
    response = double(quiet.read(unit.reshape(size, views, rows, columns))).reshape(size, size)
    mean = torch.rand(views, rows, columns, generator=generator, dtype=torch.float64)
    expected = (double(mean).ravel() @ response**2).reshape(views, rows, columns)
    assert relative_max(panel.variance(mean.to(device)), expected) < 1e-13
    batch = panel.variance(mean.to(device).expand(2, -1, -1, -1))
    assert relative_max(batch[1], expected) < 1e-13


def test_neighbours_share_noise(device: str) -> None:
    """Cross-talk acts on what is random, so that noise is correlated; afterglow likewise."""
    mean = torch.full((200, 400), 1e3, dtype=torch.float64, device=device)
    detector = Detector(cross_talk=0.1, afterglow=[(0.2, 2.0)])
    noise = double(detector.read(mean, before=1e3, generator=seeded(device, 3))) - 1e3
    across = np.mean(noise[:, 1:] * noise[:, :-1]) / noise.var()
    along = np.mean(noise[1:] * noise[:-1]) / noise.var()
    keep = np.exp(-0.5)
    response = np.array([0.8 + 0.2 * (1 - keep), *0.2 * (1 - keep) * keep ** np.arange(1, 60)])
    assert across == pytest.approx(2 * 0.8 * 0.1 / (0.64 + 0.02), abs=0.015)
    assert along == pytest.approx(response[1:] @ response[:-1] / (response @ response), abs=0.015)


def test_saturation_and_rounding(device: str) -> None:
    adc = Detector(gain=0.5, dark=10.0, step=4.0, saturation=1022.0, noise="none")
    mean = torch.tensor([[0.0, 7.0, 1000.0, 2020.0, 2021.0, 1e6]], device=device)
    assert adc.read(mean).tolist() == [[8.0, 12.0, 512.0, 1020.0, 1020.0, 1020.0]]
    analog = Detector(saturation=100.0, noise="none")
    assert analog.read(mean).tolist() == [[0.0, 7.0, 100.0, 100.0, 100.0, 100.0]]
    noisy = Detector(electronic_noise=5.0)
    nothing = torch.zeros(50, 50, device=device)
    assert bool((noisy.read(nothing, generator=seeded(device)) < 0).any())
    digital = dataclasses.replace(noisy, step=1.0).read(nothing, generator=seeded(device))
    assert float(digital.min()) == 0.0
    assert torch.equal(digital, digital.round())


def test_rounding_is_exact(device: str, generator: torch.Generator) -> None:
    """Also where a gradient passes straight through."""
    mean = (1e4 * torch.rand(40, 50, generator=generator)).to(device).requires_grad_()
    detector = Detector(
        gain=0.37, dark=100.3, noise="gaussian", electronic_noise=2.0, step=1.0, saturation=3000.0
    )
    readings = detector.read(mean, generator=seeded(device))
    assert torch.equal(readings, readings.round())
    assert float(readings.detach().max()) == 3000.0
    readings.sum().backward()
    assert mean.grad is not None
    # More than ten standard deviations of 33 levels from where readings are clipped.
    above, below = mean.detach() > 9000, mean.detach() < 6800
    assert not mean.grad[above].any()
    assert float(mean.grad[below].mean()) == pytest.approx(0.37, abs=0.03)


def test_gradcheck(device: str, generator: torch.Generator) -> None:
    detector = dataclasses.replace(FULL, noise="gaussian", step=0.0)
    mean = (100 + torch.rand(4, 5, generator=generator, dtype=torch.float64)).to(device)
    assert torch.autograd.gradcheck(
        lambda x: detector.read(x, before=50.0, generator=seeded(device)), mean.requires_grad_()
    )
    assert torch.autograd.gradcheck(detector.variance, mean)


def test_a_seed_is_a_scan(device: str) -> None:
    mean = torch.full((2, 20, 30), 200.0, device=device)
    first = FULL.read(mean, generator=seeded(device, 4))
    assert torch.equal(first, FULL.read(mean, generator=seeded(device, 4)))
    assert torch.equal(first, FULL.read(mean, generator=seeded(device, 4), check=False))
    assert not torch.equal(first[0], first[1])
    assert FULL.read(mean.half(), generator=seeded(device, 4)).dtype == torch.float32
    assert FULL.read(mean[:0], generator=seeded(device)).shape == (0, 20, 30)


@pytest.mark.parametrize("dose", [200.0, 1e3, 1e4, 1e6])
def test_variance_of_line_integrals(device: str, dose: float) -> None:
    """To first order: the error left is that of the next order, about 3 / photons."""
    lines = torch.full((200, 200), 0.7, dtype=torch.float64, device=device)
    mean = lines_to_counts(lines, dose)
    counts = compound_noise(mean, swank=0.9, electronic_noise=2.0, generator=seeded(device, 5))
    found = double(counts_to_lines(counts, dose)).var()
    (expected,) = set(line_variance(mean, swank=0.9, electronic_noise=2.0).unique().tolist())
    few = dose * np.exp(-0.7)
    assert found / expected == pytest.approx(1, abs=4 * np.sqrt(2 / lines.numel()) + 4 / few)


def test_weights_are_inverse_variances(device: str) -> None:
    photons = torch.tensor([3.0, 200.0, 1e5], dtype=torch.float64, device=device)
    for swank, noise in ((1.0, 0.0), (0.8, 0.0), (0.7, 6.0)):
        weights = line_weights(photons, swank=swank, electronic_noise=noise)
        variance = line_variance(photons, swank=swank, electronic_noise=noise)
        torch.testing.assert_close(weights * variance, torch.ones_like(photons))
    assert line_weights(torch.tensor([0.0, -5.0]), electronic_noise=1.0).tolist() == [0, 0]
    huge = line_weights(torch.tensor([2e9]), electronic_noise=1e3)
    assert float(huge) == pytest.approx(4e18 / (2e9 + 1e6), rel=1e-6)


def test_weights_of_readings(device: str) -> None:
    detector = Detector(gain=0.5, dark=20.0, electronic_noise=3.0, step=2.0, saturation=1001.0)
    readings = torch.tensor([10.0, 20.0, 220.0, 1000.0], dtype=torch.float64, device=device)
    deviation = np.sqrt(9 + 4 / 12) / 0.5
    expected = [0.0, 0.0, 400**2 / (400 + deviation**2), 0.0]
    np.testing.assert_allclose(double(detector.weights(readings)), expected, rtol=1e-13)
    np.testing.assert_allclose(double(detector.photons(readings)), [-20, 0, 400, 1960])


def test_it_is_a_value() -> None:
    listed = Detector(cross_talk=[0.1, 0.02], afterglow=[(0.1, 2.0)])
    twin = Detector(cross_talk=(0.1, 0.02), afterglow=((0.1, 2.0),))
    assert listed == twin
    assert hash(listed) == hash(twin)
    assert pickle.loads(pickle.dumps(listed)) == twin


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gain": 0.0}, "gain must be positive, got 0.0"),
        ({"electronic_noise": -1.0}, "electronic_noise must not be negative"),
        ({"dark": float("nan")}, "dark must be finite"),
        ({"swank": 1.5}, "swank must be above 0 and at most 1, got 1.5"),
        ({"cross_talk": 0.7}, "shares must be from 0 to 0.5"),
        ({"afterglow": [(2.0, 1.0)]}, "part must be from 0 to 1"),
        ({"step": -1.0}, "step must not be negative"),
        ({"saturation": 5.0, "dark": 10.0}, "saturation must be above the dark level of 10, got 5"),
        ({"saturation": float("nan")}, "saturation must be above"),
        ({"noise": "white"}, "noise must be one of poisson, gaussian, none, got 'white'"),
        ({"axes": 3}, r"axes must be 1 \(columns\) or 2"),
    ],
)
def test_bad_detectors(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Detector(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("noise", ["poisson", "gaussian", "none"])
def test_bad_means(device: str, noise: str) -> None:
    detector = Detector(noise=noise)
    for value in (-1.0, float("nan"), float("inf")):
        mean = torch.tensor([[1.0, value]], device=device)
        with pytest.raises(
            ValueError, match=r"mean must be finite and not neg.* at index \(0, 1\)"
        ):
            detector.read(mean)
        with pytest.raises(ValueError, match="mean must be finite and not negative"):
            detector.variance(mean)
    with pytest.raises(ValueError, match=r"mean must have shape \(\.\.\., views, columns\), got"):
        detector.read(torch.ones(5, device=device))
    with pytest.raises(ValueError, match=r"mean must have shape \(\.\.\., views, rows, columns\)"):
        Detector(axes=2).read(torch.ones(5, 4, device=device))
    with pytest.raises(TypeError, match="mean must be of a real floating-point type"):
        detector.read(torch.ones(3, 4, dtype=torch.int32, device=device))
    with pytest.raises(ValueError, match="mean must be finite and positive"):
        line_variance(torch.zeros(3, device=device))
    with pytest.raises(ValueError, match="counts must be finite"):
        line_weights(torch.full((3,), float("nan"), device=device))
