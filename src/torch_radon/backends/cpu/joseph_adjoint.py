"""The transpose of Joseph's forward projection in two dimensions.

A call owns the lines ``[first, last)`` of the images ``[n0, n1)`` and nobody else writes them, so
that the sum in every pixel is formed in one order, by view and then by column, whatever the number
of threads. It goes through the views in blocks, whose rays are traced once, and through its lines
in slabs that stay in the first-level cache while all rays of a block cross them.
"""

from __future__ import annotations

import numpy as np

from torch_radon.backends.cpu.compile import jit
from torch_radon.backends.cpu.rays import RAY, spread, trace

# 8 views of 512 rays are 160 KB of records.
_VIEWS = 8

# A ray touches one or two cache lines of 64 bytes in each line of the image: 128 are 8 to 16 KB.
_LINES = 128


@jit
def adjoint(
    sinogram,  # [N, V, C]
    views,  # [V, 7] geometry.grid.view_table
    beam,
    height,
    width,
    spacing,  # (y, x)
    bits,
    by_rows,  # whether lines are rows
    image,  # [N, lines, PAD + pixels + PAD] in and out: what rays stepping by these lines add
    n0,
    n1,
    first,
    last,
):
    """Add what some lines of some images receive from all views."""
    total, detector = sinogram.shape[1], sinogram.shape[2]
    rays = np.empty((_VIEWS, detector), RAY)
    middle = (detector - 1) / 2
    for v0 in range(0, total, _VIEWS):
        v1 = min(total, v0 + _VIEWS)
        for v in range(v0, v1):
            for c in range(detector):
                trace(views[v], beam, c - middle, height, width, spacing, bits, rays[v - v0, c])
        for n in range(n0, n1):
            flat = image[n].ravel()
            for top in range(first, last, _LINES):
                bottom = min(last, top + _LINES)
                for v in range(v0, v1):
                    for c in range(detector):
                        ray = rays[v - v0, c]
                        if ray.by_rows != by_rows:
                            continue
                        begin, end = max(ray.first, top), min(ray.last, bottom)
                        if begin < end:
                            value = sinogram[n, v, c] * flat.dtype.type(ray.weight)
                            spread(value, ray, bits, begin, end, flat)
