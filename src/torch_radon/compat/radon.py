"""The projectors of version 1 of TorchRadon."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from numpy.typing import ArrayLike

from torch_radon.compat.noise import Noisy
from torch_radon.compat.operator import TorchRadonOperator
from torch_radon.geometry import Volume, fan_beam, parallel_beam
from torch_radon.geometry.validation import as_count, as_finite, as_length, float_array


class Radon(Noisy, TorchRadonOperator):
    r"""Parallel beam, as version 1 of TorchRadon has it.

    .. math:: (A x)(t, s) = \int x, \qquad s = x \cos t + y \sin t

    along the lines of constant s, with the origin in the middle of the image, x along the column
    index and y **against** the row index. Lengths are in pixels. ``radon.forward`` and
    ``radon.backprojection`` are exact transposes of each other.

    Parameters
    ----------
    resolution : int or tuple of int
        Size of the images, one number for squares or ``(H, W)``.
    angles : array_like, shape (views,)
        Radians, any number of them; taken in float64.
    det_count : int, default -1
        Number of rays a view; the width of the images if it is not positive.
    det_spacing : float, default 1.0
        Distance between neighbouring rays in pixels.
    clip_to_circle : bool, default False
        Count pixels as 0 whose centre is further from the middle than half the detector's
        width, ``det_count * det_spacing / 2``.

    Attributes
    ----------
    resolution, det_count, det_spacing, clip_to_circle
        As given, with defaults filled in.
    angles : Tensor
        As given, float64, on the CPU.
    projector : Projector
        The same for the rest of the library, for example ``tr.fbp(radon.projector, y)``; it knows
        nothing of the circle.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If one is not finite or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from torch_radon import Radon
    >>> radon = Radon(64, np.linspace(0, np.pi, 90, endpoint=False))
    >>> sinogram = radon.forward(torch.ones(2, 3, 64, 64))
    >>> sinogram.shape
    torch.Size([2, 3, 90, 64])
    >>> radon.backprojection(radon.filter_sinogram(sinogram)).shape
    torch.Size([2, 3, 64, 64])
    """

    def __init__(
        self,
        resolution: int | Sequence[int],
        angles: ArrayLike,
        det_count: int = -1,
        det_spacing: float = 1.0,
        clip_to_circle: bool = False,
    ) -> None:
        volume = _volume(resolution)
        columns = _columns(det_count, volume)
        spacing = as_length("det_spacing", det_spacing)
        scan = parallel_beam(angles, columns, spacing)
        radius = columns * spacing / 2 if clip_to_circle else None
        TorchRadonOperator.__init__(self, volume, scan, radius=radius)
        Noisy.__init__(self)
        self.resolution, self.clip_to_circle = resolution, bool(clip_to_circle)
        self.angles = torch.from_numpy(float_array("angles", angles))
        self.det_count, self.det_spacing = columns, spacing


class RadonFanbeam(Noisy, TorchRadonOperator):
    r"""Fan beam with a flat detector, as version 1 of TorchRadon has it.

    At the angle t the source is at :math:`(\sin t, -\cos t)\,` `source_distance` and the detector
    runs along :math:`(\cos t, \sin t)`, with x along the column index and y **against** the row
    index. Lengths are in pixels. ``radon.forward`` and ``radon.backprojection`` are exact
    transposes of each other.

    Parameters
    ----------
    resolution : int or tuple of int
        Size of the images, one number for squares or ``(H, W)``.
    angles : array_like, shape (views,)
        Radians, any number of them; taken in float64.
    source_distance : float
        From the source to the middle of the image.
    det_distance : float, default -1
        From the middle of the image to the detector; `source_distance` if it is negative.
    det_count : int, default -1
        Number of rays a view; the width of the images if it is not positive.
    det_spacing : float, default -1
        Distance between neighbouring rays on the detector; the magnification
        ``(source_distance + det_distance) / source_distance`` if it is negative, so that rays
        are a pixel apart in the middle of the image.
    clip_to_circle : bool, default False
        Count pixels as 0 whose centre is further from the middle than half of what the detector
        covers there, ``det_count * det_spacing / magnification / 2``.

    Attributes
    ----------
    resolution, source_distance, det_distance, det_count, det_spacing, clip_to_circle
        As given, with defaults filled in.
    angles : Tensor
        As given, float64, on the CPU.
    projector : Projector
        The same for the rest of the library, for example ``tr.fbp(radon.projector, y)``; it knows
        nothing of the circle.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If one is not finite or out of range, or the source lies inside the image.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from torch_radon import RadonFanbeam
    >>> radon = RadonFanbeam(64, np.linspace(0, 2 * np.pi, 120, endpoint=False), 100.0)
    >>> radon.det_distance, radon.det_spacing
    (100.0, 2.0)
    >>> radon.forward(torch.ones(64, 64)).shape
    torch.Size([120, 64])
    """

    def __init__(
        self,
        resolution: int | Sequence[int],
        angles: ArrayLike,
        source_distance: float,
        det_distance: float = -1,
        det_count: int = -1,
        det_spacing: float = -1,
        clip_to_circle: bool = False,
    ) -> None:
        volume = _volume(resolution)
        columns = _columns(det_count, volume)
        source = as_length("source_distance", source_distance)
        detector = as_finite("det_distance", det_distance)
        if detector < 0:
            detector = source
        magnification = (source + detector) / source
        spacing = as_finite("det_spacing", det_spacing)
        spacing = magnification if spacing < 0 else as_length("det_spacing", spacing)
        scan = fan_beam(
            angles, columns, spacing, source_distance=source, detector_distance=detector
        )
        radius = columns * spacing / magnification / 2 if clip_to_circle else None
        TorchRadonOperator.__init__(self, volume, scan, magnification, radius)
        Noisy.__init__(self)
        self.resolution, self.clip_to_circle = resolution, bool(clip_to_circle)
        self.angles = torch.from_numpy(float_array("angles", angles))
        self.source_distance, self.det_distance = source, detector
        self.det_count, self.det_spacing = columns, spacing


def _volume(resolution: int | Sequence[int]) -> Volume:
    if not isinstance(resolution, Sequence):
        side = as_count("resolution", resolution)
        return Volume((side, side))
    if len(resolution) != 2:
        raise ValueError(f"resolution must be an integer or (H, W), got {resolution!r}")
    height, width = resolution
    return Volume((as_count("resolution", height), as_count("resolution", width)))


def _columns(det_count: int, volume: Volume) -> int:
    if not hasattr(det_count, "__index__") or isinstance(det_count, bool):
        raise TypeError(f"det_count must be an integer, got {det_count!r}")
    return int(det_count) if det_count > 0 else volume.shape[1]
