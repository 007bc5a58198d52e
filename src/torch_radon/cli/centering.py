"""Finding the centre of rotation of a scan in a file, by the method that suits it."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from torch_radon.analytic.fbp import fbp
from torch_radon.data.acquisition import Acquisition
from torch_radon.data.center import CenterEstimate, find_center
from torch_radon.data.errors import DataError
from torch_radon.data.opposite import find_center_opposite
from torch_radon.data.sharpness import find_center_sharpest
from torch_radon.geometry.volume import Volume
from torch_radon.projectors import Projector

CENTER_METHODS = ("auto", "moments", "opposite", "sharpest")
"""Names that ``--center`` accepts."""

# The image whose sharpness is judged has at most so many pixels a side.
_IMAGE = 256
# The sharpest image is looked for so far from where the axis should be.
_REACH, _LEAST_REACH = 0.04, 8.0
_FULL_TURN = math.radians(300)


def locate_center(
    method: str, sinograms: Tensor, angles: Tensor, scanner: Acquisition
) -> tuple[CenterEstimate, str]:
    """Find the centre of rotation.

    Parameters
    ----------
    method : str
        One of `CENTER_METHODS`. "auto" is "moments" for parallel beams, which uses all views, and
        "opposite" for fans and for full turns of parallel beams where the first finds nothing.
    sinograms : Tensor
        A few rows, shape ``(rows, views, columns)``.
    angles : Tensor
        Radians.
    scanner : Acquisition
        Of these sinograms.

    Returns
    -------
    estimate : CenterEstimate
    method : str
        Which method found it.

    Raises
    ------
    DataError
        If it is not found, or "moments" is asked for a fan.
    """
    if method == "moments" and scanner.beam != "parallel":
        raise DataError("centre of rotation: the moments are those of parallel beams; try opposite")
    if method == "auto" and scanner.beam == "parallel":
        try:
            return find_center(sinograms, angles), "moments"
        except DataError:
            if np.ptp(angles.numpy()) < _FULL_TURN:
                raise
    search = {"moments": _moments, "sharpest": _sharpest}.get(method, find_center_opposite)
    estimate = search(sinograms, angles, scanner)
    return estimate, method if method in ("moments", "sharpest") else "opposite"


def _moments(sinograms: Tensor, angles: Tensor, scanner: Acquisition) -> CenterEstimate:
    return find_center(sinograms, angles)


def _sharpest(sinograms: Tensor, angles: Tensor, scanner: Acquisition) -> CenterEstimate:
    columns = sinograms.shape[-1]
    side = min(columns, _IMAGE)
    spacing = scanner.pixel_size / scanner.magnification * columns / side
    volume = Volume((side, side), spacing=spacing)
    middle = sinograms[len(sinograms) // 2]

    def reconstruct(center: float) -> Tensor:
        A = Projector(volume, scanner.scan(angles, columns, center))
        return fbp(A, middle)

    reach = max(_LEAST_REACH, _REACH * columns)
    return find_center_sharpest(reconstruct, scanner.center(columns), reach)
