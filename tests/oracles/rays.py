"""The lines that a scan's canonical vectors stand for, written out one by one.

Every other oracle starts from these lines, so this file is where the conventions of the canonical
form are restated: columns are centred on the detector centre, a flat detector is walked along its
u step, and a curved one along an arc around the source whose arc length a column is |u|.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from torch_radon import Scan


@dataclass(frozen=True)
class Ray:
    """A line through ``(x, y)`` with unit direction ``(dx, dy)``.

    ``half`` marks a ray that starts at ``(x, y)``; otherwise it comes from infinity.
    """

    x: float
    y: float
    dx: float
    dy: float
    half: bool


def parallel_ray(row: ArrayLike, column: int, columns: int) -> Ray:
    """The ray of one detector column of a parallel view (ray, detector centre, u step)."""
    ray_x, ray_y, det_x, det_y, u_x, u_y = (float(v) for v in np.asarray(row))
    steps = column - (columns - 1) / 2
    length = math.hypot(ray_x, ray_y)
    return Ray(det_x + steps * u_x, det_y + steps * u_y, ray_x / length, ray_y / length, False)


def fan_ray(row: ArrayLike, column: int, columns: int, radius: float | None) -> Ray:
    """The ray of one detector column of a fan view (source, detector centre, u step)."""
    source_x, source_y, det_x, det_y, u_x, u_y = (float(v) for v in np.asarray(row))
    steps = column - (columns - 1) / 2
    if radius is None:
        toward_x = det_x + steps * u_x - source_x
        toward_y = det_y + steps * u_y - source_y
    else:
        step = math.hypot(u_x, u_y)
        phi = steps * step / radius
        distance = math.hypot(det_x - source_x, det_y - source_y)
        toward_x = math.cos(phi) * (det_x - source_x) / distance + math.sin(phi) * u_x / step
        toward_y = math.cos(phi) * (det_y - source_y) / distance + math.sin(phi) * u_y / step
    length = math.hypot(toward_x, toward_y)
    return Ray(source_x, source_y, toward_x / length, toward_y / length, True)


def scan_rays(scan: Scan) -> list[list[Ray]]:
    """``rays[view][column]`` of a scan, read from nothing but its canonical form."""
    vectors, columns = scan.to_vectors(), scan.columns
    if scan.beam == "parallel":
        return [[parallel_ray(row, c, columns) for c in range(columns)] for row in vectors]
    radii = [None] * scan.views if scan.radius is None else scan.radius.tolist()
    return [
        [fan_ray(row, c, columns, radius) for c in range(columns)]
        for row, radius in zip(vectors, radii, strict=True)
    ]
