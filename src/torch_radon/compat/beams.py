"""The two-dimensional projectors of version 2 of TorchRadon."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from torch_radon.analytic.filters import Filter
from torch_radon.compat.noise import Noisy
from torch_radon.compat.operator import TorchRadonOperator
from torch_radon.compat.remember import remember
from torch_radon.compat.volumes import Volume2D
from torch_radon.geometry import Scan, fan_beam, parallel_beam
from torch_radon.geometry.validation import as_count, as_finite, as_length, float_array
from torch_radon.linear import LinearOperator

VolumeLike = Volume2D | int | tuple[int, int] | None


class SizedByInput(Noisy, LinearOperator):
    """A projector whose images have the size of what it is given, unless its volume has one.

    Parameters
    ----------
    angles, volume
        See `ParallelBeam`.
    det_count : int
    magnification : float
        Of the rotation axis.
    """

    operator: TorchRadonOperator | None

    def __init__(
        self, angles: ArrayLike, det_count: int, volume: VolumeLike, magnification: float = 1.0
    ) -> None:
        views = _angles(angles)
        LinearOperator.__init__(self, (), (len(views), as_count("det_count", det_count)))
        Noisy.__init__(self)
        self.angles = torch.from_numpy(views)
        self.det_count = int(det_count)
        self.volume = _volume(volume)
        self._magnification = magnification
        self._is_sized = self.volume.has_size()
        self.operator = None

    @abstractmethod
    def _scan(self, angles: NDArray[np.float64]) -> Scan:
        """Make the rays of some views."""
        raise NotImplementedError

    def _check(self) -> None:
        """Refuse bad angles now, and not with the first image."""
        self._scan(self.angles.numpy())

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """``(H, W)`` of the volume; a ValueError as long as there is no size."""
        return self.volume.to_volume().shape

    def forward(self, x: Tensor, angles: ArrayLike | None = None) -> Tensor:
        """Project images.

        Parameters
        ----------
        x : Tensor, shape (..., H, W)
            float64, float32, float16 or bfloat16, with any strides, on any device.
        angles : array_like, shape (views,), optional
            For this call in place of the angles of the object; a tensor on a GPU is waited for.

        Returns
        -------
        Tensor, shape (..., views, det_count)
            Line integrals, in the type of `x`; at least float32 under autocast. Differentiable.

        Raises
        ------
        TypeError
            If `x` is not a tensor of one of these types.
        ValueError
            If it has no two dimensions, or not the size of a volume that was given one.
        """
        if not isinstance(x, Tensor):
            raise TypeError(f"x must be a torch.Tensor, got {type(x).__name__}")
        if x.ndim < 2:
            raise ValueError(f"x must have shape (..., H, W), got {tuple(x.shape)}")
        if not self._is_sized and (self.volume.height, self.volume.width) != x.shape[-2:]:
            self.volume.set_size(*x.shape[-2:])
        return self._operator(x.device, angles)(x)

    def backprojection(
        self,
        sinogram: Tensor,
        angles: ArrayLike | None = None,
        volume: Volume2D | None = None,
    ) -> Tensor:
        """Apply the exact transpose of the forward projection.

        Of what a fan's `filter_sinogram` returned, the second half of filtered backprojection.

        Parameters
        ----------
        sinogram : Tensor, shape (..., views, det_count)
            As in `forward`.
        angles : array_like, shape (views,), optional
            As in `forward`.
        volume : Volume2D, optional
            For this call in place of the volume of the object.

        Returns
        -------
        Tensor, shape (..., H, W)

        Raises
        ------
        TypeError
            If `sinogram` is not a tensor of real floating-point numbers.
        ValueError
            If its shape is wrong, or the size of the image is not known: call `forward` first, or
            give the volume a size.
        """
        device = sinogram.device if isinstance(sinogram, Tensor) else None
        return self._operator(device, angles, volume).backprojection(sinogram)

    def backward(
        self,
        sinogram: Tensor,
        angles: ArrayLike | None = None,
        volume: Volume2D | None = None,
    ) -> Tensor:
        """Another name of `backprojection`.

        Parameters
        ----------
        sinogram, angles, volume
            As there.

        Returns
        -------
        Tensor, shape (..., H, W)
        """
        return self.backprojection(sinogram, angles, volume)

    def filter_sinogram(
        self, sinogram: Tensor, filter_name: Filter = "ramp", angles: ArrayLike | None = None
    ) -> Tensor:
        """Filter projections, so that their `backprojection` is the image.

        Parameters
        ----------
        sinogram, filter_name
            As in `Radon.filter_sinogram`.
        angles : array_like, shape (views,), optional
            As in `forward`.

        Returns
        -------
        Tensor, shape of `sinogram`

        Raises
        ------
        TypeError, ValueError
            As `Radon.filter_sinogram` raises them.
        """
        # The filter knows nothing of the image, so that any size will do.
        volume = None if self.volume.has_size() else _smallest(self.volume)
        device = sinogram.device if isinstance(sinogram, Tensor) else None
        return self._operator(device, angles, volume).filter_sinogram(sinogram, filter_name)

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self._operator(x.device)._apply_batch(x)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._operator(y.device)._adjoint_batch(y)

    def _operator(
        self,
        device: torch.device | None,
        angles: ArrayLike | None = None,
        volume: Volume2D | None = None,
    ) -> TorchRadonOperator:
        kept, grid = self.operator, self.volume if volume is None else volume
        if angles is None and kept is not None and grid.describes(kept.projector.volume):
            return kept
        views = self.angles.numpy() if angles is None else _angles(angles)
        geometry = grid.to_volume(), self._scan(views), self._magnification
        if angles is not None or volume is not None:
            return _remembered(*geometry)
        with torch.inference_mode(False):
            # A part of this module, so that `.to` and `torch.compile` reach it.
            self.operator = TorchRadonOperator(*geometry).to(device)
        return self.operator


class ParallelBeam(SizedByInput):
    """Parallel beam, as version 2 of TorchRadon has it.

    The geometry is that of `Radon`; lengths are in the unit of the pixels' size.

    Parameters
    ----------
    det_count : int
        Number of rays a view.
    angles : array_like, shape (views,), or tuple
        Radians, taken in float64. A tuple of three is ``(start, end, views)``, without the end.
    det_spacing : float, default 1.0
        Distance between neighbouring rays.
    volume : Volume2D, int or tuple of int, optional
        The image grid; or its size, one number for squares or ``(H, W)``. By default, and with a
        `Volume2D` without size, images have the size of what `forward` is given.

    Attributes
    ----------
    angles : Tensor
        All of them, float64, on the CPU.
    volume : Volume2D
    det_count, det_spacing
        As given.

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
    >>> from torch_radon import ParallelBeam
    >>> radon = ParallelBeam(96, (0, np.pi, 60))
    >>> sinogram = radon.forward(torch.ones(4, 64, 80))
    >>> sinogram.shape, radon.backward(sinogram).shape
    (torch.Size([4, 60, 96]), torch.Size([4, 64, 80]))
    """

    def __init__(
        self,
        det_count: int,
        angles: ArrayLike,
        det_spacing: float = 1.0,
        volume: VolumeLike = None,
    ) -> None:
        super().__init__(angles, det_count, volume)
        self.det_spacing = as_length("det_spacing", det_spacing)
        self._check()

    def _scan(self, angles: NDArray[np.float64]) -> Scan:
        return parallel_beam(angles, self.det_count, self.det_spacing)


class FanBeam(SizedByInput):
    """Fan beam with a flat detector, as version 2 of TorchRadon has it.

    The geometry is that of `RadonFanbeam`; lengths are in the unit of the pixels' size.

    Parameters
    ----------
    det_count : int
        Number of rays a view.
    angles : array_like, shape (views,), or tuple
        As in `ParallelBeam`.
    src_dist : float, optional
        From the source to the rotation axis, by default `det_count`.
    det_dist : float, optional
        From the rotation axis to the detector, by default `src_dist`.
    det_spacing : float, optional
        Distance between neighbouring rays on the detector, by default the magnification
        ``(src_dist + det_dist) / src_dist``.
    volume : Volume2D, int or tuple of int, optional
        As in `ParallelBeam`.

    Attributes
    ----------
    angles : Tensor
        All of them, float64, on the CPU.
    volume : Volume2D
    det_count, src_dist, det_dist, det_spacing
        As given, with defaults filled in.

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
    >>> from torch_radon import FanBeam
    >>> radon = FanBeam(96, (0, 2 * np.pi, 90), src_dist=150.0, det_dist=75.0)
    >>> radon.det_spacing, radon.forward(torch.ones(64, 64)).shape
    (1.5, torch.Size([90, 96]))
    """

    def __init__(
        self,
        det_count: int,
        angles: ArrayLike,
        src_dist: float | None = None,
        det_dist: float | None = None,
        det_spacing: float | None = None,
        volume: VolumeLike = None,
    ) -> None:
        source = as_length("src_dist", det_count if src_dist is None else src_dist)
        detector = as_finite("det_dist", source if det_dist is None else det_dist)
        if detector < 0:
            raise ValueError(f"det_dist must be 0 or positive, got {detector}")
        magnification = (source + detector) / source
        super().__init__(angles, det_count, volume, magnification)
        self.src_dist, self.det_dist = source, detector
        spacing = magnification if det_spacing is None else det_spacing
        self.det_spacing = as_length("det_spacing", spacing)
        self._check()

    def _scan(self, angles: NDArray[np.float64]) -> Scan:
        return fan_beam(
            angles,
            self.det_count,
            self.det_spacing,
            source_distance=self.src_dist,
            detector_distance=self.det_dist,
        )


_remembered = remember(TorchRadonOperator)


def _angles(angles: ArrayLike) -> NDArray[np.float64]:
    if isinstance(angles, tuple) and len(angles) == 3:
        start, end, views = angles
        return np.linspace(
            as_finite("angles", start),
            as_finite("angles", end),
            as_count("angles", views),
            endpoint=False,
        )
    return float_array("angles", angles)


def _volume(volume: VolumeLike) -> Volume2D:
    if volume is None:
        return Volume2D()
    if isinstance(volume, Volume2D):
        return volume
    size = volume if isinstance(volume, tuple) else (volume, volume)
    if len(size) != 2:
        raise ValueError(f"volume must be a Volume2D, an integer or (H, W), got {volume!r}")
    sized = Volume2D()
    sized.set_size(*size)
    return sized


def _smallest(volume: Volume2D) -> Volume2D:
    one = Volume2D(volume.center, volume.voxel_size)
    one.set_size(1, 1)
    return one
