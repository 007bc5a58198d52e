"""From tensors to kernels and back: packing and launching on the tensor's device and stream."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from torch_radon.backends.cuda.layout import FAN, PIXELS, RAYS, Layout, Layouts, choose
from torch_radon.backends.cuda.runtime import Kernel, Module, on_device
from torch_radon.backends.interface import Geometry2D, Prepared
from torch_radon.geometry.grid import BEAMS

# C++ names of the types of data.
NAMES = {
    torch.float32: "float",
    torch.float64: "double",
    torch.float16: "__half",
    torch.bfloat16: "__nv_bfloat16",
}

# Zeros at both ends of a packed line, kPad in rays.cuh.
_PAD = 2

# Lines and pixels of a tile of pack.cu, kTile there.
_PACK_TILE = 16

# Threads of pack.cu and of ray_weights.
_ROW_BLOCK = (256, 1, 1)

# GEOMETRY in rays.cuh: views, spacing_y, spacing_x, beam, view_count, columns, height, width, batch
_GEOMETRY = "Pddiiiiii"


def _results(storage: torch.dtype) -> tuple[torch.dtype, ...]:
    """Types in which a kernel writes what it sums from a storage type."""
    if storage in (torch.float16, torch.bfloat16):
        return (storage, torch.float32)
    return (storage,)


class Family(NamedTuple):
    """A kernel in all its layouts.

    Attributes
    ----------
    source : str
        Its file.
    layouts : dict
        Of `layout`.
    template : tuple of str
        What its template takes of a layout or its tile, after the types.
    second : str, optional
        What its second source is: the ``"transposed"`` images, or a table of ``"rays"``.
    """

    source: str
    layouts: Layouts
    template: tuple[str, ...]
    second: str | None = None

    def name(self, kernel: str, layout: Layout, storage: torch.dtype, result: torch.dtype) -> str:
        """C++ name of an instantiation."""
        values = layout._asdict() | layout.tile._asdict()
        numbers = [str(values[key]) for key in self.template]
        return f"{kernel}<{', '.join([NAMES[storage], NAMES[result], *numbers])}>"

    def block(self, layout: Layout) -> tuple[int, int, int]:
        """Threads of a block."""
        split = layout.tile.split if "split" in self.template else 1
        return (layout.lanes * layout.tile.x, layout.tile.y, split)

    def grid(self, layout: Layout, batch: int, down: int, across: int) -> tuple[int, int, int]:
        """Blocks for a result of that size."""
        rows = layout.tile.rows if "rows" in self.template else 1
        x, y = layout.tile.x, layout.tile.y * rows
        return (-(-across // x), -(-down // y), -(-batch // layout.items))


_LANES = ("vec", "lanes", "packs", "x", "y")
_FAN = ("vec", "packs", "x", "y", "rows", "split")
FAMILIES = {
    "forward": Family("joseph_forward.cu", RAYS, (*_LANES, "split"), "transposed"),
    "adjoint_parallel": Family("joseph_adjoint_parallel.cu", PIXELS, (*_LANES, "rows", "split")),
    "adjoint_flat": Family("joseph_adjoint_flat.cu", FAN, _FAN, "rays"),
    "adjoint_curved": Family("joseph_adjoint_curved.cu", FAN, _FAN, "rays"),
    "backproject_parallel": Family("backproject_parallel.cu", PIXELS, (*_LANES, "rows", "split")),
    "backproject_fan": Family("backproject_fan.cu", FAN, _FAN),
    "backproject_adjoint": Family("backproject_adjoint.cu", RAYS, _LANES, "transposed"),
}


def _pack_name(storage: torch.dtype, items: int, transposed: bool) -> str:
    return f"pack<{NAMES[storage]}, {items}, {str(transposed).lower()}>"


_PACK = Module(
    "pack.cu",
    {
        _pack_name(storage, layout.vec * layout.lanes, transposed): "PqqqiiiPP"
        for family in FAMILIES.values()
        for storage, layouts in family.layouts.items()
        for layout in layouts
        for transposed in (False, True)
    },
)
_MODULES = {
    kernel: Module(
        family.source,
        {
            family.name(kernel, layout, storage, result): (
                f"{'PP' if family.second else 'P'}{_GEOMETRY}P"
            )
            for storage, layouts in family.layouts.items()
            for layout in layouts
            for result in _results(storage)
        },
    )
    for kernel, family in FAMILIES.items()
}
_RAY_WEIGHTS = Module(
    "ray_weights.cu",
    dict.fromkeys(("ray_weights<float>", "ray_weights<double>"), f"{_GEOMETRY}P"),
)


class _Plan(NamedTuple):
    """What a call needs beside its tensors, the same for every call of its kind."""

    pack: Kernel
    pack_grid: tuple[int, int, int]
    workspace: int  # bytes of the packed copies and the table of rays
    second: int  # bytes to the kernel's second source in it, the transposed copy or the table
    table: Kernel | None  # what fills the table, if there is one
    table_grid: tuple[int, int, int]
    kernel: Kernel
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    numbers: tuple[float | int, ...]  # the kernels' GEOMETRY after `views`


@lru_cache(maxsize=256)
def _plan(
    name: str,
    device: torch.device,
    storage: torch.dtype,
    result: torch.dtype,
    data_shape: tuple[int, int, int],
    geometry: tuple[str, int, int, int, int],
    spacing: tuple[float, float],
) -> _Plan:
    beam, views, columns, height, width = geometry
    batch, lines, pixels = data_shape
    family = FAMILIES[name]
    layout = choose(family.layouts, storage, batch)
    items, groups = layout.vec * layout.lanes, -(-batch // layout.items) * layout.packs
    transposed = family.second == "transposed"
    size = groups * lines * (pixels + 2 * _PAD) * items * storage.itemsize
    # Packs are read 16 bytes at a time.
    size += -size % 16
    other, table = 0, None
    if transposed:
        other = groups * pixels * (lines + 2 * _PAD) * items * storage.itemsize
    if family.second == "rays":
        number = "double" if storage == torch.float64 else "float"
        table = _RAY_WEIGHTS.get(f"ray_weights<{number}>", device)
        other = views * columns * (16 if storage == torch.float64 else 8)
    down, across = (views, columns) if transposed else (height, width)
    return _Plan(
        _PACK.get(_pack_name(storage, items, transposed), device),
        (-(-(pixels + 2 * _PAD) // _PACK_TILE), -(-(lines + 2 * _PAD) // _PACK_TILE), groups),
        size + other,
        size if other else 0,
        table,
        (-(-columns // _ROW_BLOCK[0]), views, 1),
        _MODULES[name].get(family.name(name, layout, storage, result), device),
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
        results = _results(self._storage)
        self._result_dtype = out_dtype if out_dtype in results else results[-1]
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
            plan.pack.launch(
                plan.pack_grid,
                _ROW_BLOCK,
                stream,
                data.data_ptr(),
                *strides,
                *self._sizes,
                first,
                second,
            )
            if plan.table is not None:
                plan.table.launch(plan.table_grid, _ROW_BLOCK, stream, table, *plan.numbers, second)
            sources = (first, second) if plan.second else (first,)
            plan.kernel.launch(
                plan.grid, plan.block, stream, *sources, table, *plan.numbers, target
            )
        return result if self._result_dtype == self._out_dtype else result.to(self._out_dtype)


# One for all who ask alike: they cost more to make than to find.
_call = lru_cache(maxsize=256)(_Call)
