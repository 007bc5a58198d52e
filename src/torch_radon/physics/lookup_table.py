"""What a reading of a coarse, noisy detector tells about the line integral behind it."""

from __future__ import annotations

import logging
import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from torch_radon.geometry.validation import as_count, as_finite, as_not_negative, check_real
from torch_radon.physics.checks import LARGEST_MEAN, as_fraction, check_values

_LOG = logging.getLogger(__name__)

# Readings a step are sought up to here.
_MOST_PER_BIN = 4999
# The probability that a Poisson number n has mean m is at most exp(-(sqrt(n) - sqrt(m))**2); what
# is further away than this is left out: exp(-64).
_REACH = 8.0
# Line integrals are gathered in cells that the detector hardly tells apart, a tenth of the noise:
# sqrt(n) has a standard deviation of 1/2.
_CELLS_PER_ROOT, _CELLS_PER_LINE = 20.0, 100.0
_BLOCK = 1024
# Standard deviations of electronic noise that are looked at, 1e-15 of all cases are further out.
_DEVIATIONS = 8.0


class LookupTable(NamedTuple):
    """What each reading tells.

    Attributes
    ----------
    mean : Tensor, shape (bins,)
        Expected line integral, given the reading.
    std : Tensor, shape (bins,)
        Standard deviation of the line integral, given the reading.
    photons_per_bin : int
        Photons from one reading to the next.
    """

    mean: Tensor
    std: Tensor
    photons_per_bin: int


def compute_lookup_table(
    sinogram: Tensor,
    signal: float,
    normal_std: float,
    bins: int = 4096,
    eps: float = 0.01,
    eps_prob: float = 0.99,
    eps_k: float = 0.01,
    verbose: bool = False,
) -> LookupTable:
    r"""Mean and standard deviation of the line integral, for every reading of a detector.

    The detector writes

    .. math:: r = \min\Bigl(\Bigl\lfloor \frac{\max(N + \varepsilon, 0)}{k} \Bigr\rfloor,\;
              \text{bins} - 1\Bigr), \qquad
              N \sim \mathrm{Poisson}(e^{s - p}), \quad
              \varepsilon = \mathrm{round}\bigl(\mathcal N(0, \sigma^2)\bigr)

    and the line integral :math:`p` is one of `sinogram`, each as likely. By Bayes' rule
    :math:`E[p \mid r] = \sum_p p\, P(r \mid p) / \sum_p P(r \mid p)`, and the variance likewise.

    Parameters
    ----------
    sinogram : Tensor, any shape
        Line integrals that are typical of the data, hundreds of thousands say. Any device.
    signal : float
        :math:`s`, the natural logarithm of the incident photons.
    normal_std : float
        :math:`\sigma`, electronic noise in photons.
    bins : int, default 4096
        Numbers that the detector can write.
    eps, eps_prob, eps_k : float
        :math:`k` is the smallest with which saturation means that nothing was in the beam: at a
        number of :math:`\text{bins} \cdot k` photons the line integral is, with a probability of
        `eps_prob`, at most `eps_k` above the quantile `eps` of `sinogram`.
    verbose : bool, default False
        Whether to log :math:`k` (``logging``, level INFO).

    Returns
    -------
    LookupTable
        Tensors on the device of `sinogram`, in its type or at least float32, and :math:`k`.
        Readings that cannot happen have the values of the nearest one that can.

    Raises
    ------
    TypeError
        If `sinogram` is not a tensor of real floating-point numbers.
    ValueError
        If it is empty or not finite, an argument is out of range, or no :math:`k` below 5000 will
        do.

    Notes
    -----
    Probabilities are summed in float64 over all numbers of photons. Line integrals closer to each
    other than a tenth of the noise are taken together, to second order in their differences. Time
    grows with the photons: about two seconds for a million on one core.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import compute_lookup_table
    >>> lines = torch.rand(20_000, generator=torch.Generator().manual_seed(0))
    >>> mean, std, k = compute_lookup_table(lines, 7.0, 3.0, bins=256)
    >>> k, bool((mean[100:].diff() <= 0).all())
    (6, True)
    """
    check_real("sinogram", sinogram)
    if sinogram.numel() == 0:
        raise ValueError("sinogram must not be empty")
    check_values("sinogram", sinogram)
    count, deviation = as_count("bins", bins), as_not_negative("normal_std", normal_std)
    log_photons = as_finite("signal", signal)
    lines = sinogram.detach().double().flatten().sort().values
    if log_photons - float(lines[0]) > math.log(LARGEST_MEAN):
        raise ValueError(
            f"signal is the natural logarithm of the photons and may be at most "
            f"{math.log(LARGEST_MEAN) + float(lines[0]):.3g} here, got {signal}"
        )
    place = as_fraction("eps", eps) * (len(lines) - 1)
    low, high = lines[math.floor(place)], lines[math.ceil(place)]
    threshold = low + (high - low) * (place % 1) + as_finite("eps_k", eps_k)
    wanted = as_fraction("eps_prob", eps_prob)
    k = _photons_per_bin(lines, log_photons, threshold, wanted, count)
    if verbose:
        _LOG.info("signal %g: %d photons a bin", signal, k)
    mean, std = _posterior(lines, log_photons, deviation, count, k)
    dtype = torch.promote_types(sinogram.dtype, torch.float32)
    return LookupTable(mean.to(dtype), std.to(dtype), k)


def _photons_per_bin(
    lines: Tensor, signal: float, threshold: Tensor, wanted: float, bins: int
) -> int:
    """Find the smallest that makes saturation unambiguous, by bisection."""

    def unambiguous(k: int) -> bool:
        weights = bins * k * (signal - lines) - torch.exp(signal - lines)
        return bool(weights.softmax(0)[lines <= threshold].sum() >= wanted)

    low, high = 0, _MOST_PER_BIN
    if not unambiguous(high):
        raise ValueError(
            f"bins = {bins} are too few for a signal of {signal:g}: with {high} photons a bin "
            "saturated readings still come from very different line integrals"
        )
    # The share grows with the number of photons, for every photon favours small line integrals.
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if unambiguous(middle) else (middle, high)
    return high


def _posterior(
    lines: Tensor, signal: float, deviation: float, bins: int, k: int
) -> tuple[Tensor, Tensor]:
    """Moments of the sorted line integrals, given each reading."""
    level = lines.mean()
    by_photons = _moments_by_photons(*_cells(lines, signal, level))
    by_reading = _moments_by_reading(_add_electronics(by_photons, deviation), bins, k)
    total, first, second = by_reading
    mean, square = first / total, second / total
    known = total > 1e-290
    nearest = _nearest(known)
    std = (square - mean.square()).clamp_min(0).sqrt()
    return (mean + level)[nearest], std[nearest]


def _cells(lines: Tensor, signal: float, level: Tensor) -> tuple[Tensor, Tensor]:
    """Photons at the centre of each cell, ascending, and what is in it, shape (3, 3, cells).

    The first axis is the power of the line integral, the second the derivative of its likelihood
    that it goes with: line integrals differ a little within a cell, and so do their likelihoods.
    """
    roots = torch.exp((signal - lines) / 2)
    # Both keys go one way along the sorted line integrals, so that equal pairs are neighbours.
    keys = torch.stack([(roots * _CELLS_PER_ROOT).floor(), (lines * _CELLS_PER_LINE).floor()])
    changed = (keys.diff(dim=1) != 0).any(0)
    cell = torch.cat([changed.new_zeros(1), changed]).long().cumsum(0)
    lengths = cell.unique_consecutive(return_counts=True)[1]

    def summed(values: Tensor) -> Tensor:
        # Differences of running sums would cancel, and adding by index is not deterministic.
        return torch.segment_reduce(values, "sum", lengths=lengths)

    away = lines - level
    center = summed(away) / lengths
    spread = summed((away - center[cell]).square())
    number, nothing = lengths.double(), torch.zeros_like(center)
    contents = torch.stack(
        [
            torch.stack([number, nothing, spread]),
            torch.stack([number * center, spread, spread * center]),
            torch.stack([number * center**2 + spread, 2 * spread * center, spread * center**2]),
        ]
    )
    return torch.exp(signal - level - center).flip(0), contents.flip(2)


def _moments_by_photons(photons: Tensor, contents: Tensor) -> Tensor:
    """Moments weighted with the probability of each number of photons, shape (3, numbers)."""
    roots = photons.sqrt().cpu().numpy()
    last = math.ceil((roots[-1] + _REACH) ** 2)
    logs = photons.log()
    blocks = []
    for start in range(0, last + 1, _BLOCK):
        stop = min(start + _BLOCK, last + 1)
        begin = np.searchsorted(roots, math.sqrt(start) - _REACH)
        end = np.searchsorted(roots, math.sqrt(stop) + _REACH)
        number = torch.arange(start, stop, dtype=torch.float64, device=photons.device)
        mean, log = photons[begin:end, None], logs[begin:end, None]
        probability = (number * log).sub_(mean).sub_(torch.lgamma(number + 1)).exp_()
        # The derivatives over the probability are mean - n and ((mean - n)**2 - mean) / 2: collect
        # by powers of n - start, for products as large as this are what takes the time.
        near, ahead = contents[..., begin:end], mean[:, 0] - start
        second = near[:, 2] * (ahead.square() - mean[:, 0]) / 2
        powers = [
            near[:, 0] + near[:, 1] * ahead + second,
            -near[:, 1] - near[:, 2] * ahead,
            near[:, 2] / 2,
        ]
        constant, linear, square = (torch.cat(powers) @ probability).chunk(3)
        step = number - start
        blocks.append(constant + step * (linear + step * square))
    return torch.cat(blocks, 1)


def _add_electronics(by_photons: Tensor, deviation: float) -> Tensor:
    """Convolve with rounded normal noise and cut what is negative to 0."""
    if deviation == 0:
        return by_photons
    reach = math.ceil(_DEVIATIONS * deviation)
    size = by_photons.shape[1]
    result = by_photons.new_zeros(3, size + 2 * reach)
    for shift in range(-reach, reach + 1):
        edges = [(abs(shift) + side) / (math.sqrt(2) * deviation) for side in (-0.5, 0.5)]
        # The upper tail, where differences of complementary error functions keep their digits.
        weight = (math.erfc(edges[0]) - math.erfc(edges[1])) / 2
        result[:, reach + shift : reach + shift + size] += weight * by_photons
    result[:, reach] += result[:, :reach].sum(1)
    return result[:, reach:]


def _moments_by_reading(by_signal: Tensor, bins: int, k: int) -> Tensor:
    inside, above = by_signal[:, : bins * k], by_signal[:, bins * k :]
    missing = -inside.shape[1] % k
    summed = torch.nn.functional.pad(inside, (0, missing)).reshape(3, -1, k).sum(2)
    result = torch.nn.functional.pad(summed, (0, bins - summed.shape[1]))
    result[:, -1] += above.sum(1)
    return result


def _nearest(known: Tensor) -> Tensor:
    """Index of the nearest entry below that is known, or of the first known one."""
    index = torch.arange(len(known), device=known.device)
    below = torch.where(known, index, -1).cummax(0).values
    return torch.where(below < 0, torch.argmax(known.int()), below)
