"""The rays of a scan, from its canonical vectors: where each starts and where it points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from torch_radon.geometry.scan import Scan


def scan_rays(scan: Scan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Origin and unit direction of the ray of every view and column.

    A parallel ray passes through its pixel, ``detector + (j - (columns - 1) / 2) u``, along the
    view's direction. A fan's ray starts at the source and passes through its pixel; on a curved
    detector of radius R around the source the pixel lies at the angle
    ``(j - (columns - 1) / 2) |u| / R`` from the detector's centre.

    Parameters
    ----------
    scan : Scan
        Any two-dimensional scan.

    Returns
    -------
    origin, direction : ndarray
        Float64, both of shape ``(views, columns, 2)`` as ``(x, y)``. For a fan the origin is the
        source.

    Examples
    --------
    >>> import torch_radon as tr
    >>> origin, direction = scan_rays(tr.parallel_beam([0.0], columns=3))
    >>> origin[0, :, 0]
    array([-1.,  0.,  1.])
    >>> direction[0, 0] + 0.0
    array([0., 1.])
    """
    vectors = np.asarray(scan.to_vectors(), dtype=np.float64)
    first, detector, u = vectors[:, None, 0:2], vectors[:, None, 2:4], vectors[:, None, 4:6]
    index = np.arange(scan.columns)[None, :, None] - (scan.columns - 1) / 2
    if scan.beam == "parallel":
        origin = detector + index * u
        direction = np.broadcast_to(first, origin.shape)
    else:
        axis = detector - first
        if scan.radius is None:
            direction = axis + index * u
        else:
            radius = np.reshape(np.asarray(scan.radius, dtype=np.float64), (-1, 1, 1))
            step = np.linalg.norm(u, axis=-1, keepdims=True)
            turn = index * step / radius
            forward = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
            direction = np.cos(turn) * forward + np.sin(turn) * (u / step)
        origin = np.broadcast_to(first, direction.shape)
    return origin, direction / np.linalg.norm(direction, axis=-1, keepdims=True)
