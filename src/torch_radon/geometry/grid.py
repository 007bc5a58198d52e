"""A scan seen from the index coordinates of a volume: what the kernels read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from torch_radon.geometry.scan import Scan
from torch_radon.geometry.volume import Volume

# Kinds of beam as the kernels tell them apart.
BEAMS = ("parallel", "flat", "curved")

# Numbers in a row of `view_table`.
VIEW_SIZE = 7


def view_table(volume: Volume, scan: Scan) -> NDArray[np.float64]:
    r"""Express every view in the index coordinates of an image.

    In index coordinates the centre of pixel ``[row, column]`` is at ``(column, row)``, so that a
    ray meets row ``i`` where its y coordinate is ``i``, whatever the spacing. A row of the
    table is ``(origin_x, origin_y, ray_x, ray_y, step_x, step_y, arc)``. Ray
    ``k = c - (columns - 1) / 2`` of detector column ``c`` is the line with

    - parallel beam: point ``origin + k * step``, direction ``ray``;
    - flat detector: point ``origin`` (the source), direction ``ray + k * step``;
    - curved detector: point ``origin``, direction
      :math:`\cos(k\,\mathrm{arc})\,\mathrm{ray} + \sin(k\,\mathrm{arc})\,\mathrm{step}`.

    Parameters
    ----------
    volume : Volume
        Its last two axes are used.
    scan : Scan

    Returns
    -------
    ndarray, shape (views, 7)
        In float64.
    """
    spacing = np.array(volume.spacing[:-3:-1])
    first_pixel = np.array([volume.coordinates(-1)[0], volume.coordinates(-2)[0]])
    vectors = scan.to_vectors()
    first, center, u = vectors[:, 0:2], vectors[:, 2:4], vectors[:, 4:6]
    arc = np.zeros((scan.views, 1))
    if scan.beam == "parallel":
        origin, ray, step = center, first, u
    else:
        origin, ray, step = first, center - first, u
    if scan.radius is not None:
        length = np.linalg.norm(u, axis=1, keepdims=True)
        arc = length / scan.radius[:, None]
        step = u / arc
    return np.concatenate([(origin - first_pixel) / spacing, ray / spacing, step / spacing, arc], 1)
