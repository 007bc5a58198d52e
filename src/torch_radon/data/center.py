"""Finding the centre of rotation of a parallel-beam scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from torch_radon.data.consistency import MomentConsistency
from torch_radon.data.errors import DataError
from torch_radon.geometry.validation import as_count, as_finite, as_length

Array = NDArray[np.float64]

MIN_VIEWS = 16
MIN_COLUMNS = 16
MIN_RANGE_DEGREES = 60.0
MIN_RANGE_TRUNCATED_DEGREES = 170.0

# More moments add little but noise for a whole object; a truncated one needs the fine structure.
_DEGREE = 20
_DEGREE_TRUNCATED = 40
# Trial axes of the first round; the misfit has features of a fortieth of the width.
_TRIALS = 512
_PRECISION = 1e-3
# An outermost column may show at most this fraction of the largest mean line integral.
_AIR = 0.05
# Least depth of the minimum below the typical misfit, in units of the root of the number of
# degrees of freedom. Noise alone gives up to 3.5; objects in usable data give 10 and more.
_DEPTH = 5.0
# Largest difference of the estimates from two halves of the views: pixels, fraction of columns.
_SPREAD = (2.0, 0.01)


@dataclass(frozen=True)
class CenterEstimate:
    """A centre of rotation and how far to trust it.

    Parameters
    ----------
    center : float
        Column index onto which the rotation axis projects; 0 is the centre of the first column.
    spread : float
        Difference in columns between the centres found from the views 0, 2, 4... and from
        1, 3, 5... alone.
    truncated : bool
        Whether the object was taken to reach beyond the detector.

    Examples
    --------
    >>> from torch_radon.data import CenterEstimate
    >>> CenterEstimate(295.7, 0.02, False).center
    295.7
    """

    center: float
    spread: float
    truncated: bool


def find_center(
    sinograms: Tensor | ArrayLike,
    angles: Tensor | ArrayLike,
    *,
    truncated: bool | None = None,
) -> CenterEstimate:
    r"""Find where the rotation axis projects onto the detector, to a fraction of a column.

    The axis is the one about which the sinograms agree best with the Helgason-Ludwig conditions,
    which every sinogram of an object that fits the detector obeys: the moment of degree m of its
    projections consists of the harmonics m, m - 2, m - 4, ... of the angle. That uses all views,
    in any order, over any range and with any gaps, and is a maximum-likelihood estimate under
    white noise: it needs no pair of opposite views and reconstructs nothing. See
    `torch_radon.data.consistency.MomentConsistency`.

    Where the object reaches beyond both ends of the detector, higher moments are used and parts
    of the data that are constant along views or columns are ignored. This needs views over a half
    turn, suffers more from noise, and finds axes in the middle half of the detector only.

    Parameters
    ----------
    sinograms : Tensor or array_like
        Line integrals of one or several detector rows that share the axis, shape
        ``(views, columns)`` or ``(rows, views, columns)``, real, any device. A few rows are
        enough; more rows average more noise.
    angles : Tensor or array_like
        Radians, shape ``(views,)``.
    truncated : bool, optional
        Whether the object reaches beyond both ends of the detector; by default judged from the
        outermost columns, which show air otherwise.

    Returns
    -------
    CenterEstimate
        The centre as a column index c, in the convention of TomoPy, and its spread; `axis_offset`
        converts it for `parallel_beam`.

    Raises
    ------
    DataError
        If shapes disagree, a value is not finite, or no centre can be found: fewer than 16 views
        or columns; angles that cover less than 60 degrees (170 for a truncated object); no signal
        above the noise; an object that reaches beyond one end of the detector only; an axis
        outside the detector; or two halves of the views that disagree by more than 2 columns or
        1 % of the columns, whichever is larger.

    Notes
    -----
    Without noise the error is 0.001 columns. With 1e4 photons a pixel, 256 columns and 180 views
    over a half turn it is about 0.02 columns, with 300 photons 0.1; for an object that reaches
    beyond the detector 0.2 with 1e4 photons. A flat field that has tilted by 2 % across the
    detector since it was taken moves the result by 0.7 columns. Sharp edges that are sampled at
    points, not averaged over each column as a detector does, alias: up to 0.2 columns.

    References
    ----------
    .. [1] F. Natterer, *The Mathematics of Computerized Tomography*, SIAM, 2001, section II.4.
    .. [2] N. T. Vo et al., "Reliable method for calculating the center of rotation in
       parallel-beam tomography", Opt. Express 22 (2014) 19078, on consistency of the sinogram in
       the Fourier domain.

    Examples
    --------
    >>> import numpy as np
    >>> import torch_radon as tr
    >>> from torch_radon.data import axis_offset, find_center
    >>> from torch_radon.phantoms import shepp_logan
    >>> angles = np.linspace(0, np.pi, 180, endpoint=False)
    >>> scan = tr.parallel_beam(angles, 256, axis_offset=axis_offset(132.3, 256))
    >>> found = find_center(shepp_logan(size=200.0).project(scan), angles)
    >>> abs(found.center - 132.3) < 0.1
    True
    """
    stack, angle = check_sinograms(sinograms, angles)
    if truncated is None:
        truncated = _reaches_beyond(stack)
    covered = np.rad2deg(_coverage(angle))
    needed = MIN_RANGE_TRUNCATED_DEGREES if truncated else MIN_RANGE_DEGREES
    if covered < needed:
        raise DataError(
            f"centre of rotation: the angles cover {covered:.1f} degrees, at least {needed:g} are "
            f"needed{' for an object that reaches beyond the detector' if truncated else ''}; give "
            "the centre as a number"
        )
    center = _search(stack, angle, truncated, doubtful=True)
    halves = [_search(stack[:, i::2], angle[i::2], truncated, doubtful=False) for i in (0, 1)]
    spread = abs(halves[0] - halves[1])
    allowed = max(_SPREAD[0], _SPREAD[1] * stack.shape[2])
    if spread > allowed:
        raise DataError(
            f"centre of rotation: two halves of the views give columns {halves[0]:.2f} and "
            f"{halves[1]:.2f}, more than {allowed:g} apart; give the centre as a number"
        )
    return CenterEstimate(center, spread, truncated)


def axis_offset(center: float, columns: int, spacing: float = 1.0) -> float:
    """Convert a centre of rotation given as a column index to the offset of a scan.

    ``(center - (columns - 1) / 2) * spacing``

    Parameters
    ----------
    center : float
        Column index onto which the axis projects.
    columns : int
        Number of detector columns.
    spacing : float, default 1.0
        Column spacing in world units.

    Returns
    -------
    float
        The `axis_offset` of `torch_radon.parallel_beam`, in world units.

    Raises
    ------
    ValueError
        If an argument is not finite, or `columns` or `spacing` not positive.

    Examples
    --------
    >>> from torch_radon.data import axis_offset
    >>> axis_offset(296.0, columns=640, spacing=0.5)
    -11.75
    """
    middle = (as_count("columns", columns) - 1) / 2
    return (as_finite("center", center) - middle) * as_length("spacing", spacing)


def check_sinograms(
    sinograms: Tensor | ArrayLike, angles: Tensor | ArrayLike
) -> tuple[Array, Array]:
    """Return rows of sinograms that show something, and angles, as float64, or raise."""
    stack, angle = _float64(sinograms), _float64(angles)
    if stack.ndim == 2:
        stack = stack[None]
    if stack.ndim != 3 or 0 in stack.shape:
        raise DataError(
            "sinograms must have shape (views, columns) or (rows, views, columns), none of them "
            f"0, got {stack.shape}"
        )
    _, views, columns = stack.shape
    if angle.shape != (views,):
        raise DataError(f"angles must have shape ({views},), one a view, got {angle.shape}")
    for name, values in (("angles", angle), ("sinograms", stack)):
        if not np.isfinite(values).all():
            raise DataError(f"centre of rotation: {name} must be finite")
    if views < MIN_VIEWS or columns < MIN_COLUMNS:
        raise DataError(
            f"centre of rotation: at least {MIN_VIEWS} views and {MIN_COLUMNS} columns are needed, "
            f"got {views} and {columns}; give the centre as a number"
        )
    stack = stack[np.ptp(stack, axis=(1, 2)) > 0]
    if not len(stack):
        raise DataError("centre of rotation: the sinograms are constant, there is no object")
    return stack, angle


def _float64(value: Tensor | ArrayLike) -> Array:
    if isinstance(value, Tensor):
        return value.detach().to("cpu", torch.float64).numpy()
    return np.asarray(value, dtype=np.float64)


def _coverage(angles: Array) -> float:
    """Length of the half turn that is left when its largest gap without a view is taken out."""
    folded = np.unique(np.mod(angles, np.pi))
    gaps = np.diff(np.concatenate([folded, folded[:1] + np.pi]))
    # Full coverage has no gap but the step between views.
    return float(np.pi - gaps.max() + min(gaps.max(), np.median(gaps)))


def _reaches_beyond(stack: Array) -> bool:
    """Whether the outermost columns show more than air; raise if only those of one side do."""
    profile = stack.mean(axis=(0, 1))
    width = max(2, len(profile) // 50)
    edges = np.array([profile[:width].mean(), profile[-width:].mean()])
    beyond = edges > _AIR * np.percentile(profile, 95)
    if beyond[0] != beyond[1]:
        side = "first" if beyond[0] else "last"
        raise DataError(
            f"centre of rotation: the object reaches beyond the {side} column but not beyond the "
            "other end of the detector, from which the axis cannot be told; give the centre as a "
            "number"
        )
    return bool(beyond[0])


def _search(stack: Array, angles: Array, truncated: bool, *, doubtful: bool) -> float:
    """The axis with the smallest misfit; if `doubtful`, raise where that means nothing."""
    last = stack.shape[2] - 1
    degree = min(_DEGREE_TRUNCATED if truncated else _DEGREE, stack.shape[2] // 2)
    misfit = MomentConsistency(stack, angles, degree, invariant=truncated)
    count = min(last, _TRIALS) + 1
    centers = np.linspace(0, last, count, dtype=np.float64)
    values = misfit(centers)
    best = int(values.argmin())
    if doubtful:
        depth = float(np.median(values) - values[best])
        if depth < _DEPTH * misfit.freedom**0.5:
            raise DataError(
                "centre of rotation: no axis fits the sinograms better than any other; is there "
                "an object above the noise?"
            )
        margin = last / 4 if truncated else 0
        if not margin < centers[best] < last - margin:
            raise DataError(
                f"centre of rotation: not found within columns {margin:.0f} to {last - margin:.0f}"
                "; give the centre as a number"
            )
    step = float(centers[1] - centers[0])
    center = float(centers[best])
    while step > _PRECISION:
        step /= 4
        nearby = center + step * np.arange(-4, 5, dtype=np.float64)
        center = float(nearby[misfit(nearby).argmin()])
    return center
