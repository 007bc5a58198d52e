"""Line integrals that are known exactly: Gaussians, ellipses, rectangles and a Gaussian ridge.

Each shape gives its samples on a grid (``values(x, y)``) and its integral along a line
(``integral(ray)``). Lines are taken as infinite: the sources of the tests lie outside the shapes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from oracles.rays import Ray, scan_rays
from torch_radon import Scan, Volume

Array = NDArray[np.float64]
Number = TypeVar("Number", float, Array)


@dataclass(frozen=True)
class Gaussian:
    """``exp(-|p - center|^2 / (2 sigma^2))``, isotropic."""

    x: float
    y: float
    sigma: float

    def values(self, x: Array, y: Array) -> Array:
        squared = (x - self.x) ** 2 + (y - self.y) ** 2
        return np.exp(-squared / (2 * self.sigma**2))

    def integral(self, ray: Ray) -> float:
        distance = (self.x - ray.x) * ray.dy - (self.y - ray.y) * ray.dx
        peak = self.sigma * math.sqrt(2 * math.pi)
        return peak * math.exp(-(distance**2) / (2 * self.sigma**2))


@dataclass(frozen=True)
class Ellipse:
    """One inside an ellipse with half axes ``a`` and ``b``, the first turned by ``angle``."""

    x: float
    y: float
    a: float
    b: float
    angle: float = 0.0

    def _unit_circle(self, x: Number, y: Number) -> tuple[Number, Number]:
        along = math.cos(self.angle) * x + math.sin(self.angle) * y
        across = -math.sin(self.angle) * x + math.cos(self.angle) * y
        return along / self.a, across / self.b

    def values(self, x: Array, y: Array) -> Array:
        along, across = self._unit_circle(x - self.x, y - self.y)
        return (along**2 + across**2 <= 1).astype(float)

    def integral(self, ray: Ray) -> float:
        px, py = self._unit_circle(ray.x - self.x, ray.y - self.y)
        dx, dy = self._unit_circle(ray.dx, ray.dy)
        length = math.hypot(dx, dy)
        distance = (px * dy - py * dx) / length
        return 2 * math.sqrt(max(0.0, 1 - distance**2)) / length


@dataclass(frozen=True)
class Rectangle:
    """One inside ``|x - cx| <= width / 2`` and ``|y - cy| <= height / 2``."""

    x: float
    y: float
    width: float
    height: float

    def values(self, x: Array, y: Array) -> Array:
        inside = (abs(x - self.x) <= self.width / 2) & (abs(y - self.y) <= self.height / 2)
        return inside.astype(float)

    def integral(self, ray: Ray) -> float:
        enter, leave = -math.inf, math.inf
        slabs = (
            (ray.x - self.x, ray.dx, self.width / 2),
            (ray.y - self.y, ray.dy, self.height / 2),
        )
        for start, direction, half in slabs:
            if direction == 0:
                if abs(start) > half:
                    return 0.0
                continue
            ends = sorted(((-half - start) / direction, (half - start) / direction))
            enter, leave = max(enter, ends[0]), min(leave, ends[1])
        return max(0.0, leave - enter)


@dataclass(frozen=True)
class Ridge:
    """``exp(-(p x + q y - r)^2)``: a Gaussian wall along the line ``p x + q y = r``."""

    p: float
    q: float
    r: float

    def values(self, x: Array, y: Array) -> Array:
        return np.exp(-((self.p * x + self.q * y - self.r) ** 2))


class Shape(Protocol):
    """Something with values in the plane."""

    def values(self, x: Array, y: Array) -> Array: ...


class Integrable(Shape, Protocol):
    """A shape whose line integrals are known."""

    def integral(self, ray: Ray) -> float: ...


def grid(volume: Volume) -> tuple[Array, Array]:
    """World ``x`` and ``y`` of every pixel centre of a 2D volume, each of shape ``(H, W)``."""
    rows, columns = volume.shape
    y = (np.arange(rows) - (rows - 1) / 2) * volume.spacing[0] + volume.center[0]
    x = (np.arange(columns) - (columns - 1) / 2) * volume.spacing[1] + volume.center[1]
    return np.broadcast_to(x, (rows, columns)), np.broadcast_to(y[:, None], (rows, columns))


def sample(shape: Shape, volume: Volume) -> Array:
    """The image of a shape at the pixel centres of ``volume``."""
    return shape.values(*grid(volume))


def sinogram(shape: Integrable, scan: Scan) -> Array:
    """The exact sinogram, shape ``(views, columns)``, of a shape with an ``integral``."""
    return np.array([[shape.integral(ray) for ray in view] for view in scan_rays(scan)])
