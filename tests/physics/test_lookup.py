"""Tables of readings against brute force and Monte Carlo; levels, files and refusals."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from measures import double
from oracles.physics import reading_posterior
from physics.randomness import seeded
from torch_radon.physics import ReadingsLookup, compute_lookup_table


def typical(values: int, seed: int = 0) -> torch.Tensor:
    """Line integrals of an object in air: many small ones, some up to 4."""
    rng = np.random.default_rng(seed)
    lines = np.concatenate([np.abs(rng.normal(0, 0.01, values // 4)), 4 * rng.beta(2, 2, values)])
    return torch.from_numpy(rng.permutation(lines[:values]))


@pytest.mark.parametrize("signal", [math.log(10), math.log(100), 7.0, math.log(1e4)])
@pytest.mark.parametrize("deviation", [0.0, 0.4, 6.0])
@pytest.mark.parametrize("bins", [64, 300])
def test_against_every_single_probability(
    device: str, signal: float, deviation: float, bins: int
) -> None:
    lines = typical(150).to(device)
    mean, std, k = compute_lookup_table(lines, signal, deviation, bins)
    chance, expected, spread = reading_posterior(double(lines), signal, deviation, bins, k)
    assert mean.device == lines.device
    assert mean.dtype == torch.float64
    seen = chance > 1e-15
    error = np.abs(double(mean) - expected)[seen]
    assert (error <= 0.005 * spread[seen] + 1e-7).all()
    assert error @ chance[seen] < 2e-7
    often = chance > 1e-6
    np.testing.assert_allclose(double(std)[often], spread[often], rtol=5e-3, atol=1e-6)
    assert torch.isfinite(mean).all()
    assert torch.isfinite(std).all()


@pytest.mark.parametrize("dose", [10.0, 1e3, 1e5, 1e6])
def test_against_monte_carlo(device: str, dose: float) -> None:
    """Draw line integrals, read them, and average what lies behind each reading."""
    lines, signal, deviation, bins = typical(200_000), math.log(dose), 4.0, 1024
    lookup = ReadingsLookup(bins=bins)
    lookup.add_lookup_table(lines.to(device), signal, deviation)
    # With replacement: drawing each equally often would leave less chance than there is.
    drawn = lines[torch.randint(len(lines), (50, 20_000), generator=seeded("cpu", 2))]
    readings = lookup.emulate_readings(drawn.to(device), 0, generator=seeded(device, 1))
    cells = double(readings).ravel().astype(int)
    behind = double(drawn).ravel()
    number = np.bincount(cells, minlength=bins)
    enough = number > 200
    assert enough.sum() > {10.0: 10, 1e3: 50}.get(dose, 500)
    first = np.bincount(cells, behind, minlength=bins)[enough] / number[enough]
    second = np.bincount(cells, behind**2, minlength=bins)[enough] / number[enough]
    mean, std = lookup.mu[0][enough], lookup.sigma[0][enough]
    errors = (first - mean) / (std / np.sqrt(number[enough]))
    assert np.abs(errors).max() < 4.5
    assert np.mean(errors**2) == pytest.approx(1, abs=4 * np.sqrt(2 / len(errors)))
    spread = np.sqrt(second - first**2)
    many = number[enough] > 2000
    np.testing.assert_allclose(spread[many], std[many], rtol=0.2, atol=1e-4)


def test_photons_a_bin_make_saturation_unambiguous() -> None:
    """The smallest number that does, by the definition."""
    lines = typical(500)
    threshold = np.quantile(lines.numpy(), 0.01) + 0.01
    for signal, bins in ((7.0, 64), (9.0, 256), (11.0, 64)):
        k = compute_lookup_table(lines, signal, 3.0, bins).photons_per_bin

        def share(scale: int, signal: float = signal, bins: int = bins) -> float:
            logs = bins * scale * (signal - lines.numpy()) - np.exp(signal - lines.numpy())
            weights = np.exp(logs - logs.max())
            return weights[lines.numpy() <= threshold].sum() / weights.sum()

        assert share(k) >= 0.99
        assert k == 1 or share(k - 1) < 0.99


def test_readings_that_cannot_happen() -> None:
    lines = 0.5 + 0.1 * typical(100) / 4
    mean, std, _ = compute_lookup_table(lines, 8.0, 0.0, 4096)
    assert 0.5 < float(mean.min()) <= float(mean.max()) < 0.6
    assert float(mean[0]) == float(mean[1]) == pytest.approx(float(lines.max()), abs=0.01)
    assert float(mean[-1]) == float(mean[-2]) == pytest.approx(float(lines.min()), abs=0.01)
    assert float(std.max()) < 0.05


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
    ],
)
def test_types(device: str, dtype: torch.dtype, wanted: torch.dtype) -> None:
    lines = typical(100).reshape(10, 10).to(device, dtype)
    table = compute_lookup_table(lines, 6.0, 2.0, 64)
    assert table.mean.dtype == table.std.dtype == wanted
    rounded = compute_lookup_table(lines.double(), 6.0, 2.0, 64)
    torch.testing.assert_close(table.mean.double(), rounded.mean, rtol=1e-6, atol=1e-6)


def test_without_electronics_a_reading_is_a_count(device: str, generator: torch.Generator) -> None:
    """More readings than the noise is worth: the table inverts the exponential."""
    lines = (4 * torch.rand(5000, generator=generator)).to(device)
    mean, _, k = compute_lookup_table(lines, 9.0, 0.0, 4096)
    reading = torch.arange(200, 2000, device=device)
    guess = 9.0 - torch.log((reading + 0.5) * k)
    assert float((mean[reading] - guess).abs().max()) < 0.03


@pytest.fixture(scope="module")
def levels() -> ReadingsLookup:
    lookup = ReadingsLookup(bins=200)
    for signal, deviation in ((5.0, 1.0), (7.0, 4.0), (9.0, 20.0)):
        lookup.add_lookup_table(typical(2000), signal, deviation)
    return lookup


def test_levels_of_a_batch(device: str, levels: ReadingsLookup) -> None:
    """Each sinogram has its own level; flat levels serve nested batches, as in TorchRadon."""
    lines = typical(12_000, seed=1).reshape(2, 3, 40, 50).to(device)
    level = torch.tensor([[0, 1, 2], [2, 2, 0]], dtype=torch.int32, device=device)
    readings = levels.emulate_readings(lines, level, generator=seeded(device))
    assert readings.dtype == torch.int32
    assert 0 <= int(readings.min()) <= int(readings.max()) < 200
    flat = levels.emulate_readings(lines, level.flatten(), generator=seeded(device))
    assert torch.equal(readings, flat)
    mu, sigma = levels.lookup(readings, level)
    for i, j in np.ndindex(2, 3):
        number = int(level[i, j])
        one = levels.lookup(readings[i, j], number)
        assert torch.equal(mu[i, j], one[0])
        assert torch.equal(sigma[i, j], one[1])
        read = double(readings[i, j]).astype(int)
        np.testing.assert_array_equal(double(one[0]), levels.mu[number].astype(np.float32)[read])
        # What the table promises: the true line integral is within its deviation.
        score = (double(mu) - double(lines))[i, j] / double(sigma)[i, j]
        assert 0.8 < np.sqrt(np.mean(score**2)) < 1.2


def test_one_level(device: str, levels: ReadingsLookup) -> None:
    lines = typical(600).reshape(3, 10, 20).to(device)
    last = levels.emulate_readings(lines, 2, generator=seeded(device))
    same = levels.emulate_readings(
        lines, torch.full((3,), 2, device=device), generator=seeded(device)
    )
    assert torch.equal(last, same)
    assert torch.equal(last, levels.emulate_readings(lines, -1, generator=seeded(device)))
    half = levels.emulate_readings(lines.half(), 2, generator=seeded(device))
    assert half.shape == last.shape
    assert levels.emulate_readings(lines[:0], 2).shape == (0, 10, 20)
    mu, _ = levels.lookup(torch.tensor([[-5, 0, 199, 10**6]], device=device), 1)
    assert mu[0, 0] == mu[0, 1]
    assert mu[0, 2] == mu[0, 3]


def test_random_levels(device: str, levels: ReadingsLookup) -> None:
    drawn = levels.random_levels(3000, device, generator=seeded(device))
    assert drawn.dtype == torch.int32
    assert drawn.device.type == device
    counts = np.bincount(double(drawn).astype(int))
    assert counts.tolist() == pytest.approx([1000] * 3, abs=110)
    assert torch.equal(drawn, levels.random_levels(3000, device, generator=seeded(device)))
    with pytest.raises(ValueError, match="no level to draw from"):
        ReadingsLookup().random_levels(3)


def test_files(tmp_path: Path, levels: ReadingsLookup) -> None:
    path = tmp_path / "levels.npz"
    levels.save(path)
    again = ReadingsLookup.from_file(path)
    assert len(again) == 3
    assert (again.bins, again.ks, again.signals) == (200, levels.ks, levels.signals)
    assert again.normal_stds == levels.normal_stds
    lines = typical(200).reshape(10, 20)
    readings = again.emulate_readings(lines, 1, generator=seeded("cpu"))
    assert torch.equal(readings, levels.emulate_readings(lines, 1, generator=seeded("cpu")))
    for one, other in zip(levels.lookup(readings, 1), again.lookup(readings, 1), strict=True):
        assert torch.equal(one, other)
    ReadingsLookup(bins=7).save(tmp_path / "none.npz")
    assert len(ReadingsLookup.from_file(tmp_path / "none.npz")) == 0


def test_a_file_of_torch_radon(tmp_path: Path) -> None:
    """Its names, types and shapes: stacks of float32 tables and int32 photons a bin."""
    table = np.linspace(4, 0, 32, dtype=np.float32)
    np.savez(
        tmp_path / "theirs.npz",
        mu=np.stack([table, table / 2]),
        sigma=np.stack([table / 10, table / 20]),
        ks=np.array([1, 3], np.int32),
        signals=np.array([5.0, 6.0], np.float32),
        normal_stds=np.array([1.0, 2.0], np.float32),
        bins=32,
    )
    lookup = ReadingsLookup.from_file(tmp_path / "theirs.npz")
    mu, sigma = lookup.lookup(torch.tensor([[31, 0]]), 1)
    assert mu.tolist() == [[0.0, 2.0]]
    assert sigma[0, 1] == pytest.approx(0.2)


def test_a_source_of_noise(device: str, levels: ReadingsLookup, tmp_path: Path) -> None:
    """What stands for TorchRadon's projector gives the generator; ours comes first."""

    class Source:
        def __init__(self) -> None:
            self.generator = seeded(device, 5)

        def noise_generator(self, _: torch.device) -> torch.Generator:
            return self.generator

    levels.save(tmp_path / "levels.npz")
    lookup = ReadingsLookup.from_file(tmp_path / "levels.npz", Source())
    lines = typical(100).reshape(10, 10).to(device)
    expected = levels.emulate_readings(lines, 0, generator=seeded(device, 5))
    assert torch.equal(lookup.emulate_readings(lines, 0), expected)
    other = levels.emulate_readings(lines, 0, generator=seeded(device, 6))
    assert torch.equal(lookup.emulate_readings(lines, 0, generator=seeded(device, 6)), other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sinogram": torch.zeros(0)}, "sinogram must not be empty"),
        ({"sinogram": torch.tensor([0.0, float("nan")])}, r"sinogram must be finite, got nan"),
        ({"signal": float("nan")}, "signal must be finite"),
        ({"signal": 30.0}, "signal is the natural logarithm of the photons and may be at most 20"),
        ({"normal_std": -1.0}, "normal_std must not be negative"),
        ({"bins": 0}, "bins must be at least 1"),
        ({"eps": 1.5}, "eps must be from 0 to 1"),
        ({"eps_prob": -0.1}, "eps_prob must be from 0 to 1"),
        ({"bins": 1, "signal": 15.0}, "bins = 1 are too few for a signal of 15"),
    ],
)
def test_bad_tables(options: dict[str, object], message: str) -> None:
    given = {"sinogram": torch.linspace(0, 3, 50), "signal": 5.0, "normal_std": 1.0, **options}
    with pytest.raises(ValueError, match=message):
        compute_lookup_table(**given)  # type: ignore[arg-type]


def test_bad_types() -> None:
    with pytest.raises(TypeError, match="sinogram must be of a real floating-point type"):
        compute_lookup_table(torch.ones(3, dtype=torch.int64), 5.0, 1.0)
    with pytest.raises(TypeError, match="radon must have a method noise_generator"):
        ReadingsLookup(object())
    with pytest.raises(ValueError, match="every level needs one of each, got 1 mu, 0 sigma"):
        ReadingsLookup(bins=4, mu=[np.zeros(4)])
    with pytest.raises(ValueError, match=r"mu and sigma must have shape \(4,\), got \(5,\)"):
        ReadingsLookup(None, 4, [np.zeros(5)], [np.zeros(5)], [1], [5.0], [1.0])


def test_bad_levels(device: str, levels: ReadingsLookup, tmp_path: Path) -> None:
    lines = torch.zeros(2, 3, 4, device=device)
    with pytest.raises(IndexError, match="level must be one of the 3 there are, got 3"):
        levels.emulate_readings(lines, 3)
    with pytest.raises(IndexError, match=r"level must be finite and .* at most 2, got 7.0"):
        levels.emulate_readings(lines, torch.tensor([0, 7], device=device))
    with pytest.raises(TypeError, match=r"level must be an integer or a tensor of them, got 1\.5"):
        levels.emulate_readings(lines, 1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"level must be of integers, got torch\.float32"):
        levels.emulate_readings(lines, torch.zeros(2, device=device))
    with pytest.raises(ValueError, match=r"level must have shape \(2,\), one for each sinogram"):
        levels.emulate_readings(lines, torch.tensor([0, 1, 0], device=device))
    with pytest.raises(ValueError, match="sinogram must be finite, got nan"):
        levels.emulate_readings(lines * float("nan"), 0)
    with pytest.raises(TypeError, match="readings must be a tensor of integers"):
        levels.lookup(lines, 0)
    with pytest.raises(ValueError, match="sinograms must have shape"):
        levels.emulate_readings(lines[0, 0], 0)
    np.savez(tmp_path / "other.npz", mu=[1.0])
    with pytest.raises(ValueError, match=r"no lookup tables, \['sigma', 'ks'"):
        ReadingsLookup.from_file(tmp_path / "other.npz")
