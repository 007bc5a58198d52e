"""The centre of rotation for which the image is sharpest, for any geometry and algorithm."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor

from torch_radon.data.center import CenterEstimate
from torch_radon.data.errors import DataError
from torch_radon.data.search import refine
from torch_radon.geometry.validation import as_finite, as_length

_STEP = 2.0


def find_center_sharpest(
    reconstruct: Callable[[float], Tensor],
    start: float,
    reach: float = 20.0,
    precision: float = 0.05,
) -> CenterEstimate:
    r"""Find the centre of rotation whose image is the sparsest.

    A wrong axis smears every point: over half a turn into an arc with negative values beside it,
    which makes the sum of magnitudes larger [1]_; over a full turn into a ring, which makes the
    sum of squares smaller. So the centre is that of the least

    .. math:: \sum |x| \Big/ \sqrt{\sum x^2},

    which does not depend on the scale of the image. It needs an image for every trial, about
    ``reach + 25`` of them, and in return asks nothing of the geometry: use a coarse grid and one
    slice.

    Parameters
    ----------
    reconstruct : callable
        Takes a centre as a column index and returns an image, of any shape, with an unsmoothed
        filter.
    start : float
        Column index around which to search.
    reach : float, default 20.0
        How far from `start` the centre may be, in columns.
    precision : float, default 0.05
        In columns.

    Returns
    -------
    CenterEstimate
        ``spread`` is nan: nothing is known of it.

    Raises
    ------
    ValueError
        If a number is out of range.
    DataError
        If an image is not finite or zero, or the sharpest is at the end of the range.

    Notes
    -----
    Few views make streaks, which are a part of what is judged: a full turn of parallel rays with
    fewer views than columns misleads by up to a column.

    References
    ----------
    .. [1] T. Donath, F. Beckmann and A. Schreyer, "Automated determination of the center of
       rotation in tomography data", J. Opt. Soc. Am. A 23 (2006) 1048-1057.

    Examples
    --------
    >>> import numpy as np
    >>> import torch_radon as tr
    >>> from torch_radon.data import axis_offset, find_center_sharpest
    >>> angles = np.linspace(0, np.pi, 90, endpoint=False)
    >>> def scan(center):
    ...     return tr.parallel_beam(angles, 96, axis_offset=axis_offset(center, 96))
    >>> sinogram = tr.phantoms.shepp_logan(size=80.0).project(scan(50.3))
    >>> volume = tr.Volume((96, 96))
    >>> found = find_center_sharpest(
    ...     lambda c: tr.fbp(tr.Projector(volume, scan(c)), sinogram), start=48.0, reach=6.0
    ... )
    >>> abs(found.center - 50.3) < 0.3
    True
    """
    middle, width = as_finite("start", start), as_length("reach", reach)
    smallest = as_length("precision", precision)

    def spread(center: float) -> float:
        image = reconstruct(center).double()
        total, norm = float(image.abs().sum()), float(image.square().sum().sqrt())
        if not math.isfinite(total):
            raise DataError(f"centre of rotation: the image for column {center:g} is not finite")
        if norm == 0:
            raise DataError("centre of rotation: an image is zero, there is no object")
        return total / norm

    count = max(2, math.ceil(width / _STEP))
    centers = middle + np.linspace(-width, width, 2 * count + 1)
    values = [spread(float(center)) for center in centers]
    best = int(np.argmin(values))
    if best in (0, len(values) - 1):
        raise DataError(
            f"centre of rotation: no image between columns {centers[0]:.1f} and {centers[-1]:.1f} "
            "is sharper than those at the ends; give the centre as a number"
        )
    step = float(centers[1] - centers[0])
    return CenterEstimate(refine(spread, float(centers[best]), step, smallest), math.nan, False)
