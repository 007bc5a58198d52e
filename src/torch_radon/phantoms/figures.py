"""Convex figures whose chord along any ray has a closed form: ellipses, rectangles, and their cuts.

A figure is an intersection of convex sets, at most one ellipse and any number of half-planes. A
ray meets each of them in one interval of its parameter, so it meets the figure in the intersection
of the intervals, and the length of that is the line integral.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from torch_radon.geometry.validation import as_finite, as_length, float_array

Vector = tuple[float, float]


@dataclass(frozen=True)
class Figure:
    """A convex region of the plane with a constant value, in world coordinates.

    Made by :func:`ellipse` and :func:`rectangle` and cut by :meth:`clip`; the fields are what
    remains of a figure under any affine map.

    Parameters
    ----------
    value : float
        Value inside the figure (attenuation per unit of length); overlapping figures add.
    center : tuple of float
        Centre ``(x, y)`` of the ellipse, or of the rectangle before it was clipped.
    axes : tuple of tuple of float or None
        Two conjugate semi-axes ``a`` and ``b`` of the ellipse, so that its boundary is
        ``center + a cos(s) + b sin(s)``; None where only the half-planes bound the figure.
    half_planes : tuple of (float, float, float)
        Rows ``(n_x, n_y, c)``; the figure keeps the points with ``n_x x + n_y y <= c``.

    Examples
    --------
    >>> half_disc = ellipse(1.0, (0, 0), (2, 2)).clip((1, 0), 0.0)
    >>> half_disc.half_planes
    ((1.0, 0.0, 0.0),)
    """

    value: float
    center: Vector
    axes: tuple[Vector, Vector] | None
    half_planes: tuple[tuple[float, float, float], ...] = ()

    def clip(self, normal: ArrayLike, offset: float) -> Figure:
        """Keep the part on one side of a line: the points p with ``normal . p <= offset``.

        Parameters
        ----------
        normal : array_like
            ``(n_x, n_y)``, of any length but zero.
        offset : float
            World coordinate of the line along `normal`, times the length of `normal`.

        Returns
        -------
        Figure
            The clipped figure.

        Raises
        ------
        ValueError
            If `normal` is not two finite numbers or is zero, or `offset` is not finite.
        """
        x, y = _pair("normal", normal)
        if x == 0 and y == 0:
            raise ValueError("normal must not be the zero vector")
        return replace(self, half_planes=(*self.half_planes, (x, y, as_finite("offset", offset))))

    def transform(self, matrix: NDArray[np.float64], shift: NDArray[np.float64]) -> Figure:
        """The figure's image under ``p -> matrix p + shift``, with the same value."""
        inverse = np.linalg.inv(matrix)
        axes = self.axes
        if axes is not None:
            a, b = (_tuple(matrix @ np.array(axis)) for axis in axes)
            axes = (a, b)
        half_planes = []
        for x, y, offset in self.half_planes:
            normal = np.array([x, y]) @ inverse
            half_planes.append((*_tuple(normal), float(offset + normal @ shift)))
        center = _tuple(matrix @ np.array(self.center) + shift)
        return replace(self, center=center, axes=axes, half_planes=tuple(half_planes))

    def interval(self, origin: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
        """Where rays ``origin + s direction`` are inside the figure, as an interval of s.

        For the ellipse, with ``o`` and ``v`` the ray's origin and direction in the coordinates
        in which the ellipse is the unit disc, the ends are
        ``(-o . v -+ sqrt(|v|^2 - (o x v)^2)) / |v|^2``; the cross product keeps the root exact
        however far away the origin lies.

        Parameters
        ----------
        origin, direction : Tensor
            Shape ``(..., 2)``, float64, broadcastable with each other.

        Returns
        -------
        lower, upper : Tensor
            Shape ``(...)``. A ray that misses the figure has ``lower >= upper``.
        """
        (ox, oy), (dx, dy) = origin.unbind(-1), direction.unbind(-1)
        shape = torch.broadcast_shapes(ox.shape, dx.shape)
        lower, upper = ox.new_full(shape, -math.inf), ox.new_full(shape, math.inf)
        if self.axes is not None:
            m = self._to_disc()
            px, py = ox - self.center[0], oy - self.center[1]
            px, py = m[0, 0] * px + m[0, 1] * py, m[1, 0] * px + m[1, 1] * py
            vx, vy = m[0, 0] * dx + m[0, 1] * dy, m[1, 0] * dx + m[1, 1] * dy
            squared = vx * vx + vy * vy
            cross = px * vy - py * vx
            half = (squared - cross * cross).clamp_min(0.0).sqrt() / squared
            middle = -(px * vx + py * vy) / squared
            lower, upper = middle - half, middle + half
        for x, y, offset in self.half_planes:
            rate = dx * x + dy * y
            room = offset - (ox * x + oy * y)
            end = room / rate
            # A ray along the edge (rate 0) is inside for all s or for none.
            upper = torch.where(rate > 0, torch.minimum(upper, end), upper)
            lower = torch.where(rate < 0, torch.maximum(lower, end), lower)
            upper = torch.where((rate == 0) & (room < 0), -math.inf, upper)
        return lower, upper

    def contains(self, points: Tensor) -> Tensor:
        """Which points ``(..., 2)`` lie inside the figure, its boundary included."""
        inside = torch.ones(points.shape[:-1], dtype=torch.bool, device=points.device)
        if self.axes is not None:
            m = self._to_disc()
            px, py = points[..., 0] - self.center[0], points[..., 1] - self.center[1]
            px, py = m[0, 0] * px + m[0, 1] * py, m[1, 0] * px + m[1, 1] * py
            inside &= px * px + py * py <= 1
        for x, y, offset in self.half_planes:
            inside &= points[..., 0] * x + points[..., 1] * y <= offset
        return inside

    def _to_disc(self) -> NDArray[np.float64]:
        """The matrix that maps offsets from the centre so that the ellipse is the unit disc."""
        return np.linalg.inv(np.array(self.axes).T)


def ellipse(value: float, center: ArrayLike, semi_axes: ArrayLike, angle: float = 0.0) -> Figure:
    """An ellipse of constant value.

    Parameters
    ----------
    value : float
        Value inside (attenuation per unit of length).
    center : array_like
        World position ``(x, y)``.
    semi_axes : array_like
        Semi-axes ``(a, b)`` along x and y before the rotation, in world units.
    angle : float, default 0.0
        Rotation in radians, from +x towards +y.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        If an argument is not finite or has the wrong shape, or a semi-axis is not positive.

    Examples
    --------
    >>> disc = ellipse(1.0, (8.0, -5.0), (44.0, 44.0))
    >>> disc.center
    (8.0, -5.0)
    """
    a, b = (as_length("semi_axes", length) for length in _pair("semi_axes", semi_axes))
    c, s = _cos_sin(angle)
    axes = ((a * c, a * s), (-b * s, b * c))
    return Figure(as_finite("value", value), _pair("center", center), axes)


def rectangle(value: float, center: ArrayLike, size: ArrayLike, angle: float = 0.0) -> Figure:
    """A rectangle of constant value.

    Parameters
    ----------
    value : float
        Value inside (attenuation per unit of length).
    center : array_like
        World position ``(x, y)``.
    size : array_like
        Full side lengths along x and y before the rotation, in world units.
    angle : float, default 0.0
        Rotation in radians, from +x towards +y.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        If an argument is not finite or has the wrong shape, or a side is not positive.

    Examples
    --------
    >>> len(rectangle(1.0, (0, 0), (4, 2), angle=0.3).half_planes)
    4
    """
    width, height = (as_length("size", length) for length in _pair("size", size))
    x, y = _pair("center", center)
    c, s = _cos_sin(angle)
    along, across = x * c + y * s, y * c - x * s
    half_planes = (
        (c, s, along + width / 2),
        (-c, -s, width / 2 - along),
        (-s, c, across + height / 2),
        (s, -c, height / 2 - across),
    )
    return Figure(as_finite("value", value), (x, y), None, half_planes)


def _cos_sin(angle: float) -> tuple[float, float]:
    """Cosine and sine of a finite angle."""
    angle = as_finite("angle", angle)
    return math.cos(angle), math.sin(angle)


def _pair(name: str, value: ArrayLike) -> Vector:
    """Return two finite floats ``(x, y)``."""
    array = float_array(name, value)
    if array.shape != (2,):
        raise ValueError(f"{name} must be two numbers (x, y), got shape {array.shape}")
    return _tuple(array)


def _tuple(array: NDArray[np.float64]) -> Vector:
    return float(array[0]), float(array[1])
