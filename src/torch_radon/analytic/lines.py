"""The rays of a scan as lines of the plane, each of which can be measured from two sides.

A view at angle `t` (in turns of 2 pi) and a ray's offset `p` name a line. For parallel rays p is
the signed distance from the rotation axis and the line is seen again at ``(t + pi, -p)``. For a
fan whose source turns on a circle p is the angle between the ray and the one through the axis,
and the line is seen again at ``(t + pi - 2 p, -p)``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from torch_radon.geometry.scan import Scan

# Sources this much nearer to the axis than others (relative) are on no circle at all.
_ROUND = 0.1

# Distances from the axis that differ by this part are equal but for rounding.
_EXACT = 1e-9

# Below this sine between its rays and its detector a view is edge-on: its columns coincide.
_EDGE_ON = 1e-9


class Lines(NamedTuple):
    """Where the rays of a scan lie among the lines of the plane.

    Attributes
    ----------
    angle : ndarray, shape (views,)
        Angle of every view in radians: of its rays for a parallel beam, of its source for a fan.
    offset : ndarray, shape (views, columns)
        Signed distance from the axis (parallel, world units) or angle from the ray through the
        axis (fan, radians).
    partner : ndarray, shape (views, columns)
        Angle of the view that sees the same line from the other side.
    low, high : ndarray, shape (views,)
        The offsets that a view covers, to the outer edges of its outermost columns.
    distance : ndarray, shape (views,)
        Of the source from the axis; infinite for a parallel beam.
    """

    angle: NDArray[np.float64]
    offset: NDArray[np.float64]
    partner: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    distance: NDArray[np.float64]


def lines_of(scan: Scan) -> Lines:
    """Find the lines of all rays of a scan."""
    middle = (scan.columns - 1) / 2
    index = np.arange(scan.columns) - middle
    ends = np.array([-middle - 0.5, middle + 0.5])
    if scan.beam == "parallel":
        t = scan.angles
        both = np.concatenate([index, ends])
        offset = _distances(scan, both)
        partner = np.broadcast_to(t[:, None] + math.pi, offset.shape)
        distance = np.full(scan.views, np.inf)
    else:
        away = scan.to_vectors()[:, 0:2] - source_center(scan)
        distance = np.linalg.norm(away, axis=1)
        t = np.arctan2(away[:, 0], -away[:, 1])
        offset = _fan_angles(scan, t, np.concatenate([index, ends]))
        partner = t[:, None] + math.pi - 2 * offset
    edges = offset[:, -2:]
    return Lines(t, offset[:, :-2], partner[:, :-2], edges.min(axis=1), edges.max(axis=1), distance)


def source_center(scan: Scan) -> NDArray[np.float64]:
    """Find the axis about which a fan's source turns, as (x, y).

    It is the world's origin, or the centre of the circle through the sources if that fits them
    clearly better (a shifted scan).
    """
    sources = scan.to_vectors()[:, 0:2]
    origin = np.zeros(2)
    spread = _roundness(sources, origin)
    if spread > _EXACT and len(sources) >= 3:
        equations = np.concatenate([2 * sources, np.ones((len(sources), 1))], axis=1)
        squares = (sources**2).sum(axis=1)
        solution, _, rank, _ = np.linalg.lstsq(equations, squares, rcond=1e-6)
        if rank == 3 and _roundness(sources, solution[:2]) < spread / 2:
            origin, spread = solution[:2], _roundness(sources, solution[:2])
    if spread > _ROUND:
        raise ValueError(
            "scan: filtered backprojection needs sources on a circle; their distances from its "
            f"best centre ({origin[0]:.6g}, {origin[1]:.6g}) differ by {100 * spread:.3g} %"
        )
    return origin


def _roundness(sources: NDArray[np.float64], center: NDArray[np.float64]) -> float:
    distance = np.linalg.norm(sources - center, axis=1)
    return float(np.ptp(distance) / max(distance.mean(), np.finfo(float).tiny))


def _distances(scan: Scan, index: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed distances of parallel rays from the axis that fits the detectors' middles best."""
    normal = _normals(scan)
    vectors = scan.to_vectors()
    middle = (vectors[:, 2:4] * normal).sum(axis=1)
    step = (vectors[:, 4:6] * normal).sum(axis=1)
    equations = np.concatenate([normal, np.ones((scan.views, 1))], axis=1)
    solution = np.linalg.lstsq(equations, middle, rcond=1e-6)[0]
    return (middle - normal @ solution[:2])[:, None] + step[:, None] * index


def _normals(scan: Scan) -> NDArray[np.float64]:
    rays = scan.rays
    return np.stack([rays[:, 1], -rays[:, 0]], axis=1)


def _fan_angles(
    scan: Scan, angle: NDArray[np.float64], index: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Angles from the ray through the axis to the rays of (fractional) columns, towards +u."""
    vectors = scan.to_vectors()
    ray, u = (vectors[:, 2:4] - vectors[:, 0:2])[:, None], vectors[:, None, 4:6]
    k = index[None, :, None]
    if scan.radius is None:
        direction = ray + k * u
    else:
        radius = scan.radius[:, None, None]
        turn = k * np.linalg.norm(u, axis=-1, keepdims=True) / radius
        tangent = u / np.linalg.norm(u, axis=-1, keepdims=True)
        direction = np.cos(turn) * ray + np.sin(turn) * radius * tangent
    towards = np.arctan2(-direction[..., 0], direction[..., 1])
    return np.mod(angle[:, None] - towards + math.pi, 2 * math.pi) - math.pi


def column_steps(scan: Scan) -> NDArray[np.float64]:
    r"""Distance between neighbouring parallel rays, or columns as a fan's source sees them.

    For a fan, the column step divided by the distance D between the source and the detector's
    line, or the radius of a curved detector: ``spacing / D``, in radians at D's foot.
    """
    vectors = scan.to_vectors()
    u, rays = vectors[:, 4:6], scan.rays
    across = np.abs(u[:, 0] * rays[:, 1] - u[:, 1] * rays[:, 0])
    if scan.beam == "parallel":
        edge_on = across < _EDGE_ON * scan.spacing
        if edge_on.any():
            raise ValueError(
                f"scan: the rays of view {int(np.argmax(edge_on))} run along its detector, which "
                "cannot be reconstructed from"
            )
        return across
    length = np.linalg.norm(vectors[:, 2:4] - vectors[:, 0:2], axis=1)
    if scan.radius is not None:
        return scan.spacing / scan.radius
    return scan.spacing**2 / (length * across)


def column_of(scan: Scan, lines: Lines, offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractional columns, counted from the detector's middle, at one offset a view."""
    vectors = scan.to_vectors()
    if scan.beam == "parallel" or scan.radius is not None:
        # Offsets are linear in the columns.
        step = (lines.offset[:, -1] - lines.offset[:, 0]) / max(scan.columns - 1, 1)
        if scan.columns == 1:
            step = lines.high - lines.low
        middle = (lines.low + lines.high) / 2
        return (offset - middle) / step
    towards = lines.angle - offset
    direction = np.stack([-np.sin(towards), np.cos(towards)], axis=1)
    ray, u = vectors[:, 2:4] - vectors[:, 0:2], vectors[:, 4:6]
    return -_cross(direction, ray) / _cross(direction, u)


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
