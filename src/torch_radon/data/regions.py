"""Parts of a scan, and coarser ones."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from torch_radon.data.errors import DataError
from torch_radon.data.readings import Readings
from torch_radon.geometry.validation import as_count, as_finite


def crop(
    readings: Readings,
    *,
    views: slice = slice(None),
    rows: slice = slice(None),
    columns: slice = slice(None),
) -> Readings:
    """Take a part of the readings.

    Columns that are cut off move the centre of rotation: a centre at column c is at column
    ``c - columns.start`` of the part.

    Parameters
    ----------
    readings : Readings
        What was recorded.
    views, rows, columns : slice, default all
        What to keep, with Python's meaning of a slice; steps must be positive, and 1 for
        `columns` (see `rebin`).

    Returns
    -------
    Readings
        Views of the tensors, not copies.

    Raises
    ------
    DataError
        If nothing is left.
    ValueError
        If a step is not positive, or not 1 for columns.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import Readings, crop
    >>> frames = torch.ones(2, 4, 64)
    >>> readings = Readings(torch.ones(90, 4, 64), frames, frames, torch.zeros(90))
    >>> crop(readings, views=slice(None, None, 2), columns=slice(10, 50)).shape
    (45, 4, 40)
    """
    for name, part in (("views", views), ("rows", rows), ("columns", columns)):
        if part.step is not None and part.step < 1:
            raise ValueError(f"{name} must have a positive step, got {part.step}")
    if columns.step not in (None, 1):
        raise ValueError(f"columns must have the step 1, got {columns.step}; rebin joins columns")
    counts = readings.counts[views, rows, columns]
    if 0 in counts.shape:
        raise DataError(
            f"crop: nothing is left of {readings.shape} (views, rows, columns), only "
            f"{tuple(counts.shape)}"
        )
    return Readings(
        counts,
        readings.flat[:, rows, columns],
        readings.dark[:, rows, columns],
        readings.angles[views],
    )


def rebin(readings: Readings, columns: int, rows: int = 1) -> Readings:
    """Join neighbouring detector pixels: their mean counts, with less noise and less resolution.

    What does not fill the last bin is left out. The pixel size grows by the factor, and the
    centre of rotation moves, see `rebinned_center`.

    Parameters
    ----------
    readings : Readings
        Raw counts: they are averaged before the logarithm, as a coarser detector would.
    columns : int
        How many columns make one.
    rows : int, default 1
        How many rows make one.

    Returns
    -------
    Readings

    Raises
    ------
    TypeError, ValueError
        If a factor is not a positive integer.
    DataError
        If there are fewer columns or rows than the factor.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import Readings, rebin
    >>> frames = torch.ones(2, 4, 64)
    >>> readings = Readings(torch.ones(90, 4, 64), frames, frames, torch.zeros(90))
    >>> rebin(readings, columns=3, rows=2).shape
    (90, 2, 21)
    """
    factors = as_count("rows", rows), as_count("columns", columns)
    for name, factor, available in zip(
        ("rows", "columns"), factors, readings.shape[1:], strict=True
    ):
        if factor > available:
            raise DataError(f"rebin: {factor} {name} to a bin, but there are only {available}")
    if factors == (1, 1):
        return readings

    def join(frames: Tensor) -> Tensor:
        shape = [size // factor for size, factor in zip(frames.shape[1:], factors, strict=True)]
        whole = frames[:, : shape[0] * factors[0], : shape[1] * factors[1]]
        blocks = whole.unflatten(2, (shape[1], factors[1])).unflatten(1, (shape[0], factors[0]))
        return torch.mean(blocks, dim=(2, 4))

    return replace(
        readings,
        counts=join(readings.counts),
        flat=join(readings.flat),
        dark=join(readings.dark),
    )


def rebinned_center(center: float, columns: int) -> float:
    """Where a centre of rotation lies after `rebin`.

    ``(center - (columns - 1) / 2) / columns``

    Parameters
    ----------
    center : float
        Column index before.
    columns : int
        How many columns make one.

    Returns
    -------
    float
        Column index after.

    Examples
    --------
    >>> from torch_radon.data import rebinned_center
    >>> rebinned_center(296.5, 2)
    148.0
    """
    factor = as_count("columns", columns)
    return (as_finite("center", center) - (factor - 1) / 2) / factor
