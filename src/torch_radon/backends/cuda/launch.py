"""From tensors to kernels and back: packing and launching on the tensor's device and stream."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from torch_radon.backends.cuda.families import (
    FAMILIES,
    MODULES,
    PACK_MODULES,
    PACKS,
    RAY_WEIGHTS,
    RAY_WEIGHTS_TENSOR,
    ROW_BLOCK,
    results,
)
from torch_radon.backends.cuda.layout import Layout, choose
from torch_radon.backends.cuda.runtime import Kernel, on_device
from torch_radon.backends.interface import Geometry2D, Prepared
from torch_radon.geometry.grid import BEAMS


class _Plan(NamedTuple):
    """What a call needs beside its tensors, the same for every call of its kind."""

    pack: Kernel
    pack_grid: tuple[int, int, int]
    pack_block: tuple[int, int, int]
    pack_copies: bool  # whether it takes a place for transposed copies
    workspace: int  # bytes of the packed copies and the table of rays
    second: int  # bytes to the kernel's second source in it, the transposed copy or the table
    table: Kernel | None  # what fills the table, if there is one
    table_grid: tuple[int, int, int]
    kernel: Kernel
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    numbers: tuple[float | int, ...]  # the kernels' GEOMETRY after `views`


def has_tensor_cores(device: torch.device) -> bool:
    """Whether a device multiplies matrices in half precision, bfloat16 included."""
    return torch.cuda.get_device_capability(device) >= (8, 0)


def _fastest(
    name: str, device: torch.device, storage: torch.dtype, result: torch.dtype, batch: int
) -> tuple[str, Layout]:
    """Return a kernel of that purpose and its layout."""
    names = [name]
    tensor = f"{name}_tensor"
    # They are as exact as a result that is rounded to half precision needs.
    fits = tensor in FAMILIES and result == storage and storage in FAMILIES[tensor].layouts
    if fits and has_tensor_cores(device):
        names.append(tensor)
    return choose({name: FAMILIES[name].layouts[storage] for name in names}, batch)


def _plan(
    name: str,
    device: torch.device,
    storage: torch.dtype,
    result: torch.dtype,
    data_shape: tuple[int, ...],
    geometry: tuple[str, int, int, int, int],
    spacing: tuple[float, float],
) -> _Plan:
    beam, views, columns, height, width = geometry
    batch, lines, pixels = data_shape
    name, layout = _fastest(name, device, storage, result, batch)
    family = FAMILIES[name]
    packing = family.packing
    items = packing.items(layout)
    groups = -(-batch // layout.items) * (layout.items // items)
    transposed = family.second == "transposed"
    size = groups * lines * packing.pitch(pixels) * items * storage.itemsize
    # Packs are read 16 bytes at a time.
    size += -size % 16
    other, table, line = 0, None, columns
    if transposed:
        other = groups * pixels * packing.pitch(lines) * items * storage.itemsize
    if family.second == "rays":
        if family.warp:
            table = RAY_WEIGHTS_TENSOR.get("ray_weights_tensor", device)
            line = packing.pitch(columns)
        else:
            number = "double" if storage == torch.float64 else "float"
            table = RAY_WEIGHTS.get(f"ray_weights<{number}>", device)
        other = views * line * (16 if storage == torch.float64 else 8)
    down, across = (views, columns) if transposed else (height, width)
    return _Plan(
        PACK_MODULES[packing].get(packing.name(storage, items, transposed), device),
        packing.grid(storage, items, groups, lines, pixels),
        packing.block(items),
        packing == PACKS,
        size + other,
        size if other else 0,
        table,
        (views, -(-line // ROW_BLOCK[0]), 1),
        MODULES[name].get(family.name(name, layout, storage, result), device),
        family.grid(layout, batch, down, across),
        family.block(layout),
        (*spacing, BEAMS.index(beam), views, columns, height, width, batch),
    )


def joseph_2d(image: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Tensor:
    """See `Backend.joseph_2d`."""
    return prepare("joseph_2d", image, geometry, out_dtype)(image, geometry.views)


def joseph_2d_adjoint(sinogram: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Tensor:
    """See `Backend.joseph_2d_adjoint`."""
    return prepare("joseph_2d_adjoint", sinogram, geometry, out_dtype)(sinogram, geometry.views)


def backproject_2d(sinogram: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Tensor:
    """See `Backend.backproject_2d`."""
    return prepare("backproject_2d", sinogram, geometry, out_dtype)(sinogram, geometry.views)


def backproject_2d_adjoint(image: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Tensor:
    """See `Backend.backproject_2d_adjoint`."""
    return prepare("backproject_2d_adjoint", image, geometry, out_dtype)(image, geometry.views)


def prepare(kernel: str, data: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Prepared:
    """See `Backend.prepare`."""
    views, beam, (height, width), columns, (spacing_y, spacing_x) = geometry
    return _call(
        _family_name(kernel, beam),
        data.device,
        data.dtype,
        out_dtype,
        data.shape,
        (beam, views.shape[0], columns, height, width),
        (spacing_y, spacing_x),
    )


def _family_name(kernel: str, beam: str) -> str:
    match kernel:
        case "joseph_2d":
            return "forward"
        case "joseph_2d_adjoint":
            return f"adjoint_{beam}"
        case "backproject_2d":
            return f"backproject_{'parallel' if beam == 'parallel' else 'fan'}"
    return "backproject_adjoint"


class _Call:
    """A kernel for data of one kind: all that is known before there are data.

    What a call does on the host is in `__call__`: a GPU takes no longer for a small image.
    """

    __slots__ = (
        "_out_dtype",
        "_plan",
        "_result_dtype",
        "_result_shape",
        "_single",
        "_sizes",
        "_storage",
        "_workspace",
    )

    def __init__(
        self,
        name: str,
        device: torch.device,
        dtype: torch.dtype,
        out_dtype: torch.dtype,
        data_shape: tuple[int, ...],
        geometry: tuple[str, int, int, int, int],
        spacing: tuple[float, float],
    ) -> None:
        self._single = len(data_shape) == 2
        self._sizes = (1, *data_shape) if self._single else tuple(data_shape)
        self._storage = torch.float64 if out_dtype == torch.float64 else dtype
        writes = results(self._storage)
        self._result_dtype = out_dtype if out_dtype in writes else writes[-1]
        self._out_dtype = out_dtype
        _, views, columns, height, width = geometry
        to_sinogram = FAMILIES[name].second == "transposed"
        shape = (views, columns) if to_sinogram else (height, width)
        self._result_shape = shape if self._single else (self._sizes[0], *shape)
        self._plan = None
        if all(self._sizes) and all(shape):
            self._plan = _plan(
                name, device, self._storage, self._result_dtype, self._sizes, geometry, spacing
            )
            self._workspace = -(-self._plan.workspace // self._storage.itemsize)

    def __call__(self, data: Tensor, views: Tensor) -> Tensor:
        plan = self._plan
        if data.dtype != self._storage:
            data = data.to(self._storage)
        # Numbers rather than tuples of them, which cost PyTorch half a microsecond more to read.
        result = data.new_empty(*self._result_shape, dtype=self._result_dtype)
        if plan is None:
            return result.to(self._out_dtype)
        strides = (0, *data.stride()) if self._single else data.stride()
        with on_device(data.device) as stream:
            workspace = data.new_empty(self._workspace)
            first = workspace.data_ptr()
            second = first + plan.second
            table, target = views.data_ptr(), result.data_ptr()
            copies = (first, second) if plan.pack_copies else (first,)
            plan.pack.launch(
                plan.pack_grid,
                plan.pack_block,
                stream,
                data.data_ptr(),
                *strides,
                *self._sizes,
                *copies,
            )
            if plan.table is not None:
                plan.table.launch(plan.table_grid, ROW_BLOCK, stream, table, *plan.numbers, second)
            sources = (first, second) if plan.second else (first,)
            plan.kernel.launch(
                plan.grid, plan.block, stream, *sources, table, *plan.numbers, target
            )
        return result if self._result_dtype == self._out_dtype else result.to(self._out_dtype)


# One for all who ask alike: they cost more to make than to find.
_call = lru_cache(maxsize=256)(_Call)
