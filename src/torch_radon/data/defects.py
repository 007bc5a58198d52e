"""Detector pixels that do not work, and readings that something else than the beam made."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from torch_radon.data.errors import DataError
from torch_radon.data.preprocess import check_readings
from torch_radon.data.readings import Readings
from torch_radon.geometry.validation import as_length

_SIGMAS = 6.0
# A median absolute deviation of normal noise is this part of its standard deviation.
_MAD = 0.6745


class Repaired(NamedTuple):
    """Readings and how many of them had to be replaced.

    Attributes
    ----------
    readings : Readings
        The readings after the repair.
    number : int
        Detector pixels (`repair_dead`) or single readings (`remove_zingers`) that were replaced.
    """

    readings: Readings
    number: int


def dead_pixels(readings: Readings) -> Tensor:
    """Find detector pixels that tell nothing: their mean flat field is not above the dark field.

    Parameters
    ----------
    readings : Readings
        Raw counts.

    Returns
    -------
    Tensor
        Bool, shape ``(rows, columns)``, device of the counts.

    Raises
    ------
    TypeError, DataError
        If the counts are not real floating-point numbers, not finite, or shapes disagree.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import Readings, dead_pixels
    >>> flat = torch.tensor([[[900.0, 100.0, 900.0]]])
    >>> dark = torch.full((1, 1, 3), 100.0)
    >>> dead_pixels(Readings(torch.full((4, 1, 3), 500.0), flat, dark, torch.zeros(4)))
    tensor([[False,  True, False]])
    """
    check_readings(readings)
    return readings.flat.mean(dim=0) <= readings.dark.mean(dim=0)


def repair_dead(readings: Readings) -> Repaired:
    r"""Replace what dead pixels say by linear interpolation along their detector row.

    Counts, flat and dark fields are interpolated alike between the nearest working columns on
    either side; beyond the outermost one they are those of that column. So the transmission of a
    repaired pixel is the mean of its neighbours', weighted by their distance and by the beam that
    they saw.

    Parameters
    ----------
    readings : Readings
        Raw counts; `dead_pixels` says which pixels are dead.

    Returns
    -------
    Repaired
        New readings and the number of dead pixels; the readings themselves if there is none.

    Raises
    ------
    TypeError
        As `dead_pixels` does.
    DataError
        As `dead_pixels` does, and if more than half of the pixels of a row are dead.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import Readings, line_integrals, repair_dead
    >>> counts = torch.tensor([[[800.0, 3.0, 400.0]]])
    >>> flat, dark = torch.tensor([[[800.0, 0.0, 800.0]]]), torch.zeros(1, 1, 3)
    >>> repaired, number = repair_dead(Readings(counts, flat, dark, torch.zeros(1)))
    >>> number, repaired.counts
    (1, tensor([[[800., 600., 400.]]]))
    """
    dead = dead_pixels(readings)
    number = int(dead.sum())
    if number == 0:
        return Repaired(readings, 0)
    columns = dead.shape[1]
    crowded = (dead.sum(dim=1) > columns / 2).nonzero()
    if len(crowded):
        row = int(crowded[0])
        raise DataError(
            f"flat field does not exceed the dark field at {int(dead[row].sum())} of {columns} "
            f"pixels of row {row} of the rows read, too many to interpolate; is data_white a "
            "picture of the open beam?"
        )
    index = torch.arange(columns, device=dead.device).expand_as(dead)
    before = torch.where(dead, -1, index).cummax(dim=1).values
    after = torch.where(dead, columns, index).flip(1).cummin(dim=1).values.flip(1)
    left = torch.where(before < 0, after, before)
    right = torch.where(after == columns, before, after)
    share = ((index - left) / (right - left).clamp_min(1)).to(readings.counts.dtype)

    def mend(frames: Tensor) -> Tensor:
        lower = frames.gather(2, left.expand_as(frames))
        upper = frames.gather(2, right.expand_as(frames))
        return torch.where(dead, torch.lerp(lower, upper, share.to(frames.dtype)), frames)

    mended = replace(
        readings,
        counts=mend(readings.counts),
        flat=mend(readings.flat),
        dark=mend(readings.dark),
    )
    return Repaired(mended, number)


def remove_zingers(readings: Readings, threshold: float = 0.25) -> Repaired:
    r"""Replace single readings that are far too bright, as scattered X-rays or cosmic rays leave.

    A reading's share t of its pixel's flat field is compared with the eight around it in view and
    column. It is replaced by the median m of all nine if

    .. math:: t > (1 + \text{threshold})\, n \quad\text{and}\quad t - m > 6 \sigma \sqrt{m},

    where n is the second largest of the eight (two zingers side by side do not hide each other)
    and :math:`\sigma` is estimated from all readings of the detector row (the median absolute
    deviation of :math:`(t - m) / \sqrt m`): noise that grows like the root of the counts is left
    alone whatever the gain of the detector. In flat and dark frames, if there are at least three,
    counts above the dark level are compared with their median over the frames in the same way,
    with m for n.

    Every detector row is treated by itself, so a slice does not depend on which others were read.

    Parameters
    ----------
    readings : Readings
        Raw counts.
    threshold : float, default 0.25
        By which fraction a reading must exceed its neighbours.

    Returns
    -------
    Repaired
        New readings and the number of readings replaced, flat and dark frames included.

    Raises
    ------
    TypeError, DataError
        If the counts are not real floating-point numbers, not finite, or shapes disagree.
    ValueError
        If `threshold` is not positive.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import Readings, remove_zingers
    >>> counts = torch.full((5, 1, 6), 500.0)
    >>> counts[2, 0, 3] = 4000.0
    >>> flat, dark = torch.full((1, 1, 6), 1000.0), torch.zeros(1, 1, 6)
    >>> cleaned, number = remove_zingers(Readings(counts, flat, dark, torch.zeros(5)))
    >>> number, cleaned.counts[2, 0, 3]
    (1, tensor(500.))
    """
    check_readings(readings)
    limit = as_length("threshold", threshold)
    dark, in_dark = _over_frames(readings.dark, torch.zeros_like(readings.dark[0]), limit)
    level = dark.mean(dim=0)
    flat, in_flat = _over_frames(readings.flat, level, limit)
    beam = flat.mean(dim=0) - level
    # A dead pixel has no share of anything; its counts are compared as they are.
    beam = torch.where(beam > 0, beam, beam.clamp_min(0).amax().clamp_min(1))
    counts = torch.empty_like(readings.counts)
    number = in_dark + in_flat
    for row in range(counts.shape[1]):
        share = (readings.counts[:, row] - level[row]) / beam[row]
        middle, next_to_largest = _ranks_of_nine(share)
        bright = _too_bright(share, middle, next_to_largest, limit, dims=(0, 1))
        mended = middle * beam[row] + level[row]
        counts[:, row] = torch.where(bright, mended, readings.counts[:, row])
        number += int(bright.sum())
    return Repaired(replace(readings, counts=counts, flat=flat, dark=dark), number)


def _over_frames(frames: Tensor, level: Tensor, limit: float) -> tuple[Tensor, int]:
    """Frames in which what exceeds the median over the frames is replaced by it."""
    if len(frames) < 3:
        return frames, 0
    signal = frames - level
    middle = signal.median(dim=0, keepdim=True).values.expand_as(signal)
    bright = _too_bright(signal, middle, middle, limit, dims=(0, 2))
    return torch.where(bright, middle + level, frames), int(bright.sum())


def _too_bright(
    signal: Tensor, middle: Tensor, others: Tensor, limit: float, dims: tuple[int, int]
) -> Tensor:
    """Readings beyond both limits; the noise is estimated over the given dimensions."""
    root = middle.clamp_min(1e-12).sqrt()
    scaled = ((signal - middle) / root).abs().movedim(dims, (-2, -1)).flatten(-2)
    sigma = scaled.median(dim=-1).values / _MAD
    for dim in sorted(dims):
        sigma = sigma.unsqueeze(dim)
    noise = _SIGMAS * sigma * root
    return (signal > (1 + limit) * others.clamp_min(0)) & (signal - middle > noise)


def _ranks_of_nine(image: Tensor) -> tuple[Tensor, Tensor]:
    """Median of 3 x 3 neighbours, mirrored at the edges, and the third largest of them.

    The third largest of nine is the second largest of the eight around a middle that is itself
    among the two largest, and a middle that is not exceeds neither.
    """
    rows, columns = (
        torch.tensor([min(1, n - 1), *range(n), max(0, n - 2)], device=image.device)
        for n in image.shape
    )
    wide = image[rows[:, None], columns]
    nine = wide.unfold(0, 3, 1).unfold(1, 3, 1).flatten(-2).sort(dim=-1).values
    return nine[..., 4], nine[..., 6]
