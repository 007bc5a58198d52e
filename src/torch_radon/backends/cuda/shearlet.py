"""The shearlet transform by kernels of its own: only columns that are kept pass through memory.

Forward, a group of filters after the other: the kept columns of the images' spectra, filtered and
transformed vertically, then the rows of coefficients. What lies between is so small that it stays
in the cache of the device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from torch_radon.backends.cuda.runtime import Module, on_device
from torch_radon.backends.shearlets import RUN_SIZE, Tables, runs_of

SIZES = (128, 256, 512, 1024, 2048)
"""Heights and widths that there are kernels for."""

STORED = (torch.float32, torch.float16, torch.bfloat16)
"""Types in which coefficients are read and written, in the order of Storage in shearlet_rows.cu."""

# Threads of shearlet_columns.cu and the numbers that each holds.
_BLOCK = 256
_COLUMN_EACH = 8

# Numbers that a thread of shearlet_rows.cu holds.
_ROW_EACH = 16

# Bytes between both kernels, for all images at once. Few long launches are faster than many short
# ones whose bytes would stay in the cache.
_GROUP = 2**30

# Pixels of images at work at once.
_PIXELS = 2**23

_COMPLEX = 8

_COLUMNS = Module(
    "shearlet_columns.cu",
    {
        f"{name}<{size}>": letters
        for name, letters in (
            ("shearlet_columns", "PPPPPiiifP"),
            ("shearlet_columns_adjoint", "PPPPPPiiiiiP"),
        )
        for size in SIZES
    },
)
_ROWS = Module(
    "shearlet_rows.cu",
    {
        f"{name}<{size}>": "PPPiiiiiiP"
        for name in ("shearlet_rows", "shearlet_rows_adjoint")
        for size in SIZES
    },
)


class _Group(NamedTuple):
    """Filters from `begin` to before `end`, and the numbers of their kept columns."""

    begin: int
    end: int
    first: int
    columns: int


def supports(values: torch.dtype, shape: Sequence[int], real: bool) -> bool:
    """Whether there are kernels for filters with values of this type and images of this shape."""
    return real and values == torch.int32 and shape[0] in SIZES and shape[1] in SIZES


def analyse(
    images: Tensor, tables: Tables, shape: tuple[int, int], real: bool, out_dtype: torch.dtype
) -> Tensor:
    """See `torch_radon.shearlet.spectral.analyse`; for what `supports` names."""
    height, width = shape
    filters = len(tables.runs) // RUN_SIZE
    dtype = out_dtype if out_dtype in STORED else torch.float32
    result = images.new_empty((len(images), filters, height, width), dtype=dtype)
    columns = _COLUMNS.get(f"shearlet_columns<{height}>", images.device)
    rows = _ROWS.get(f"shearlet_rows<{width}>", images.device)
    values, source, entries, starts, column_roots, row_roots = _addresses(tables, height)
    for batch, coefficients in _parts(images, result):
        count = len(batch)
        # Transposed: a column of a spectrum is contiguous.
        spectrum = torch.fft.rfft2(batch.float()).mT.contiguous()
        groups = _groups(tuple(tables.runs), count * height * _COMPLEX, _GROUP)
        kept = _between(spectrum, groups)
        with on_device(images.device) as stream:
            for group in groups:
                columns.launch(
                    (-(-group.columns // _lines(height)), count, 1),
                    (_BLOCK, 1, 1),
                    stream,
                    spectrum.data_ptr(),
                    values,
                    source,
                    entries,
                    column_roots,
                    spectrum.shape[1],
                    group.first,
                    group.columns,
                    1 / (height * width),
                    kept.data_ptr(),
                )
                rows.launch(
                    *_row_grid(height, width, group.end - group.begin, count),
                    stream,
                    kept.data_ptr(),
                    starts,
                    row_roots,
                    group.first,
                    group.columns,
                    group.begin,
                    filters,
                    height,
                    STORED.index(dtype),
                    coefficients.data_ptr(),
                )
    return result.to(out_dtype)


def synthesise(
    coefficients: Tensor, tables: Tables, shape: tuple[int, int], real: bool, out_dtype: torch.dtype
) -> Tensor:
    """See `torch_radon.shearlet.spectral.synthesise`; for what `supports` names."""
    height, width = shape
    filters = len(tables.runs) // RUN_SIZE
    coefficients = _readable(coefficients)
    result = coefficients.new_empty((len(coefficients), height, width), dtype=out_dtype)
    columns = _COLUMNS.get(f"shearlet_columns_adjoint<{height}>", result.device)
    rows = _ROWS.get(f"shearlet_rows_adjoint<{width}>", result.device)
    values, source, entries, starts, column_roots, row_roots = _addresses(tables, height)
    for images, batch in _parts(result, coefficients):
        count = len(batch)
        spectrum = torch.zeros(
            (count, width // 2 + 1, height), dtype=torch.complex64, device=result.device
        )
        groups = _groups(tuple(tables.runs), count * height * _COMPLEX, _GROUP)
        kept = _between(spectrum, groups)
        with on_device(result.device) as stream:
            for group in groups:
                rows.launch(
                    *_row_grid(height, width, group.end - group.begin, count),
                    stream,
                    batch.data_ptr(),
                    starts,
                    row_roots,
                    group.first,
                    group.columns,
                    group.begin,
                    filters,
                    height,
                    STORED.index(batch.dtype),
                    kept.data_ptr(),
                )
                columns.launch(
                    (-(-spectrum.shape[1] // _lines(height)), count, 1),
                    (_BLOCK, 1, 1),
                    stream,
                    kept.data_ptr(),
                    values,
                    source,
                    entries,
                    starts,
                    column_roots,
                    spectrum.shape[1],
                    group.first,
                    group.columns,
                    group.begin,
                    group.end,
                    spectrum.data_ptr(),
                )
        images.copy_(torch.fft.irfft2(spectrum.mT, s=shape))
    return result


def _readable(coefficients: Tensor) -> Tensor:
    """Coefficients as the kernels read them: in a row, of a stored type, two at a time."""
    if coefficients.dtype not in STORED:
        coefficients = coefficients.float()
    coefficients = coefficients.contiguous()
    return coefficients.clone() if coefficients.data_ptr() % _COMPLEX else coefficients


def _addresses(tables: Tables, height: int) -> tuple[int, int, int, int, int, int]:
    """Where values, sources, entries, starts and the roots for columns and for rows are."""
    roots = tables.roots.data_ptr()
    return (
        tables.values.data_ptr(),
        tables.source.data_ptr(),
        tables.entries.data_ptr(),
        tables.starts.data_ptr(),
        roots,
        roots + height * _COMPLEX,
    )


def _parts(images: Tensor, coefficients: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and their coefficients, some at a time."""
    step = max(1, _PIXELS // (images.shape[1] * images.shape[2]))
    for first in range(0, len(images), step):
        yield images[first : first + step], coefficients[first : first + step]


@lru_cache(maxsize=256)
def _groups(numbers: tuple[int, ...], column_bytes: int, limit: int) -> tuple[_Group, ...]:
    """Cut the filters into groups whose kept columns of all images take at most `limit` bytes.

    A group has one filter at least.
    """
    groups, begin, first, count = [], 0, 0, 0
    for number, run in enumerate(runs_of(list(numbers))):
        if count and (count + run.width) * column_bytes > limit:
            groups.append(_Group(begin, number, first, count))
            begin, first, count = number, first + count, 0
        count += run.width
    groups.append(_Group(begin, len(numbers) // RUN_SIZE, first, count))
    return tuple(groups)


def _between(spectrum: Tensor, groups: tuple[_Group, ...]) -> Tensor:
    """Memory for the kept columns of the largest group; a stream's launches take turns in it."""
    most = max(group.columns for group in groups)
    size = (len(spectrum), most, spectrum.shape[2])
    return torch.empty(size, dtype=torch.complex64, device=spectrum.device)


def _lines(height: int) -> int:
    """Columns of a block, kLines in shearlet_columns.cu."""
    return _BLOCK * _COLUMN_EACH // height


def _row_grid(
    height: int, width: int, filters: int, images: int
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Blocks and their threads, kRows and kBlock in shearlet_rows.cu."""
    half = width // 2
    tile = 4096 // half if half > 128 else 32
    return (height // tile, filters, images), (tile * half // _ROW_EACH, 1, 1)
