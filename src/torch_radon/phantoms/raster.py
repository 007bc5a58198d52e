"""Painting one figure on a grid, along the grid's rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from torch_radon.geometry.volume import Volume
from torch_radon.phantoms.figures import Figure

# Rows are painted in blocks of about this many samples, so that the temporaries stay in the cache.
_SAMPLES_PER_BLOCK = 1 << 17


def paint(image: Tensor, figure: Figure, volume: Volume, lines: int) -> None:
    """Add a figure to an image, in place.

    Every pixel row is crossed by `lines` equidistant lines along x. On a line the figure is one
    interval; each pixel takes the fraction of its width that the interval covers, so only the
    direction across the lines is sampled. With one line a pixel takes the value at its centre.

    Parameters
    ----------
    image : Tensor
        Float64, shape ``(H, W)`` of the volume.
    figure : Figure
        What to add.
    volume : Volume
        The grid.
    lines : int
        Lines a pixel row.
    """
    x, y = (image.new_tensor(volume.coordinates(axis)) for axis in (1, 0))
    dy, dx = volume.spacing
    across = image.new_tensor((np.arange(lines) + 0.5) / lines - 0.5) * dy
    levels = (y[:, None] + across).reshape(-1)
    origin = torch.stack([torch.zeros_like(levels), levels], dim=-1)
    lower, upper = figure.interval(origin, origin.new_tensor([1.0, 0.0]))

    # Only the block of pixels that the figure touches is worked on: phantoms have many small parts.
    touched = torch.nonzero(lower <= upper).flatten()
    if len(touched) == 0:
        return
    first, last = int(touched[0]) // lines, int(touched[-1]) // lines + 1
    left, right = lower[touched].min().item(), upper[touched].max().item()
    within = torch.nonzero((x + dx / 2 >= left) & (x - dx / 2 <= right)).flatten()
    if len(within) == 0:
        return
    columns = slice(int(within[0]), int(within[-1]) + 1)
    x = x[columns]
    step = max(1, _SAMPLES_PER_BLOCK // (lines * len(x)))
    for start in range(first, last, step):
        rows = slice(start, min(start + step, last))
        lo, hi = (ends.view(-1, lines, 1)[rows] for ends in (lower, upper))
        if lines == 1:
            share = ((x >= lo) & (x <= hi)).to(image.dtype)
        else:
            covered = torch.minimum(hi, x + dx / 2) - torch.maximum(lo, x - dx / 2)
            share = covered.clamp_min_(0.0) / dx
        image[rows, columns] += figure.value * share.mean(1)
