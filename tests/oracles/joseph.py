"""The dense matrix of the Joseph projector, one ray at a time, in world coordinates and float64.

It is written from the definition: step plane by plane along the axis with the largest
``|direction| / spacing``, interpolate linearly along the other axis, weight every sample by the
length of ray between planes, and count samples outside the grid as zero.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from oracles.rays import Ray, scan_rays
from torch_radon import Scan, Volume


def _position(index: float, count: int, spacing: float, center: float) -> float:
    return (index - (count - 1) / 2) * spacing + center


def ray_weights(
    ray: Ray,
    shape: tuple[int, int],
    spacing: tuple[float, float],
    center: tuple[float, float],
) -> NDArray[np.float64]:
    """The image of weights, shape ``(H, W)``, that one ray sums with."""
    rows, columns = shape
    step_y, step_x = spacing
    center_y, center_x = center
    weights = np.zeros(shape)
    along_x = abs(ray.dx) / step_x > abs(ray.dy) / step_y
    if along_x:
        for i in range(columns):
            travelled = (_position(i, columns, step_x, center_x) - ray.x) / ray.dx
            if ray.half and travelled < 0:
                continue
            y = ray.y + travelled * ray.dy
            row = (y - center_y) / step_y + (rows - 1) / 2
            below = math.floor(row)
            for j in (below, below + 1):
                if 0 <= j < rows:
                    weights[j, i] += (1 - abs(row - j)) * step_x / abs(ray.dx)
    else:
        for j in range(rows):
            travelled = (_position(j, rows, step_y, center_y) - ray.y) / ray.dy
            if ray.half and travelled < 0:
                continue
            x = ray.x + travelled * ray.dx
            column = (x - center_x) / step_x + (columns - 1) / 2
            below = math.floor(column)
            for i in (below, below + 1):
                if 0 <= i < columns:
                    weights[j, i] += (1 - abs(column - i)) * step_y / abs(ray.dy)
    return weights


def joseph_matrix(volume: Volume, scan: Scan) -> NDArray[np.float64]:
    """The matrix, shape ``(views * columns, H * W)``, of ``Projector(volume, scan)``."""
    rows, columns = volume.shape
    step_y, step_x = volume.spacing
    center_y, center_x = volume.center
    grid = (rows, columns), (step_y, step_x), (center_y, center_x)
    weights = [ray_weights(ray, *grid).ravel() for view in scan_rays(scan) for ray in view]
    return np.stack(weights)
