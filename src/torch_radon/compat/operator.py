"""A projector with TorchRadon's methods, which follows its data to their device."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_radon.analytic.filters import Filter
from torch_radon.compat.circle import Circle
from torch_radon.compat.filtered import (
    FilteredSinogram,
    filter_fan,
    filter_parallel,
    reconstruct_fan,
)
from torch_radon.compat.orientation import against_rows
from torch_radon.compat.remember import remember
from torch_radon.geometry import Scan, Volume
from torch_radon.linear import LinearOperator
from torch_radon.linear.operator import Composition
from torch_radon.projectors import Projector


class TorchRadonOperator(LinearOperator):
    """A `Projector` with TorchRadon's orientation and methods.

    It works on the device of what it is given: scripts need no ``.to(device)``, which only says
    where the tables are held ready.

    Parameters
    ----------
    volume : Volume
    scan : Scan
        With y against the row index, as TorchRadon has it.
    magnification : float, default 1.0
        Of the rotation axis.
    radius : float, optional
        Of the circle in world units outside of which images count as 0.
    """

    operator: LinearOperator

    def __init__(
        self,
        volume: Volume,
        scan: Scan,
        magnification: float = 1.0,
        radius: float | None = None,
    ) -> None:
        super().__init__(volume.shape, scan.shape)
        self._geometry = (volume, against_rows(scan), radius)
        self._magnification = magnification
        self.operator = _make(*self._geometry)

    @property
    def projector(self) -> Projector:
        """The projector without the circle, for the rest of the library.

        Its scan is this one with y along the row index, as everywhere else.
        """
        operator = self.operator
        part = operator.left if isinstance(operator, Composition) else operator
        assert isinstance(part, Projector)
        return part

    def backprojection(self, sinogram: Tensor) -> Tensor:
        """Apply the exact transpose of the forward projection.

        Of what a fan's `filter_sinogram` returned, the second half of filtered backprojection.

        Parameters
        ----------
        sinogram : Tensor, shape (..., views, det_count)
            float64, float32, float16 or bfloat16, with any strides, on any device.

        Returns
        -------
        Tensor, shape (..., H, W)
            Type of `sinogram`; at least float32 under autocast. Differentiable.

        Raises
        ------
        TypeError
            If `sinogram` is not a tensor of one of these types.
        ValueError
            If its shape is wrong.
        """
        if not isinstance(sinogram, FilteredSinogram):
            return self.T(sinogram)
        volume, scan, _ = self._geometry
        image = reconstruct_fan(sinogram, volume, scan, self._magnification)
        operator = self._on(image.device)
        return operator.right(image) if isinstance(operator, Composition) else image

    def backward(self, sinogram: Tensor) -> Tensor:
        """Another name of `backprojection`.

        Parameters
        ----------
        sinogram : Tensor, shape (..., views, det_count)

        Returns
        -------
        Tensor, shape (..., H, W)
        """
        return self.backprojection(sinogram)

    def filter_sinogram(self, sinogram: Tensor, filter_name: Filter = "ramp") -> Tensor:
        """Filter projections, so that their `backprojection` is the image.

        Parameters
        ----------
        sinogram : Tensor, shape (..., views, det_count)
            As for `backprojection`.
        filter_name : str, default "ramp"
            "ramp" (or "ram-lak"), "shepp-logan", "cosine", "hamming", "hann", or anything else
            that `analytic.filter_response` takes.

        Returns
        -------
        Tensor, shape of `sinogram`
            Of a parallel beam every view counts pi / views, as if they covered half a turn. Rays
            of a fan have the weights of its filtered backprojection, whatever turn the views
            cover. Type of `sinogram`, differentiable.

        Raises
        ------
        TypeError
            If `sinogram` is not a tensor of real floating-point numbers.
        ValueError
            If its shape is wrong or the filter unknown.
        """
        volume, scan, _ = self._geometry
        if not isinstance(sinogram, Tensor):
            raise TypeError(f"sinogram must be a torch.Tensor, got {type(sinogram).__name__}")
        if sinogram.shape[-2:] != scan.shape:
            wanted = ", ".join(map(str, scan.shape))
            raise ValueError(
                f"sinogram must have shape (..., {wanted}), got {tuple(sinogram.shape)}"
            )
        if scan.beam == "parallel":
            return filter_parallel(sinogram, filter_name, volume)
        return filter_fan(sinogram, filter_name, scan, self._magnification)

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self._on(x.device)._apply_batch(x)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._on(y.device)._adjoint_batch(y)

    def _on(self, device: torch.device) -> LinearOperator:
        if device == self.projector._views.device:
            return self.operator
        return _elsewhere(*self._geometry, device)


def _make(volume: Volume, scan: Scan, radius: float | None) -> LinearOperator:
    projector = Projector(volume, scan)
    return projector if radius is None else projector @ Circle(volume, radius)


@remember
def _elsewhere(
    volume: Volume, scan: Scan, radius: float | None, device: torch.device
) -> LinearOperator:
    return _make(volume, scan, radius).to(device)
