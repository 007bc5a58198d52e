"""The dense matrix of pixel-driven backprojection, one pixel and one view at a time, in float64.

The line through a pixel (along the ray direction, or from the source) meets the detector at a
fractional column; the pixel reads the projection there by linear interpolation, and columns that
do not exist count as zero. What a fan beam gives is weighted by the square of a ratio of distances
from the source: detector over pixel, along the normal of a flat detector, along the ray to a
curved one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from torch_radon import Scan, Volume

Point = tuple[float, ...]
NOWHERE = (-math.inf, 0.0)


def _minus(a: Point, b: Point) -> Point:
    return (a[0] - b[0], a[1] - b[1])


def _dot(a: Point, b: Point) -> float:
    return a[0] * b[0] + a[1] * b[1]


def _steps_along(u: Point, detector: Point, pixel: Point, ray: Point) -> float:
    """Solve ``pixel + a * ray = detector + s * u`` for s by Cramer's rule."""
    normal = (ray[1], -ray[0])
    return _dot(normal, _minus(pixel, detector)) / _dot(normal, u)


def _flat(pixel: Point, source: Point, detector: Point, u: Point) -> tuple[float, float]:
    """Steps from the detector's middle and weight for a fan on a flat detector."""
    normal = (-u[1], u[0])
    ratio = _dot(normal, _minus(detector, source)) / _dot(normal, _minus(pixel, source))
    if ratio <= 0:
        # The pixel is behind the source: no ray passes through it.
        return NOWHERE
    return _steps_along(u, detector, pixel, _minus(pixel, source)), ratio**2


def _arc(
    pixel: Point, source: Point, detector: Point, u: Point, radius: float
) -> tuple[float, float]:
    """Steps from the detector's middle and weight for a fan on a curved detector."""
    central, seen = _minus(detector, source), _minus(pixel, source)
    ahead = _dot(seen, central) / math.hypot(*central)
    aside = _dot(seen, u) / math.hypot(*u)
    steps = math.atan2(aside, ahead) * radius / math.hypot(*u)
    return steps, (radius / math.hypot(*seen)) ** 2


def _look(scan: Scan, view: int, pixel: Point) -> tuple[float, float]:
    numbers = scan.to_vectors()[view].tolist()
    first, detector, u = tuple(numbers[0:2]), tuple(numbers[2:4]), tuple(numbers[4:6])
    if scan.beam == "parallel":
        return _steps_along(u, detector, pixel, first), 1.0
    if scan.radius is None:
        return _flat(pixel, first, detector, u)
    return _arc(pixel, first, detector, u, float(scan.radius[view]))


def backprojection_matrix(volume: Volume, scan: Scan) -> NDArray[np.float64]:
    """The matrix, shape ``(H * W, views * columns)``, of ``Backprojector(volume, scan)``."""
    rows, width = volume.shape
    matrix = np.zeros((rows, width, scan.views, scan.columns))
    for j, i, view in np.ndindex(rows, width, scan.views):
        x = (i - (width - 1) / 2) * volume.spacing[1] + volume.center[1]
        y = (j - (rows - 1) / 2) * volume.spacing[0] + volume.center[0]
        steps, weight = _look(scan, view, (x, y))
        position = steps + (scan.columns - 1) / 2
        for column in range(scan.columns):
            matrix[j, i, view, column] = weight * max(0.0, 1 - abs(position - column))
    return matrix.reshape(rows * width, scan.views * scan.columns)
