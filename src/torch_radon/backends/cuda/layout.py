"""How a batch is dealt out to the threads of a kernel, and which kernels that makes."""

from __future__ import annotations

from typing import NamedTuple

import torch

# C++ names of the types of data.
NAMES = {
    torch.float32: "float",
    torch.float64: "double",
    torch.float16: "__half",
    torch.bfloat16: "__nv_bfloat16",
}


class Layout(NamedTuple):
    """How a group of batch items is interleaved, and the tile of a block.

    A thread sums `packs` packs of `vec` neighbouring items; `lanes` neighbouring threads share a
    ray or a pixel. The tile counts places along the contiguous axis of the result and across it.
    An item takes `cost` times as long as one of the largest group.
    """

    vec: int
    lanes: int
    packs: int
    tile: tuple[int, int]
    cost: float

    @property
    def items(self) -> int:
        """Items of a group."""
        return self.vec * self.lanes * self.packs

    @property
    def block(self) -> tuple[int, int, int]:
        """Threads of a block."""
        return (self.lanes * self.tile[0], self.tile[1], 1)

    def template(self, storage: torch.dtype, result: torch.dtype) -> str:
        """C++ template arguments of a kernel with this layout."""
        numbers = (self.vec, self.lanes, self.packs, *self.tile)
        return ", ".join([NAMES[storage], NAMES[result], *map(str, numbers)])


# In ascending order of items. A pack takes up to 16 bytes, one access; with 8 lanes a quarter of a
# warp reads one whole line of the cache. Blocks have 256 threads: tiles of about as many places one
# way as the other touch the fewest pixels, which is what one item at a time needs most.
_WIDE = (
    Layout(1, 1, 1, (16, 16), 4.0),
    Layout(2, 1, 1, (16, 16), 3.0),
    Layout(4, 1, 1, (16, 16), 2.0),
    Layout(4, 2, 1, (16, 8), 1.5),
    Layout(4, 4, 1, (16, 4), 1.2),
    Layout(4, 8, 1, (8, 4), 1.0),
)
_HALF = (
    Layout(1, 1, 1, (16, 16), 4.0),
    Layout(4, 1, 1, (16, 16), 2.0),
    Layout(8, 1, 1, (16, 16), 1.5),
    Layout(8, 4, 1, (8, 8), 1.0),
)
LAYOUTS = {
    torch.float32: _WIDE,
    torch.float64: (Layout(1, 1, 1, (16, 16), 4.0), Layout(2, 2, 1, (16, 8), 1.0)),
    torch.float16: _HALF,
    torch.bfloat16: _HALF,
}


def choose(dtype: torch.dtype, batch: int) -> Layout:
    """Return the layout that takes the least time, empty places of its last group included."""
    return min(
        LAYOUTS[dtype], key=lambda layout: -(-batch // layout.items) * layout.items * layout.cost
    )
