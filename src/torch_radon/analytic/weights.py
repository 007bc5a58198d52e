"""How much of the circle of directions each view stands for."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from torch_radon.geometry.validation import as_length, float_array

# A gap this many times wider than the typical one was not measured. Gaps of golden-angle,
# jittered and random sets of angles stay below it.
_MISSING = 8.0
# Views closer than this part of the typical gap are repetitions of one direction.
_COINCIDENT = 1e-3

# Angles that came through single precision differ by this part of the circle at the most.
_ROUNDING = 1e-6


def angular_weights(angles: ArrayLike, period: float = math.pi) -> NDArray[np.float64]:
    r"""Weights of the views in the sum over angles, for any set of angles.

    A view's weight is the length of its cell on the circle of directions, the part of the circle
    that is closer to it than to any other direction: half the gap to the next direction on either
    side. For n views spread evenly this is :math:`\pi / n`. Three rules complete it:

    - Directions that coincide (closer than a thousandth of the typical gap) share one cell
      equally, so that 0 to 180 degrees with both ends, 360 degrees, or three turns are right and
      no view is lost.
    - A gap more than eight times the typical one was not measured (a limited angular range): the
      views at its ends extend into it by half a typical gap, as if the scan went on, and the rest
      of it belongs to nobody. The weights then add up to the measured range, not to the period.
      Smaller gaps (a few views left out) are divided among their neighbours.
    - The typical gap is the median by length of the others: half of the circle, without the gap
      in question, lies in gaps of at most this width.

    A single direction is given the whole period.

    Parameters
    ----------
    angles : array_like
        Angles of the views in radians, shape ``(views,)``, in any order and range.
    period : float, default pi
        Length of the circle: pi for parallel rays, whose direction t is that of t + pi.

    Returns
    -------
    ndarray
        Float64, shape ``(views,)``, radians, all positive.

    Raises
    ------
    TypeError, ValueError
        If `angles` is not a non-empty row of finite numbers or `period` not positive.

    Examples
    --------
    >>> import numpy as np
    >>> weights = angular_weights(np.deg2rad([0, 45, 90, 135, 180]))
    >>> np.rad2deg(weights).round(6)
    array([22.5, 45. , 45. , 45. , 22.5])
    >>> limited = angular_weights(np.deg2rad(np.arange(0, 120)))
    >>> np.rad2deg(limited[[0, 60, 119]]).round(6)
    array([1., 1., 1.])
    """
    return divide_circle(angles, period).weights


class Cells(NamedTuple):
    """A circle of directions divided among views.

    Attributes
    ----------
    weights : ndarray, shape (views,)
        Length of every view's cell.
    gaps : ndarray, shape (gaps, 2)
        Where each range that belongs to nobody starts, and how long it is.
    typical : float
        The typical gap between neighbouring directions.
    period : float
        Length of the circle.
    """

    weights: NDArray[np.float64]
    gaps: NDArray[np.float64]
    typical: float
    period: float

    @property
    def covered(self) -> float:
        """Length of the measured part of the circle."""
        return float(self.period - self.gaps[:, 1].sum())

    def margin(self, directions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of directions from the nearest gap; 0 within one, infinite without gaps."""
        margin = np.full(np.shape(directions), np.inf)
        for start, length in self.gaps:
            beyond = np.mod(directions - start, self.period)
            margin = np.minimum(margin, np.minimum(beyond - length, self.period - beyond))
        return np.maximum(margin, 0.0)


def divide_circle(angles: ArrayLike, period: float) -> Cells:
    """Divide a circle as `angular_weights` says."""
    directions = float_array("angles", angles)
    if directions.ndim != 1 or len(directions) == 0:
        raise ValueError(
            f"angles must have shape (views,) with at least one view, got {directions.shape}"
        )
    period = as_length("period", period)
    cluster, positions, origin = _cluster(np.mod(directions, period), period)
    gaps = np.diff(positions, append=positions[0] + period)
    missing = _missing_gaps(gaps)
    typical = _median_by_length(gaps[~missing])
    reach = np.where(missing, typical, gaps) / 2
    members = np.bincount(cluster)
    weights = ((reach + np.roll(reach, 1)) / members)[cluster]
    unmeasured = np.stack([origin + positions + reach, gaps - 2 * reach], axis=1)[missing]
    return Cells(weights, unmeasured, typical, period)


def _cluster(
    directions: NDArray[np.float64], period: float
) -> tuple[NDArray[np.intp], NDArray[np.float64], float]:
    """Join coinciding directions.

    Returns the cluster of every view, each cluster's position, and the direction from which
    positions are counted.
    """
    order = np.argsort(directions, kind="stable")
    ordered = directions[order]
    gaps = np.diff(ordered, append=ordered[0] + period)
    # Starting behind the widest gap, no cluster is cut in two by the end of the list.
    start = (int(np.argmax(gaps)) + 1) % len(ordered)
    order = np.roll(order, -start)
    origin = float(ordered[start])
    ordered = np.mod(np.roll(ordered, -start) - origin, period)
    ordered = np.maximum.accumulate(ordered)
    typical = _median_by_length(np.sort(gaps)[:-1]) if len(gaps) > 1 else period
    tolerance = max(_COINCIDENT * typical, _ROUNDING * period)
    label, labels, first = 0, [], 0.0
    for position in ordered.tolist():
        if position - first > tolerance:
            label, first = label + 1, position
        labels.append(label)
    cluster = np.empty(len(ordered), dtype=np.intp)
    cluster[order] = labels
    positions = np.bincount(labels, weights=ordered) / np.bincount(labels)
    return cluster, positions, origin


def _median_by_length(gaps: NDArray[np.float64]) -> float:
    """The gap below which half of the total length lies."""
    ordered = np.sort(gaps)
    covered = np.cumsum(ordered)
    return float(ordered[np.searchsorted(covered, covered[-1] / 2)])


def _missing_gaps(gaps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which gaps were not measured, judged from the widest downwards."""
    order = np.argsort(gaps)
    missing = np.zeros(len(gaps), dtype=bool)
    while len(order) > 1 and gaps[order[-1]] > _MISSING * _median_by_length(gaps[order[:-1]]):
        missing[order[-1]] = True
        order = order[:-1]
    return missing
