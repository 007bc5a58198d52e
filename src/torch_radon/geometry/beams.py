"""Constructors of two-dimensional scans about a rotation axis at the world's origin."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from torch_radon.geometry.scan import Scan
from torch_radon.geometry.validation import (
    as_length,
    as_not_negative,
    float_array,
    per_view,
)


def parallel_beam(
    angles: ArrayLike,
    columns: int,
    spacing: float = 1.0,
    *,
    detector_offset: ArrayLike = 0.0,
    axis_offset: ArrayLike = 0.0,
) -> Scan:
    r"""Scan with parallel rays.

    At angle :math:`t` rays run along :math:`(-\sin t, \cos t)` and the detector along
    :math:`u = (\cos t, \sin t)`: a point :math:`(x, y)` is seen at
    :math:`s = x \cos t + y \sin t`, column ``(columns - 1) / 2 + s / spacing``.

    Parameters
    ----------
    angles : array_like, shape (views,)
        Radians, in any order and with any gaps.
    columns : int
        Number of detector columns.
    spacing : float, default 1.0
        Distance between neighbouring columns in world units.
    detector_offset : float or array_like, shape (views,), default 0.0
        How far the detector is moved along +u, in world units.
    axis_offset : float or array_like, shape (views,), default 0.0
        Where the rotation axis is seen, in world units along +u from the detector's middle. A
        centre of rotation at column ``c`` is ``(c - (columns - 1) / 2) * spacing``. For a
        parallel beam it is a detector offset of the opposite sign.

    Returns
    -------
    Scan

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong kind or shape, is not finite, or is not positive where it
        must be.

    Examples
    --------
    >>> import numpy as np
    >>> scan = parallel_beam(np.linspace(0, np.pi, 4, endpoint=False), columns=5, spacing=0.5)
    >>> scan.shape
    (4, 5)
    >>> scan.to_vectors()[0]
    array([-0. ,  1. ,  0. ,  0. ,  0.5,  0. ])
    """
    t = _angles(angles)
    ray, u = _axes(t)
    offset = per_view("detector_offset", detector_offset, len(t)) - per_view(
        "axis_offset", axis_offset, len(t)
    )
    vectors = np.concatenate([ray, u * offset[:, None], u * as_length("spacing", spacing)], axis=1)
    return Scan.from_vectors(vectors, columns, "parallel")


def fan_beam(
    angles: ArrayLike,
    columns: int,
    spacing: float = 1.0,
    *,
    source_distance: float,
    detector_distance: float,
    curved: bool = False,
    detector_offset: ArrayLike = 0.0,
    axis_offset: ArrayLike = 0.0,
) -> Scan:
    r"""Scan with a point source and a flat or curved detector.

    At angle :math:`t` the source is at :math:`(\sin t, -\cos t)\,` `source_distance`, the
    detector's middle at :math:`(-\sin t, \cos t)\,` `detector_distance`, and a flat detector runs
    along :math:`u = (\cos t, \sin t)`. A curved detector is an arc about the source (equiangular).

    Parameters
    ----------
    angles : array_like, shape (views,)
        Radians, in any order and with any gaps.
    columns : int
        Number of detector columns.
    spacing : float, default 1.0
        Distance between neighbouring columns on the detector in world units; arc length on a
        curved detector.
    source_distance : float
        From the source to the rotation axis, in world units.
    detector_distance : float
        From the rotation axis to the detector, in world units; 0 puts it on the axis. Rays are
        followed to the end of the volume also where they pass the detector before.
    curved : bool, default False
        Whether the detector is an arc about the source.
    detector_offset : float or array_like, shape (views,), default 0.0
        How far the detector is moved along +u (along its arc if it is curved), in world units.
    axis_offset : float or array_like, shape (views,), default 0.0
        Distance along +u, in world units, from the line that leaves the source perpendicular to
        u, to the rotation axis: source and detector together are moved by it along -u.

    Returns
    -------
    Scan

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong kind or shape, is not finite, or is not positive where it
        must be, or if a curved detector spans more than the full circle.

    Examples
    --------
    >>> scan = fan_beam([0.0], 3, source_distance=10.0, detector_distance=5.0)
    >>> scan.to_vectors()
    array([[  0., -10.,  -0.,   5.,   1.,   0.]])
    """
    t = _angles(angles)
    ray, u = _axes(t)
    step = as_length("spacing", spacing)
    to_axis = as_length("source_distance", source_distance)
    beyond = as_not_negative("detector_distance", detector_distance)
    radius = to_axis + beyond
    offset = per_view("detector_offset", detector_offset, len(t))
    axis = u * per_view("axis_offset", axis_offset, len(t))[:, None]
    source = -ray * to_axis - axis
    if not curved:
        center = source + ray * radius + u * offset[:, None]
        return Scan.from_vectors(np.concatenate([source, center, u * step], axis=1), columns, "fan")
    # The offset runs along the arc, which turns the detector's middle and its tangent.
    ray, u = _axes(t - offset / radius)
    vectors = np.concatenate([source, source + ray * radius, u * step], axis=1)
    return Scan.from_vectors(vectors, columns, "fan", radius=radius)


def _angles(angles: ArrayLike) -> NDArray[np.float64]:
    t = float_array("angles", angles)
    if t.ndim != 1 or len(t) == 0:
        raise ValueError(f"angles must have shape (views,) with at least one view, got {t.shape}")
    return t


def _axes(t: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ray direction and u axis at the angles `t`, each of shape (views, 2)."""
    return np.stack([-np.sin(t), np.cos(t)], axis=1), np.stack([np.cos(t), np.sin(t)], axis=1)
