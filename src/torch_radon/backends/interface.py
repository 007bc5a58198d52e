"""What every backend offers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor


class Geometry2D(NamedTuple):
    """A scan and an image grid as plain numbers and one tensor, ready for kernels.

    Attributes
    ----------
    views : Tensor, shape (V, 7), int64
        The float64 bits of `geometry.grid.view_table`, on the device of the data.
    beam : str
        ``"parallel"``, ``"flat"`` or ``"curved"``.
    shape : list of int
        ``(H, W)``.
    columns : int
        Number of detector columns C.
    spacing : list of float
        Pixel size ``(y, x)`` in world units.
    """

    views: Tensor
    beam: str
    shape: list[int]
    columns: int
    spacing: list[float]


# Data like those that a call was prepared for, and the views of the geometry, to the result.
Prepared = Callable[[Tensor, Tensor], Tensor]


class Backend(Protocol):
    """The kernels of one device type.

    Data come as a batch ``(N, H, W)`` of images or ``(N, V, C)`` of sinograms, of any N from 0 up
    and any strides, in float64, float32, float16 or bfloat16. Results are new, contiguous
    tensors on the same device in `out_dtype`. Arguments have been checked.
    """

    def joseph_2d(self, image: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Tensor:
        """Line integrals of the images by Joseph's method."""
        ...

    def joseph_2d_adjoint(
        self, sinogram: Tensor, geometry: Geometry2D, out_dtype: torch.dtype
    ) -> Tensor:
        """The exact transpose of `joseph_2d`."""
        ...

    def backproject_2d(
        self, sinogram: Tensor, geometry: Geometry2D, out_dtype: torch.dtype
    ) -> Tensor:
        """Pixel-driven backprojection with linear interpolation on the detector.

        The distance weight of a divergent beam is part of it: `projectors.Backprojector` has the
        formula.
        """
        ...

    def backproject_2d_adjoint(
        self, image: Tensor, geometry: Geometry2D, out_dtype: torch.dtype
    ) -> Tensor:
        """The exact transpose of `backproject_2d`."""
        ...

    def prepare(
        self, kernel: str, data: Tensor, geometry: Geometry2D, out_dtype: torch.dtype
    ) -> Prepared:
        """Prepare calls of the kernel of that name that will cost the host as little as can be.

        They are for data of the shape, type and device of `data`, which are a batch or one item
        without a batch, and for views on that device. What is returned keeps no tensor and may be
        called from many threads.
        """
        ...


_MODULES = {"cpu": "torch_radon.backends.cpu", "cuda": "torch_radon.backends.cuda"}


@cache
def backend_for(kind: str) -> Backend:
    """Return the backend of a type of devices; it is imported when it is first asked for.

    Raises
    ------
    NotImplementedError
        If no backend has kernels for the device.
    """
    module = _MODULES.get(kind)
    if module is None:
        raise NotImplementedError(
            f"device: torch_radon has kernels for {', '.join(_MODULES)}, got {kind!r}"
        )
    return cast(Backend, import_module(module))
