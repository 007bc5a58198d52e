"""Projections by ASTRA's CPU projector ``linear``, an independent Joseph in float32.

ASTRA's 2D images have y growing against the row index, so images are flipped along rows; its world
is otherwise ours. ``linear`` exists for parallel beams only, so fan rays go over as parallel views
of one column each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oracles.rays import scan_rays
from torch_radon import Scan, Volume


def _project(
    image: NDArray[np.float32], volume: Volume, vectors: NDArray[np.float64], columns: int
) -> NDArray[np.float32]:
    import astra

    rows, width = volume.shape
    half_y, half_x = (size / 2 for size in volume.extent)
    center_y, center_x = volume.center
    volume_geometry = astra.create_vol_geom(
        rows, width, center_x - half_x, center_x + half_x, center_y - half_y, center_y + half_y
    )
    scan_geometry = astra.create_proj_geom("parallel_vec", columns, vectors)
    projector = astra.create_projector("linear", scan_geometry, volume_geometry)
    made, sinogram = astra.create_sino(np.ascontiguousarray(image[::-1]), projector)
    astra.data2d.delete(made)
    astra.projector.delete(projector)
    return np.asarray(sinogram)


def project(image: NDArray[np.float32], volume: Volume, scan: Scan) -> NDArray[np.float32]:
    """The sinogram, shape ``(views, columns)``, that ASTRA gives for one image."""
    if scan.beam == "parallel":
        return _project(image, volume, scan.to_vectors(), scan.columns)
    one_column_views = [
        (ray.dx, ray.dy, ray.x, ray.y, -ray.dy, ray.dx) for view in scan_rays(scan) for ray in view
    ]
    return _project(image, volume, np.array(one_column_views), 1).reshape(scan.shape)
