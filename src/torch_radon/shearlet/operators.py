"""The operators ``torch_radon::shearlet_2d`` and its adjoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from torch_radon.backends.shearlets import RUN_SIZE, Tables
from torch_radon.linear.library import register_pair
from torch_radon.linear.operator import DTYPES
from torch_radon.shearlet import spectral

_SCHEMA = (
    "(Tensor data, Tensor values, Tensor source, Tensor target, Tensor entries, Tensor starts, "
    "Tensor roots, int[] runs, int[] shape, bool real, ScalarType out_dtype) -> Tensor"
)


def _image_shape(data: Tensor, *arguments: Any) -> tuple[int, ...]:
    *_, shape, _ = arguments
    return tuple(shape)


def _coefficients_shape(data: Tensor, *arguments: Any) -> tuple[int, ...]:
    *_, runs, shape, real = arguments
    return (len(runs) // RUN_SIZE, *shape, *(() if real else (2,)))


def _kernel(name: str, input_shape: Callable[..., tuple[int, ...]]) -> Callable[..., Tensor]:
    def kernel(
        data: Tensor,
        values: Tensor,
        source: Tensor,
        target: Tensor,
        entries: Tensor,
        starts: Tensor,
        roots: Tensor,
        runs: list[int],
        shape: list[int],
        real: bool,
        out_dtype: torch.dtype,
    ) -> Tensor:
        tables = Tables(values, source, target, entries, starts, roots, list(runs))
        # An operator that is called directly is checked here.
        wanted = input_shape(data, *tables, shape, real)
        if data.ndim != 1 + len(wanted) or tuple(data.shape[1:]) != wanted:
            sizes = ", ".join(map(str, wanted))
            raise ValueError(f"data must have shape (N, {sizes}), got {tuple(data.shape)}")
        if data.dtype not in DTYPES or out_dtype not in DTYPES:
            raise TypeError(
                f"data and out_dtype must be floating-point, got {data.dtype} and {out_dtype}"
            )
        _check_tables(data, tables, shape)
        way = spectral
        if data.device.type == "cuda":
            from torch_radon.backends.cuda import shearlet as fused

            way = fused if fused.supports(values.dtype, shape, real) else spectral
        return getattr(way, name)(data, tables, (shape[0], shape[1]), real, out_dtype)

    return kernel


def _check_tables(data: Tensor, tables: Tables, shape: list[int]) -> None:
    """Raise if the tables cannot belong together; what they say is trusted."""
    if tables.values.dtype not in (torch.int32, torch.int64):
        raise TypeError(
            f"values must be the bits of numbers, int32 or int64, got {tables.values.dtype}"
        )
    count, filters = tables.values.numel(), len(tables.runs) // RUN_SIZE
    sizes: dict[str, tuple[int, ...]] = {
        "values": (count,),
        "source": (count,),
        "target": (count,),
        "entries": (tables.entries.numel(),),
        "starts": (filters + 1, 2),
        "roots": (sum(shape), 2),
    }
    for name, size in sizes.items():
        table: Tensor = getattr(tables, name)
        if table.device != data.device:
            raise ValueError(f"{name} must be on {data.device} like data, got {table.device}")
        if tuple(table.shape) != size or not table.is_contiguous():
            raise ValueError(
                f"{name} must be contiguous of shape {size}, got shape {tuple(table.shape)}"
            )
        if name != "values" and table.dtype != torch.int32:
            raise TypeError(f"{name} must be int32, got {table.dtype}")


shearlet_2d, shearlet_2d_adjoint = register_pair(
    "torch_radon::shearlet_2d",
    _SCHEMA,
    _kernel("analyse", _image_shape),
    _coefficients_shape,
    _kernel("synthesise", _coefficients_shape),
    _image_shape,
)
