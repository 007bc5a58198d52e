"""Pixel-driven backprojection in two dimensions.

``image[n, i, j] = sum over views of weight * the detector line, interpolated linearly where the
pixel is seen``, and zero outside the detector; the weight is that of the pixel's distance from the
source (see pixels), 1 for a parallel beam. A call owns the rows ``[first, last)`` of the images
``[n0, n1)``. Along a row of a parallel beam the column is an affine function of the pixel, so the
row is marched in fixed point. A divergent beam takes a division a pixel: the columns of a row are
found first, in a loop of arithmetic only, and serve all images.
"""

from __future__ import annotations

import numpy as np

from torch_radon.backends.cpu.compile import jit
from torch_radon.backends.cpu.pixels import locate_row, march_row
from torch_radon.backends.cpu.rays import PARALLEL, fraction, unit


@jit
def backproject(
    sinogram,  # [N, V, PAD + C + PAD]
    views,  # [V, 7] geometry.grid.view_table
    beam,
    detector,  # C
    bits,
    image,  # [N, H, W] in and out, zero at first
    n0,
    n1,
    first,
    last,
):
    """Add all views to some rows of some images."""
    if beam == PARALLEL:
        for n in range(n0, n1):
            for i in range(first, last):
                for v in range(views.shape[0]):
                    _gather_parallel(sinogram[n, v], views[v], i, detector, bits, image[n, i])
    else:
        width = image.shape[2]
        left = np.empty(width, np.uint32)
        near, far = np.empty(width, image.dtype), np.empty(width, image.dtype)
        for i in range(first, last):
            for v in range(views.shape[0]):
                j0, j1 = locate_row(views[v], beam, i, detector, left, near, far)
                for n in range(n0, n1):
                    _gather_divergent(sinogram[n, v], left, near, far, j0, j1, image[n, i])


@jit
def _gather_parallel(line, view, i, detector, bits, row):
    one, shift = np.uint64(1), np.uint64(bits)
    first, last, place, step = march_row(view, i, row.size, detector, bits)
    scale = unit(bits, line)
    for j in range(first, last):
        offset = place >> shift
        value = line[offset]
        row[j] += value + fraction(place, bits, line) * scale * (line[offset + one] - value)
        place += step


@jit
def _gather_divergent(line, left, near, far, first, last, row):
    one = np.uint64(1)
    left, near, far, row = left[first:last], near[first:last], far[first:last], row[first:last]
    for j in range(left.size):
        offset = np.uint64(left[j])
        row[j] += near[j] * line[offset] + far[j] * line[offset + one]
