"""What every ray counts in filtered backprojection: lines that are measured twice count once."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from torch_radon.analytic.lines import Lines, column_of, column_steps, lines_of
from torch_radon.analytic.weights import Cells, angular_weights, divide_circle
from torch_radon.geometry.scan import Scan

Redundancy = Literal["auto", "full", "short", "offset", "none"]

REDUNDANCIES: tuple[str, ...] = get_args(Redundancy)
"""What `redundancy_weights` accepts."""

# From this range of views on, an offset detector is completed by the views from the other side.
_ALL_AROUND = 1.5 * math.pi

# Widest and narrowest ramps of the weights at the ends of a range of views, in radians and in
# typical gaps.
_WIDEST, _NARROWEST = math.pi / 6, 4.0

# The ramp at the near edge of an offset detector is this many times as wide as the two sides of
# the detector differ.
_RAMP = 4.0


# Confidence in a ray where its factor is zero: it counts if no other ray measures its line.
_LEAST = 1e-9


def redundancy_weights(scan: Scan, redundancy: Redundancy = "auto") -> NDArray[np.float64]:
    r"""Weights that share a line among the rays that measure it.

    The line of ray (v, c) is seen again, from the other side, by the view at angle
    :math:`t^* = t + \pi - 2\gamma` at the fan angle :math:`-\gamma` (:math:`t + \pi` and
    :math:`-s` for parallel rays). With a positive *confidence* C for every measured ray and zero
    for every other,

    .. math:: w = \frac{C(t, \gamma)}{C(t, \gamma) + C(t^*, -\gamma)}

    so that the weights of a line add up to 1 exactly, whatever was measured, and a line that
    was measured once has the weight 1. Rays repeated from the same side (over-scans, several
    turns) share by the cells of `angular_weights` instead. Where C is smooth, so are the
    weights ([1]_, [2]_). It is the product of two factors:

    - `short`: :math:`\sin^2(\pi e / 2 T)` of the distance :math:`e < T` of the view's angle from
      the nearest end of the measured range, else 1. T is what the range has above a half turn,
      at least 4 typical gaps and at most 30 degrees. On a short scan this does what Parker's
      weights [3]_ do, for any length of the range and any gaps in it; without gaps it is 1.
    - `offset`: :math:`\sin^2(\pi f / 2 F)` of the distance :math:`f < F` of the ray from that
      edge of the detector that is nearer to the rotation axis, else 1. With a and b the two
      sides of what all detectors cover, :math:`a < b`, F is 2 a or, if that is less, 4 (b - a).
      For :math:`F = 2a` these are the weights of [4]_ for offset detectors; on a centred detector
      F is 0 and the factor is 1. Rays that not all detectors have count only where no other
      measures their line.

    Parameters
    ----------
    scan : Scan
        Parallel, or a fan whose sources lie on a circle.
    redundancy : {"auto", "full", "short", "offset", "none"}, default "auto"
        Which factors make C. "auto": both, which detects the case, since a factor is 1 where it
        is not needed. "short", "offset": that one alone. "full": every weight is 1/2, whatever
        was measured. "none": every weight is 1.

    Returns
    -------
    ndarray
        Float64, shape ``(views, columns)``, in [0, 1].

    Raises
    ------
    ValueError
        If `redundancy` is unknown or a fan's sources are not on a circle.

    References
    ----------
    .. [1] F. Noo, M. Defrise, R. Clackdoyle and H. Kudo, "Image reconstruction from fan-beam
       projections on less than a short scan", Physics in Medicine and Biology 47(14),
       2525-2546, 2002.
    .. [2] M. D. Silver, "A method for including redundant data in computed tomography", Medical
       Physics 27(4), 773-774, 2000.
    .. [3] D. L. Parker, "Optimal short scan convolution reconstruction for fanbeam CT", Medical
       Physics 9(2), 254-257, 1982.
    .. [4] G. Wang, "X-ray micro-CT with a displaced detector array", Medical Physics 29(7),
       1634-1636, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> import torch_radon as tr
    >>> angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    >>> scan = tr.fan_beam(angles, 5, source_distance=50.0, detector_distance=0.0)
    >>> redundancy_weights(scan)[0]
    array([0.5, 0.5, 0.5, 0.5, 0.5])
    >>> half_fan = tr.fan_beam(
    ...     angles, 5, source_distance=50.0, detector_distance=0.0, detector_offset=1.5
    ... )
    >>> redundancy_weights(half_fan)[0].round(2)
    array([0.15, 0.85, 1.  , 1.  , 1.  ])
    """
    if redundancy not in REDUNDANCIES:
        raise ValueError(f"redundancy must be one of {', '.join(REDUNDANCIES)}, got {redundancy!r}")
    if redundancy in ("full", "none"):
        return np.full(scan.shape, 0.5 if redundancy == "full" else 1.0)
    lines = lines_of(scan)
    cells = divide_circle(lines.angle, 2 * math.pi)
    low, high = _partner_ends(lines)
    ends = _common_ends(lines)
    here = _in_range(cells, lines.angle[:, None], redundancy != "offset")
    there = _in_range(cells, lines.partner, redundancy != "offset")
    if redundancy == "short":
        ends = (-np.inf, np.inf)
    measured = (-lines.offset > low) & (-lines.offset < high)
    here = here * _on_detector(lines.offset, *ends)
    there = there * measured * _on_detector(-lines.offset, *ends)
    return here / (here + there)


def ray_weights(scan: Scan, redundancy: Redundancy = "auto") -> NDArray[np.float64]:
    r"""What every ray counts in filtered backprojection, all in all.

    The product of `ray_measure` and `redundancy_weights`: what the projections are multiplied
    with before the filter. Parallel rays with "full" are weighted instead by the cells of
    `angular_weights` on the half circle, where the two sides of a line are one direction; so
    are those with "auto", unless an offset detector (by more than half a column) turns by 270
    degrees or more.

    Parameters
    ----------
    scan, redundancy
        As in `redundancy_weights`.

    Returns
    -------
    ndarray
        Float64, shape ``(views, columns)``, per world unit of length.

    Raises
    ------
    ValueError
        As `redundancy_weights` and `ray_measure`.

    Examples
    --------
    >>> import numpy as np
    >>> import torch_radon as tr
    >>> scan = tr.parallel_beam(np.arange(0, np.pi, np.pi / 4), 3, spacing=0.5)
    >>> (ray_weights(scan) / np.pi).round(6)[0]
    array([0.5, 0.5, 0.5])
    """
    half_circle = redundancy == "full" or (redundancy == "auto" and not is_offset(scan))
    if scan.beam == "parallel" and half_circle:
        weights = angular_weights(scan.angles) / column_steps(scan)
        return np.repeat(weights[:, None], scan.columns, axis=1)
    return redundancy_weights(scan, redundancy) * ray_measure(scan)


def ray_measure(scan: Scan) -> NDArray[np.float64]:
    r"""The share of all lines that a ray stands for, if every line is measured from both sides.

    .. math:: \frac{\Delta t_v}{\tau_v} \;\text{(parallel)}, \qquad
              \frac{\Delta t_v\, R_v \cos\gamma_{v,c}}{D_v\, \tau_v} \;\text{(fan)}

    with :math:`\Delta t` the view's cell of the full circle (see `angular_weights`),
    :math:`\tau` the column spacing (across the rays for a parallel beam), R the distance
    of the source from the rotation axis, :math:`\gamma` the angle of the ray from the one through
    the axis and D the distance between the source and the detector's line, or the radius of a
    curved detector. The Jacobian :math:`R \cos\gamma` holds for an axis that is offset too,
    since :math:`\gamma` is not counted from the detector's middle. The change of R between views
    that are not quite on a circle is neglected.

    Parameters
    ----------
    scan : Scan
        Parallel, or a fan whose sources lie on a circle (within 10 %).

    Returns
    -------
    ndarray
        Float64, shape ``(views, columns)``, per world unit of length.

    Raises
    ------
    ValueError
        If a fan's sources are not on a circle or rays of a view run along its detector.

    Examples
    --------
    >>> import torch_radon as tr
    >>> scan = tr.fan_beam(
    ...     [0.0, 1.57, 3.14, 4.71], 3, source_distance=100.0, detector_distance=100.0
    ... )
    >>> ray_measure(scan).shape
    (4, 3)
    """
    steps = column_steps(scan)
    lines = lines_of(scan)
    cells = angular_weights(lines.angle, 2 * math.pi)
    if scan.beam == "parallel":
        return np.repeat((cells / steps)[:, None], scan.columns, axis=1)
    # D is the spacing over the step that the source sees.
    per_length = cells * lines.distance * steps / scan.spacing**2
    return per_length[:, None] * np.cos(lines.offset)


def mirrored_columns(scan: Scan) -> tuple[int, int]:
    """Columns that are missing at either end of an offset detector that turns all around.

    The weighted projections end smoothly at the edge that is nearer to the axis, but once
    filtered they do not: pixels beyond that edge need them as far as the mirror image of the
    other edge.

    Parameters
    ----------
    scan : Scan

    Returns
    -------
    tuple of int
        Columns to add before the first and after the last.
    """
    if not is_offset(scan):
        return 0, 0
    lines = lines_of(scan)
    low, high = _common_ends(lines)
    far = lines.high.max() if high > -low else lines.low.min()
    column = column_of(scan, lines, np.full(scan.views, -far))
    beyond = np.ceil(np.abs(column) - scan.columns / 2 - 1e-6).clip(0, 2 * scan.columns)
    before, after = (beyond[side].max(initial=0.0) for side in (column < 0, column > 0))
    return int(before), int(after)


def is_offset(scan: Scan) -> bool:
    """Whether the axis is off the detector's middle by over half a column in views all around."""
    lines = lines_of(scan)
    if divide_circle(lines.angle, 2 * math.pi).covered < _ALL_AROUND:
        return False
    low, high = _common_ends(lines)
    column = float((lines.high - lines.low).max()) / scan.columns
    return bool(abs(high + low) > column * (1 + 1e-6))


def _in_range(cells: Cells, angles: NDArray[np.float64], ramp: bool) -> NDArray[np.float64]:
    margin = cells.margin(angles)
    if not ramp or len(cells.gaps) == 0:
        return (margin > 0).astype(np.float64)
    width = max(min(cells.covered - math.pi, _WIDEST), _NARROWEST * cells.typical)
    return _rise(margin / width)


def _on_detector(offset: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    width = 0.0
    if np.isfinite(high - low):
        width = min(2 * min(-low, high), _RAMP * abs(low + high))
    inside = ((offset > low) & (offset < high)).astype(np.float64)
    if width > 1e-9 * (high - low):
        margin = offset - low if -low < high else high - offset
        inside *= _rise(margin / width)
    return np.maximum(inside, _LEAST)


def _common_ends(lines: Lines) -> tuple[float, float]:
    """The range of offsets that every view covers."""
    return float(lines.low.max()), float(lines.high.min())


def _rise(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth step from 0 at 0 to 1 at 1."""
    return np.sin(math.pi / 2 * np.clip(x, 0.0, 1.0)) ** 2


def _partner_ends(lines: Lines) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The offsets that the partner of every ray covers: those of the nearest view."""
    order = np.argsort(np.mod(lines.angle, 2 * math.pi))
    angle = np.mod(lines.angle, 2 * math.pi)[order]
    around = np.concatenate([angle[-1:] - 2 * math.pi, angle, angle[:1] + 2 * math.pi])
    between = (around[1:] + around[:-1]) / 2
    nearest = np.searchsorted(between, np.mod(lines.partner, 2 * math.pi)) - 1
    view = order[nearest % len(order)]
    return lines.low[view], lines.high[view]
