"""Joseph's forward projection in two dimensions.

``sinogram[n, v, c] = weight * sum over lines of the interpolated image``, a ray a time.

A call handles the images ``[n0, n1)`` and the views ``[v0, v1)``. A view's rays are traced once and
marched through all images; the marches vectorise over the lines of a ray.
"""

from __future__ import annotations

import numpy as np

from torch_radon.backends.cpu.compile import jit
from torch_radon.backends.cpu.rays import RAY, march, trace


@jit
def forward(
    rows,  # [N, H, PAD + W + PAD] the images
    columns,  # [N, W, PAD + H + PAD] their transposes
    views,  # [V, 7] geometry.grid.view_table
    beam,
    spacing,  # (y, x)
    bits,
    sinogram,  # [N, V, C] out
    n0,
    n1,
    v0,
    v1,
):
    """Project some images in some views."""
    height, width = rows.shape[1], columns.shape[1]
    detector = sinogram.shape[2]
    rays = np.empty(detector, RAY)
    middle = (detector - 1) / 2
    for v in range(v0, v1):
        for c in range(detector):
            trace(views[v], beam, c - middle, height, width, spacing, bits, rays[c])
        for n in range(n0, n1):
            by_rows, by_columns = rows[n].ravel(), columns[n].ravel()
            for c in range(detector):
                image = by_rows if rays[c].by_rows else by_columns
                weight = image.dtype.type(rays[c].weight)
                sinogram[n, v, c] = weight * march(image, rays[c], bits)
