"""From tensors to kernels and back: packing, splitting over threads, unpacking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from torch_radon.backends.cpu import pool
from torch_radon.backends.cpu.backproject import backproject
from torch_radon.backends.cpu.backproject_adjoint import backproject_adjoint
from torch_radon.backends.cpu.joseph_adjoint import adjoint
from torch_radon.backends.cpu.joseph_forward import forward
from torch_radon.backends.cpu.rays import PAD, fraction_bits
from torch_radon.backends.interface import Geometry2D, Prepared
from torch_radon.geometry.grid import BEAMS

# Below this many samples a call is over before a second thread has woken up.
_SMALL = 100_000


def joseph_2d(image: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Tensor:
    """See `Backend.joseph_2d`."""
    batch, height, width = image.shape
    dtype = _compute_dtype(image.dtype, out_dtype)
    rows, columns = _padded(image, dtype), _padded(image.mT, dtype)
    views = _views(geometry)
    sinogram = image.new_empty((batch, len(views), geometry.columns), dtype=dtype)
    kernel = partial(
        forward,
        rows.numpy(),
        columns.numpy(),
        views,
        BEAMS.index(geometry.beam),
        tuple(geometry.spacing),
        _image_bits(height, width),
        sinogram.numpy(),
    )
    pool.run(_tasks(kernel, batch, len(views), geometry.columns * max(height, width)))
    return sinogram.to(out_dtype)


def joseph_2d_adjoint(sinogram: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Tensor:
    """See `Backend.joseph_2d_adjoint`."""
    batch, total, detector = sinogram.shape
    height, width = geometry.shape
    dtype = _compute_dtype(sinogram.dtype, out_dtype)
    values = sinogram.to(dtype).contiguous().numpy()
    views = _views(geometry)
    rows = sinogram.new_zeros((batch, height, width + 2 * PAD), dtype=dtype)
    columns = sinogram.new_zeros((batch, width, height + 2 * PAD), dtype=dtype)

    def tasks() -> Iterator[Callable[[], None]]:
        for by_rows, image in ((True, rows), (False, columns)):
            kernel = partial(
                adjoint,
                values,
                views,
                BEAMS.index(geometry.beam),
                height,
                width,
                tuple(geometry.spacing),
                _image_bits(height, width),
                by_rows,
                image.numpy(),
            )
            # Every part traces all rays for itself.
            yield from _tasks(kernel, batch, image.shape[1], total * detector, share=1)

    pool.run(tasks())
    result = rows[..., PAD:-PAD] + columns[..., PAD:-PAD].mT
    return result.to(out_dtype)


def backproject_2d(sinogram: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Tensor:
    """See `Backend.backproject_2d`."""
    batch, total, detector = sinogram.shape
    height, width = geometry.shape
    dtype = _compute_dtype(sinogram.dtype, out_dtype)
    image = sinogram.new_zeros((batch, height, width), dtype=dtype)
    kernel = partial(
        backproject,
        _padded(sinogram, dtype).numpy(),
        _views(geometry),
        BEAMS.index(geometry.beam),
        detector,
        fraction_bits(detector + 2 * PAD),
        image.numpy(),
    )
    pool.run(_tasks(kernel, batch, height, total * width))
    return image.to(out_dtype)


def backproject_2d_adjoint(image: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Tensor:
    """See `Backend.backproject_2d_adjoint`."""
    batch, height, width = image.shape
    dtype = _compute_dtype(image.dtype, out_dtype)
    views = _views(geometry)
    sinogram = image.new_zeros((batch, len(views), geometry.columns + 2 * PAD), dtype=dtype)
    kernel = partial(
        backproject_adjoint,
        image.to(dtype).contiguous().numpy(),
        views,
        BEAMS.index(geometry.beam),
        geometry.columns,
        fraction_bits(geometry.columns + 2 * PAD),
        sinogram.numpy(),
    )
    pool.run(_tasks(kernel, batch, len(views), height * width))
    return sinogram[..., PAD:-PAD].to(out_dtype).contiguous()


def prepare(kernel: str, data: Tensor, geometry: Geometry2D, out_dtype: torch.dtype) -> Prepared:
    """See `Backend.prepare`."""
    numbers = geometry[1:]
    function = _KERNELS[kernel]

    def apply(data: Tensor, views: Tensor) -> Tensor:
        return function(data, Geometry2D(views, *numbers), out_dtype)

    return (lambda data, views: apply(data[None], views)[0]) if data.ndim == 2 else apply


_KERNELS = {
    kernel.__name__: kernel
    for kernel in (joseph_2d, joseph_2d_adjoint, backproject_2d, backproject_2d_adjoint)
}


def _compute_dtype(*dtypes: torch.dtype) -> torch.dtype:
    """Half precision is storage: sums are formed in float32, or in float64 if it is involved."""
    return torch.float64 if torch.float64 in dtypes else torch.float32


def _image_bits(height: int, width: int) -> int:
    return fraction_bits(max(height * (width + 2 * PAD), width * (height + 2 * PAD)))


def _views(geometry: Geometry2D) -> NDArray[np.float64]:
    return geometry.views.contiguous().numpy().view(np.float64)


def _padded(data: Tensor, dtype: torch.dtype) -> Tensor:
    """Copy the data, whatever their strides, between zeros along the last axis."""
    *outer, size = data.shape
    padded = data.new_zeros((*outer, size + 2 * PAD), dtype=dtype)
    padded[..., PAD:-PAD] = data
    return padded


def _tasks(
    kernel: Callable[..., Any], batch: int, lines: int, cost: int, share: int = 4
) -> Iterator[Callable[[], None]]:
    """Split a batch and its lines (views or rows, of `cost` samples each) over the threads.

    A kernel's last arguments are the ranges of batch items and lines. A thread gets up to `share`
    parts, so that one that begins late leaves some to the others. Items are split only where there
    are more threads than lines, since items share what a kernel computes once a view.
    """
    threads = torch.get_num_threads() if batch * lines * cost > _SMALL else 1
    line_parts = min(lines, share * threads if threads > 1 else 1)
    item_parts = min(batch, -(-threads // max(line_parts, 1)))
    for n0, n1 in _ranges(batch, item_parts):
        for first, last in _ranges(lines, line_parts):
            yield partial(kernel, n0, n1, first, last)


def _ranges(total: int, parts: int) -> Iterator[tuple[int, int]]:
    for part in range(parts):
        yield total * part // parts, total * (part + 1) // parts
