"""Noise and detectors in plain NumPy and SciPy: distributions, loops and dense matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def uniform_if_poisson(counts: Array, mean: float, rng: np.random.Generator) -> Array:
    """Numbers that are uniform if the counts are Poisson: the randomised integral transform.

    Tests for continuous distributions are too lenient on counts; on these they are exact.
    """
    low = stats.poisson.cdf(counts - 1, mean)
    return low + rng.random(counts.shape) * stats.poisson.pmf(counts, mean)


def poisson_chi_square(counts: Array, mean: float, cells: int = 40) -> float:
    """Probability that Poisson counts fit worse, in about `cells` cells of equal probability."""
    edges = np.unique(stats.poisson.ppf(np.linspace(0, 1, cells + 1)[1:-1], mean))
    probability = np.diff(np.concatenate([[0.0], stats.poisson.cdf(edges, mean), [1.0]]))
    # Cell i holds what is above edge i - 1 and at most edge i.
    observed = np.bincount(np.searchsorted(edges, counts), minlength=len(edges) + 1)
    return float(stats.chisquare(observed, probability * counts.size).pvalue)


def compound_cdf(values: Array, mean: float, swank: float, electronic: float) -> Array:
    """Distribution function of gamma energies summed over Poisson photons, plus normal noise.

    The normal part is integrated on a fine grid of its quantiles.
    """
    numbers = np.arange(stats.poisson.ppf(1e-13, mean), stats.poisson.isf(1e-13, mean) + 1)
    weights = stats.poisson.pmf(numbers, mean)
    shape = swank / (1 - swank)

    def light(limit: Array) -> Array:
        total = np.zeros_like(limit)
        for number, weight in zip(numbers, weights, strict=True):
            if number == 0:
                total += weight * (limit >= 0)
            else:
                total += weight * stats.gamma.cdf(limit, number * shape, scale=1 / shape)
        return total

    if electronic == 0:
        return light(values)
    grid = np.linspace(values.min() - 9 * electronic, values.max() + 9 * electronic, 4001)
    table = light(grid)
    steps = stats.norm.ppf((np.arange(400) + 0.5) / 400) * electronic
    return np.mean([np.interp(values - step, grid, table) for step in steps], axis=0)


def cross_talk_matrix(size: int, shares: tuple[float, ...]) -> Array:
    """Entry (i, j): what pixel i gets of pixel j, with a mirror at both ends."""
    matrix = (1 - 2 * sum(shares)) * np.eye(size)
    for distance, share in enumerate(shares, 1):
        for i in range(size):
            for j in (i - distance, i + distance):
                mirrored = -1 - j if j < 0 else 2 * size - 1 - j if j >= size else j
                matrix[i, mirrored] += share
    return matrix


def afterglow_loop(
    signal: Array, lags: list[tuple[float, float]], before: Array | float = 0.0
) -> Array:
    """View by view along the first axis."""
    states = [np.broadcast_to(np.asarray(before, float), signal.shape[1:]).copy() for _ in lags]
    result = np.empty_like(signal)
    for view, now in enumerate(signal):
        result[view] = now
        for m, (part, constant) in enumerate(lags):
            keep = np.exp(-1 / constant)
            states[m] = keep * states[m] + (1 - keep) * now
            result[view] += part * (states[m] - now)
    return result


def reading_posterior(
    lines: Array, signal: float, deviation: float, bins: int, k: int
) -> tuple[Array, Array, Array]:
    """Probability of each reading, and mean and deviation of the line integral behind it.

    Every line integral, number of photons and number of electrons on its own.
    """
    means = np.exp(signal - lines)
    photons = np.arange(int(means.max() + 12 * np.sqrt(means.max()) + 40))
    reach = int(np.ceil(10 * deviation)) + 1
    electrons = np.arange(-reach, reach + 1)
    if deviation:
        chance = stats.norm.cdf((electrons + 0.5) / deviation)
        chance -= stats.norm.cdf((electrons - 0.5) / deviation)
    else:
        chance = (electrons == 0).astype(float)
    pmf = stats.poisson.pmf(photons[:, None], means[None])
    both = np.zeros((len(photons) + 2 * reach, len(lines)))
    for place, weight in enumerate(chance):
        both[place : place + len(photons)] += weight * pmf
    likelihood = np.zeros((bins, len(lines)))
    reading = np.minimum(np.maximum(np.arange(len(both)) - reach, 0) // k, bins - 1)
    np.add.at(likelihood, reading, both)
    total = likelihood.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = likelihood @ lines / total
        variance = (likelihood * (lines[None] - mean[:, None]) ** 2).sum(1) / total
    return total / len(lines), mean, np.sqrt(variance)
