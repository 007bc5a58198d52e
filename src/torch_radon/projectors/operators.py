"""The two-dimensional operators ``torch_radon::*``: what reaches the kernels, and in what form."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from torch_radon.backends import Backend, Geometry2D, backend_for
from torch_radon.geometry.grid import BEAMS, VIEW_SIZE
from torch_radon.linear.library import LinearKernel, register_pair
from torch_radon.linear.operator import DTYPES

_SCHEMA = (
    "(Tensor data, Tensor views, str beam, int[] shape, int columns, float[] spacing, "
    "ScalarType out_dtype) -> Tensor"
)


def _image_shape(
    data: Tensor, views: Tensor, beam: str, shape: list[int], columns: int, spacing: list[float]
) -> tuple[int, ...]:
    return tuple(shape)


def _sinogram_shape(
    data: Tensor, views: Tensor, beam: str, shape: list[int], columns: int, spacing: list[float]
) -> tuple[int, ...]:
    return (views.shape[0], columns)


def _kernel(name: str, input_shape: Callable[..., tuple[int, ...]]) -> Callable[..., Tensor]:
    """Make the implementation of an operator that finds the kernel of that name for its data."""

    def kernel(
        data: Tensor,
        views: Tensor,
        beam: str,
        shape: list[int],
        columns: int,
        spacing: list[float],
        out_dtype: torch.dtype,
    ) -> Tensor:
        # The kernels trust their sizes: an operator that is called directly is checked here.
        _check_geometry(data, views, beam, shape, spacing)
        wanted = input_shape(data, views, beam, shape, columns, spacing)
        if data.ndim != 3 or data.shape[1:] != wanted:
            raise ValueError(f"data must have shape (N, *{wanted}), got {tuple(data.shape)}")
        backend: Backend = backend_for(data.device.type)
        if data.dtype not in DTYPES or out_dtype not in DTYPES:
            raise TypeError(
                f"data and out_dtype must be floating-point, got {data.dtype} and {out_dtype}"
            )
        geometry = Geometry2D(views, beam, shape, columns, spacing)
        return getattr(backend, name)(data, geometry, out_dtype)

    return kernel


def _check_geometry(
    data: Tensor, views: Tensor, beam: str, shape: list[int], spacing: list[float]
) -> None:
    if views.ndim != 2 or views.shape[1] != VIEW_SIZE or views.dtype != torch.int64:
        raise ValueError(
            f"views must be int64 of shape (V, {VIEW_SIZE}), got {views.dtype} of shape "
            f"{tuple(views.shape)}"
        )
    if views.device != data.device:
        raise ValueError(f"views must be on {data.device} like data, got {views.device}")
    if beam not in BEAMS:
        raise ValueError(f"beam must be one of {', '.join(BEAMS)}, got {beam!r}")
    if len(shape) != 2 or len(spacing) != 2:
        raise ValueError(f"shape and spacing must have two entries, got {shape} and {spacing}")


def _register(
    name: str,
    domain: Callable[..., tuple[int, ...]],
    codomain: Callable[..., tuple[int, ...]],
) -> tuple[LinearKernel, LinearKernel]:
    return register_pair(
        f"torch_radon::{name}",
        _SCHEMA,
        _kernel(name, domain),
        codomain,
        _kernel(f"{name}_adjoint", codomain),
        domain,
    )


joseph_2d, joseph_2d_adjoint = _register("joseph_2d", _image_shape, _sinogram_shape)
backproject_2d, backproject_2d_adjoint = _register("backproject_2d", _sinogram_shape, _image_shape)
