"""The kernels of the projectors, in all their layouts and types."""

from __future__ import annotations

from typing import NamedTuple

import torch

from torch_radon.backends.cuda.layout import (
    FAN,
    PIXELS,
    RAYS,
    TENSOR_FAN,
    TENSOR_PIXELS,
    Layout,
    Layouts,
)
from torch_radon.backends.cuda.runtime import Module

# C++ names of the types of data.
NAMES = {
    torch.float32: "float",
    torch.float64: "double",
    torch.float16: "__half",
    torch.bfloat16: "__nv_bfloat16",
}

# Threads of what makes tables of rays.
ROW_BLOCK = (256, 1, 1)

# GEOMETRY in rays.cuh: views, spacing_y, spacing_x, beam, view_count, columns, height, width, batch
_GEOMETRY = "Pddiiiiii"


def results(storage: torch.dtype) -> tuple[torch.dtype, ...]:
    """Types in which a kernel writes what it sums from a storage type."""
    if storage in (torch.float16, torch.bfloat16):
        return (storage, torch.float32)
    return (storage,)


class Packing(NamedTuple):
    """How a batch is interleaved for a kernel.

    Attributes
    ----------
    kernel : str
        What does it, from a source of this name.
    margin : int
        Zeros at both ends of a line: kPad in rays.cuh, kMargin in octets.cuh.
    multiple : int
        What the length of a line is a multiple of.
    letters : str
        Of its arguments.
    """

    kernel: str
    margin: int
    multiple: int
    letters: str

    def pitch(self, pixels: int) -> int:
        """Length of a line."""
        return -(-(pixels + 2 * self.margin) // self.multiple) * self.multiple

    def items(self, layout: Layout) -> int:
        """Items that lie side by side."""
        return layout.items if self == OCTETS else layout.vec * layout.lanes

    def name(self, storage: torch.dtype, items: int, transposed: bool) -> str:
        """C++ name of an instantiation."""
        copies = "" if self == OCTETS else f", {str(transposed).lower()}"
        return f"{self.kernel}<{NAMES[storage]}, {items}{copies}>"

    def block(self, items: int) -> tuple[int, int, int]:
        """Threads of a block."""
        return (8, items // 4, 1) if self == OCTETS else (32, 8, 1)

    def grid(
        self, storage: torch.dtype, items: int, groups: int, lines: int, pixels: int
    ) -> tuple[int, int, int]:
        """Blocks for a batch."""
        if self == OCTETS:
            return (lines, -(-self.pitch(pixels) // 64), groups)
        # kSide and kLead in pack.cu, and the squares that follow.
        side = min(16 // storage.itemsize, items)
        lead, others = (-(-size // side) for size in (self.margin, pixels + self.margin))
        squares = (lead + others) * (items // side)
        return (-(-(lines + 2 * self.margin) // 8), -(-squares // 32), groups)


PACKS = Packing("pack", margin=2, multiple=1, letters="PqqqiiiPP")
OCTETS = Packing("pack_octets", margin=16, multiple=16, letters="PqqqiiiP")


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
    warp : tuple of int, optional
        If it uses tensor cores, the places of a warp, along x and y.
    """

    source: str
    layouts: Layouts
    template: tuple[str, ...]
    second: str | None = None
    warp: tuple[int, int] | None = None

    @property
    def packing(self) -> Packing:
        """How its batches are interleaved."""
        return OCTETS if self.warp else PACKS

    def results(self, storage: torch.dtype) -> tuple[torch.dtype, ...]:
        """Types in which it writes what it sums from a storage type."""
        return (storage,) if self.warp else results(storage)

    def name(self, kernel: str, layout: Layout, storage: torch.dtype, result: torch.dtype) -> str:
        """C++ name of an instantiation."""
        values = layout._asdict() | layout.tile._asdict()
        numbers = [str(values[key]) for key in self.template]
        return f"{kernel}<{', '.join([NAMES[storage], NAMES[result], *numbers])}>"

    def block(self, layout: Layout) -> tuple[int, int, int]:
        """Threads of a block."""
        if self.warp:
            return (32, layout.tile.x // self.warp[0], layout.tile.y // self.warp[1])
        split = layout.tile.split if "split" in self.template else 1
        return (layout.lanes * layout.tile.x, layout.tile.y, split)

    def grid(self, layout: Layout, batch: int, down: int, across: int) -> tuple[int, int, int]:
        """Blocks for a result of that size."""
        rows = layout.tile.rows if "rows" in self.template else 1
        x, y = layout.tile.x, layout.tile.y * rows
        return (-(-across // x), -(-down // y), -(-batch // layout.items))


_LANES = ("vec", "lanes", "packs", "x", "y")
_FAN = ("vec", "packs", "x", "y", "rows", "split")
_TENSOR = ("packs", "x", "y")
FAMILIES = {
    "forward": Family("joseph_forward.cu", RAYS, (*_LANES, "split"), "transposed"),
    "adjoint_parallel": Family("joseph_adjoint_parallel.cu", PIXELS, (*_LANES, "rows", "split")),
    "adjoint_flat": Family("joseph_adjoint_flat.cu", FAN, _FAN, "rays"),
    "adjoint_curved": Family("joseph_adjoint_curved.cu", FAN, _FAN, "rays"),
    "backproject_parallel": Family("backproject_parallel.cu", PIXELS, (*_LANES, "rows", "split")),
    "backproject_fan": Family("backproject_fan.cu", FAN, _FAN),
    "backproject_adjoint": Family("backproject_adjoint.cu", RAYS, _LANES, "transposed"),
    "adjoint_parallel_tensor": Family(
        "joseph_adjoint_parallel_tensor.cu", TENSOR_PIXELS, _TENSOR, warp=(4, 4)
    ),
    "adjoint_flat_tensor": Family(
        "joseph_adjoint_flat_tensor.cu", TENSOR_FAN, _TENSOR, "rays", warp=(4, 4)
    ),
}

PACK_MODULES = {
    packing: Module(
        f"{packing.kernel}.cu",
        {
            packing.name(storage, packing.items(layout), transposed): packing.letters
            for family in FAMILIES.values()
            if family.packing == packing
            for storage, layouts in family.layouts.items()
            for layout in layouts
            for transposed in (False, True)
        },
    )
    for packing in (PACKS, OCTETS)
}
MODULES = {
    kernel: Module(
        family.source,
        {
            family.name(kernel, layout, storage, result): (
                f"{'PP' if family.second else 'P'}{_GEOMETRY}P"
            )
            for storage, layouts in family.layouts.items()
            for layout in layouts
            for result in family.results(storage)
        },
    )
    for kernel, family in FAMILIES.items()
}
RAY_WEIGHTS = Module(
    "ray_weights.cu",
    dict.fromkeys(("ray_weights<float>", "ray_weights<double>"), f"{_GEOMETRY}P"),
)
RAY_WEIGHTS_TENSOR = Module("ray_weights_tensor.cu", {"ray_weights_tensor": f"{_GEOMETRY}P"})
