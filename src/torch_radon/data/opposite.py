"""The centre of rotation from rays that were measured twice, in opposite directions."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from torch_radon.data.acquisition import Acquisition
from torch_radon.data.center import CenterEstimate, check_sinograms
from torch_radon.data.errors import DataError
from torch_radon.data.search import refine

Array = NDArray[np.float64]

# Least part of the columns that must be seen from both sides.
_OVERLAP = 0.1
# The best agreement must be this much better than the typical one.
_CONTRAST = 0.7
_TRIALS = 512
_PRECISION = 1e-2
# Half of the views may disagree with all of them by about so many columns.
_NEARBY = 4.0
# A range of angles from which on every view has an opposite.
_FULL_TURN = math.radians(330)
# Rays that are compared, of all rows: in the first round and in those that follow.
_RAYS_FIRST, _RAYS = 2**14, 2**17


def find_center_opposite(
    sinograms: Tensor | ArrayLike,
    angles: Tensor | ArrayLike,
    acquisition: Acquisition | None = None,
) -> CenterEstimate:
    r"""Find the centre of rotation by comparing each ray with the same ray in reverse.

    Column j of the view at angle t and column :math:`2c - j` of the view at :math:`t + \pi` see
    the same line if the axis projects onto column c; for a fan with the angle :math:`\gamma` of
    the ray to the axis' ray, of the view at :math:`t - 2 \gamma + \pi`. The centre is the c for
    which the two differ least, compared with how much they vary:

    .. math:: \min_c \frac{\sum (a - b)^2}{\sum (a - \bar a)^2 + \sum (b - \bar b)^2}

    over all rays a whose opposite b was measured; b is interpolated linearly between columns and
    views, and extrapolated by at most one step beyond the first and last view. This works for
    parallel and fan beams, full turns and whatever part of a shorter scan is redundant (of half a
    turn of parallel rays its two ends), truncated objects and half-fans. Of a half turn it uses
    two views only: `find_center`, which uses all, is then the better choice.

    Parameters
    ----------
    sinograms : Tensor or array_like
        Line integrals, shape ``(views, columns)`` or ``(rows, views, columns)``.
    angles : Tensor or array_like
        Radians, shape ``(views,)``, in any order.
    acquisition : Acquisition, optional
        The beam; parallel by default. Its ``detector_offset`` is not used.

    Returns
    -------
    CenterEstimate
        The centre, and how far the results of the even and the odd views are apart.

    Raises
    ------
    DataError
        If shapes disagree, a value is not finite, or no centre can be found: fewer than 16 views
        or columns, no ray was measured twice, or no centre fits better than others.

    References
    ----------
    .. [1] N. T. Vo et al., "Reliable method for calculating the center of rotation in
       parallel-beam tomography", Opt. Express 22 (2014) 19078, on full turns as redundant half
       turns.

    Examples
    --------
    >>> import numpy as np
    >>> from torch_radon.data import Acquisition, find_center_opposite
    >>> from torch_radon.phantoms import shepp_logan
    >>> scanner = Acquisition("fan", 1.0, source_distance=400.0, detector_distance=200.0)
    >>> angles = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    >>> sinogram = shepp_logan(size=100.0).project(scanner.scan(angles, 192, center=93.4))
    >>> found = find_center_opposite(sinogram, angles, scanner)
    >>> abs(found.center - 93.4) < 0.1
    True
    """
    stack, angle = check_sinograms(sinograms, angles)
    scanner = acquisition if acquisition is not None else Acquisition()
    center = _search(_Mismatch(stack, angle, scanner))
    halves = [
        refine(_Mismatch(stack[:, i::2], angle[i::2], scanner), center, _NEARBY, _PRECISION)
        for i in (0, 1)
    ]
    profile = stack.mean(axis=(0, 1))
    truncated = bool(min(profile[:2].mean(), profile[-2:].mean()) > 0.05 * profile.max())
    return CenterEstimate(center, abs(halves[0] - halves[1]), truncated)


def _search(mismatch: _Mismatch) -> float:
    last = mismatch.data.shape[2] - 1
    margin = _OVERLAP * last / 2
    centers = np.linspace(margin, last - margin, min(last, _TRIALS) + 1)
    values = np.array([mismatch(center, _RAYS_FIRST) for center in centers])
    if not np.isfinite(values).any():
        raise DataError(
            "centre of rotation: no ray was measured in both directions; give the centre as a "
            "number"
        )
    best = int(np.nanargmin(values))
    if not values[best] < _CONTRAST * np.nanmedian(values):
        raise DataError(
            "centre of rotation: opposite rays agree nowhere better than elsewhere; is there an "
            "object above the noise?"
        )
    return refine(mismatch, float(centers[best]), float(centers[1] - centers[0]), _PRECISION)


class _Mismatch:
    """How much opposite rays disagree if the axis projects onto a given column."""

    def __init__(self, stack: Array, angles: Array, scanner: Acquisition) -> None:
        turned = np.mod(angles, 2 * math.pi)
        order = np.argsort(turned, kind="stable")
        # Repeated directions would make steps of length zero.
        distinct = np.append(True, np.diff(turned[order]) > 1e-9)
        self.views = turned[order][distinct]
        self.data = torch.from_numpy(np.ascontiguousarray(stack[:, order[distinct]]))
        self.step = float(np.median(np.diff(self.views)))
        self.turn = float(np.ptp(self.views)) > _FULL_TURN
        self.scanner = scanner

    def __call__(self, center: float, rays: int = _RAYS) -> float:
        """The mismatch of about so many rays, nan if too few of them were measured twice."""
        rows, views, columns = self.data.shape
        index = np.arange(columns, dtype=np.int64)
        mirror = 2 * center - index
        inside = (mirror >= 0) & (mirror <= columns - 1)
        # Every so many-th column of every so many-th view, and all views where few are redundant.
        step = max(1, round(rows * views * int(inside.sum()) / rays))
        inside &= index % min(step, 4) == 0
        every = max(1, step // 4) if self.turn else 1
        targets = (
            self.views[::every, None]
            - 2 * self._fan_angles(index[inside].astype(np.float64) - center)
            + math.pi
        )
        before, weight, seen = self._between_views(np.mod(targets, 2 * math.pi))
        left = np.clip(np.floor(mirror[inside]).astype(np.int64), 0, columns - 2)
        share = torch.from_numpy(mirror[inside] - left)
        after = (before + 1) % views
        near, far = (
            torch.lerp(self._at(view, left), self._at(view, left + 1), share)
            for view in (before, after)
        )
        b = torch.lerp(near, far, torch.from_numpy(weight))
        a = self.data[:, ::every, torch.from_numpy(inside)]
        a, b = (values[:, torch.from_numpy(seen)] for values in (a, b))
        if a.shape[1] * min(step, 4) < _OVERLAP * columns:
            return math.nan
        spread = sum((v - v.mean(dim=1, keepdim=True)).square().sum() for v in (a, b))
        return float((a - b).square().sum() / spread) if spread else math.nan

    def _at(self, view: NDArray[np.int64], column: NDArray[np.int64]) -> Tensor:
        view, column = np.broadcast_arrays(view, column)
        return self.data[:, torch.from_numpy(view.copy()), torch.from_numpy(column.copy())]

    def _fan_angles(self, offset: Array) -> Array:
        scanner = self.scanner
        if scanner.source_distance is None or scanner.detector_distance is None:
            return np.zeros_like(offset)
        ratio = offset * scanner.pixel_size / (scanner.source_distance + scanner.detector_distance)
        return ratio if scanner.curved else np.arctan(ratio)

    def _between_views(self, target: Array) -> tuple[NDArray[np.int64], Array, NDArray[np.bool_]]:
        """The view before each direction, how far on the way to the next, and if it was seen."""
        views, turn = self.views, 2 * math.pi
        before = np.searchsorted(views, target, side="right") - 1
        gap = np.mod(np.roll(views, -1) - views, turn)
        distance = np.mod(target - views[before], turn)
        weight = distance / gap[before]
        # In a gap without views the nearest two on one side are continued by up to one step.
        wide = gap[before] > 3 * self.step
        # Where views are even the first missing one is exactly one step away, up to rounding.
        reach = 1.01 * self.step
        beyond = wide & (distance <= reach)
        ahead = wide & (gap[before] - distance <= reach)
        previous, following = (before - 1) % len(views), (before + 1) % len(views)
        weight = np.where(beyond, 1 + distance / gap[previous], weight)
        weight = np.where(ahead, -(gap[before] - distance) / gap[following], weight)
        start = np.where(beyond, previous, np.where(ahead, following, before))
        return start, weight, ~wide | beyond | ahead
