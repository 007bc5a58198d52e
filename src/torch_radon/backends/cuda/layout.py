"""How a batch is dealt out to the threads of a kernel."""

from __future__ import annotations

from typing import NamedTuple

import torch


class Tile(NamedTuple):
    """Threads of a block along the contiguous axis of the result and across it.

    A thread sums `rows` places, one below the other, `y` apart, or each `split` threads share one.
    """

    x: int
    y: int
    rows: int = 1
    split: int = 1


class Layout(NamedTuple):
    """How a group of batch items is interleaved, and the tile of a block.

    A thread sums `packs` packs of `vec` neighbouring items; `lanes` neighbouring threads share a
    place of the result, and their packs lie side by side. The packs of one thread lie apart, as if
    each belonged to another group. An item takes `cost` times as long as one of the largest group.
    """

    vec: int
    lanes: int
    packs: int
    tile: Tile
    cost: float

    @property
    def items(self) -> int:
        """Items of a group."""
        return self.vec * self.lanes * self.packs


Layouts = dict[torch.dtype, tuple[Layout, ...]]

# All in ascending order of items. A pack takes up to 16 bytes, one access; with 8 lanes a quarter
# of a warp reads one whole line of the cache. Tiles of about as many places one way as the other
# touch the fewest pixels, which is what one item at a time needs most. Few items are few threads:
# several share a place.

# Rays that march through images.
_HALF_RAYS = (
    Layout(1, 1, 1, Tile(8, 8, split=4), 3.7),
    Layout(4, 1, 1, Tile(8, 8, split=4), 1.5),
    Layout(8, 1, 1, Tile(4, 8, split=4), 1.15),
    Layout(8, 4, 1, Tile(4, 4), 1.0),
)
RAYS: Layouts = {
    torch.float32: (
        Layout(1, 1, 1, Tile(8, 8, split=4), 2.4),
        Layout(2, 1, 1, Tile(8, 4, split=4), 1.4),
        Layout(4, 1, 1, Tile(4, 8, split=4), 1.2),
        Layout(4, 2, 1, Tile(2, 8, split=4), 1.08),
        Layout(4, 4, 1, Tile(8, 4), 1.1),
        Layout(4, 8, 1, Tile(4, 4), 1.0),
    ),
    torch.float64: (
        Layout(1, 1, 1, Tile(8, 8, split=4), 1.4),
        Layout(2, 2, 1, Tile(8, 4), 1.0),
    ),
    torch.float16: _HALF_RAYS,
    torch.bfloat16: _HALF_RAYS,
}

# Pixels of parallel beams. A tile fits a cell, and what a thread sums, its rows times its items,
# the registers.
_HALF_PIXELS = (
    Layout(1, 1, 1, Tile(16, 2, rows=8, split=4), 3.6),
    Layout(4, 1, 1, Tile(16, 4, rows=4, split=4), 1.6),
    Layout(8, 1, 1, Tile(16, 8, rows=2), 1.3),
    Layout(8, 1, 2, Tile(16, 8, rows=2), 1.1),
    Layout(8, 1, 4, Tile(16, 8), 1.0),
)
PIXELS: Layouts = {
    torch.float32: (
        Layout(1, 1, 1, Tile(16, 2, rows=8, split=4), 2.8),
        Layout(2, 1, 1, Tile(16, 4, rows=4, split=4), 1.65),
        Layout(4, 1, 1, Tile(16, 4, rows=4, split=4), 1.2),
        Layout(4, 1, 2, Tile(16, 4, rows=4), 1.1),
        Layout(4, 1, 4, Tile(16, 8, rows=2), 1.0),
    ),
    torch.float64: (
        Layout(1, 1, 1, Tile(16, 4, rows=4, split=4), 3.0),
        Layout(2, 1, 2, Tile(16, 8, rows=2), 1.0),
    ),
    torch.float16: _HALF_PIXELS,
    torch.bfloat16: _HALF_PIXELS,
}

# Pixels of fans. What a thread works out for a pixel costs so much that no lanes share one.
_HALF_FAN = (
    Layout(1, 1, 1, Tile(16, 4, rows=4), 10.0),
    Layout(4, 1, 1, Tile(16, 4, rows=4, split=4), 3.0),
    Layout(8, 1, 1, Tile(16, 8, rows=2), 2.0),
    Layout(8, 1, 2, Tile(16, 8, rows=2), 1.2),
    Layout(8, 1, 4, Tile(16, 8), 1.0),
)
FAN: Layouts = {
    torch.float32: (
        Layout(1, 1, 1, Tile(16, 4, rows=4), 7.0),
        Layout(2, 1, 1, Tile(16, 4, rows=4, split=4), 3.6),
        Layout(4, 1, 1, Tile(16, 4, rows=4, split=4), 2.3),
        Layout(4, 1, 2, Tile(16, 4, rows=4), 1.3),
        Layout(4, 1, 4, Tile(16, 8, rows=2), 1.1),
        Layout(4, 1, 8, Tile(16, 8), 1.0),
    ),
    torch.float64: (
        Layout(1, 1, 1, Tile(16, 4, rows=4, split=4), 3.0),
        Layout(2, 1, 2, Tile(16, 8, rows=2), 1.0),
    ),
    torch.float16: _HALF_FAN,
    torch.bfloat16: _HALF_FAN,
}


# Pixels on tensor cores, in half precision: `packs` times 16 items. Costs compare with those above.
_TENSOR_PIXELS = (Layout(2, 8, 1, Tile(16, 4), 1.05), Layout(2, 8, 2, Tile(16, 4), 0.66))
TENSOR_PIXELS: Layouts = {torch.float16: _TENSOR_PIXELS, torch.bfloat16: _TENSOR_PIXELS}
_TENSOR_FAN = (
    Layout(2, 8, 1, Tile(16, 4), 0.98),
    Layout(2, 8, 2, Tile(16, 4), 0.6),
    Layout(2, 8, 4, Tile(16, 4), 0.41),
)
TENSOR_FAN: Layouts = {torch.float16: _TENSOR_FAN, torch.bfloat16: _TENSOR_FAN}


def choose(layouts: dict[str, tuple[Layout, ...]], batch: int) -> tuple[str, Layout]:
    """Return the layout that takes the least time, empty places of its last group included."""
    return min(
        ((name, layout) for name, some in layouts.items() for layout in some),
        key=lambda found: -(-batch // found[1].items) * found[1].items * found[1].cost,
    )
