"""The transpose of pixel-driven backprojection in two dimensions.

A call owns the views ``[v0, v1)`` of the sinograms ``[n0, n1)`` and nobody else writes them, so
that the sum in every column is formed in one order, by row and then by pixel, whatever the number
of threads.
"""

from __future__ import annotations

import numpy as np

from torch_radon.backends.cpu.compile import jit
from torch_radon.backends.cpu.pixels import locate_row, march_row
from torch_radon.backends.cpu.rays import PARALLEL, fraction, unit


@jit
def backproject_adjoint(
    image,  # [N, H, W]
    views,  # [V, 7] geometry.grid.view_table
    beam,
    detector,  # C
    bits,
    sinogram,  # [N, V, PAD + C + PAD] in and out, zero at first
    n0,
    n1,
    v0,
    v1,
):
    """Add some images to some views."""
    if beam == PARALLEL:
        for n in range(n0, n1):
            for v in range(v0, v1):
                for i in range(image.shape[1]):
                    _scatter_parallel(image[n, i], views[v], i, detector, bits, sinogram[n, v])
    else:
        width = image.shape[2]
        left = np.empty(width, np.uint32)
        near, far = np.empty(width, image.dtype), np.empty(width, image.dtype)
        for v in range(v0, v1):
            for i in range(image.shape[1]):
                j0, j1 = locate_row(views[v], beam, i, detector, left, near, far)
                for n in range(n0, n1):
                    _scatter_divergent(image[n, i], left, near, far, j0, j1, sinogram[n, v])


@jit
def _scatter_parallel(row, view, i, detector, bits, line):
    one, shift = np.uint64(1), np.uint64(bits)
    first, last, place, step = march_row(view, i, row.size, detector, bits)
    scale = unit(bits, line)
    for j in range(first, last):
        offset = place >> shift
        right = fraction(place, bits, line) * scale * row[j]
        line[offset] += row[j] - right
        line[offset + one] += right
        place += step


@jit
def _scatter_divergent(row, left, near, far, first, last, line):
    one = np.uint64(1)
    left, near, far, row = left[first:last], near[first:last], far[first:last], row[first:last]
    for j in range(left.size):
        offset = np.uint64(left[j])
        line[offset] += near[j] * row[j]
        line[offset + one] += far[j] * row[j]
