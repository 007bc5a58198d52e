"""The shearlet transform by kernels of its own: only columns that are kept pass through memory.

Forward: the half spectra of the images; the kept columns of all filters, filtered and transformed
vertically; the rows of coefficients. The transpose goes the same way back. The spectra of images
are computed by the same kernels, as those of one filter that keeps everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from torch_radon.backends.cuda.runtime import Module, on_device
from torch_radon.backends.shearlets import RUN_SIZE, Tables

SIZES = (128, 256, 512, 1024)
"""Heights and widths that there are kernels for: a warp transforms a line in two passes."""

STORED = (torch.float32, torch.float16, torch.bfloat16)
"""Types in which coefficients are read and written, in the order of Storage in shearlet_rows.cu."""

# Numbers that a thread holds, kEach in shearlet_fft.cuh, and threads of the blocks of columns,
# kBlock and kAdjointBlock in shearlet_columns.cu.
_EACH = 32
_BLOCK = 128
_ADJOINT_BLOCK = 64

# Parts into which the transpose splits the sum over filters, and filters that make one worthwhile:
# its partial sums, a spectrum each, should take little memory beside the coefficients.
_PARTS = 4
_PART = 8

# Bytes of the kept columns of all images at work. Few long launches are faster than many short
# ones whose bytes would stay in the cache.
_KEPT = 2**30

_COMPLEX = 8

# Reads and writes of up to so many bytes at once.
_ALIGNMENT = 8

_COLUMNS = Module(
    "shearlet_columns.cu",
    {
        name: letters
        for size in SIZES
        for name, letters in (
            (f"shearlet_columns<{size}>", "PPPPPiIiifP"),
            (f"shearlet_columns_adjoint<{size}>", "PPPPPPiIiiiifP"),
            (f"shearlet_image_columns<{size}, -1>", "PiiP"),
            (f"shearlet_image_columns<{size}, 1>", "PiiP"),
        )
    },
)
_ROWS = Module(
    "shearlet_rows.cu",
    {
        f"{name}<{size}>": "PPPiiiiP"
        for name in ("shearlet_rows", "shearlet_rows_adjoint")
        for size in SIZES
    },
)


def supports(values: torch.dtype, shape: Sequence[int], real: bool) -> bool:
    """Whether there are kernels for filters with values of this type and images of this shape."""
    return real and values == torch.int32 and shape[0] in SIZES and shape[1] in SIZES


def analyse(
    images: Tensor, tables: Tables, shape: tuple[int, int], real: bool, out_dtype: torch.dtype
) -> Tensor:
    """See `torch_radon.shearlet.spectral.analyse`; for what `supports` names."""
    images, steps = _readable(images), _Steps(tables, shape, images.device)
    dtype = out_dtype if out_dtype in STORED else torch.float32
    result = images.new_empty((len(images), steps.filters, *shape), dtype=dtype)
    for batch, coefficients in steps.parts(images, result):
        spectrum, kept = steps.spectra(1, len(batch)), steps.kept_columns(len(batch))
        with on_device(images.device) as stream:
            steps.rows_adjoint(stream, batch, spectrum)
            steps.image_columns(stream, spectrum, -1)
            steps.columns(stream, spectrum, kept)
            steps.rows(stream, kept, coefficients)
    return result.to(out_dtype)


def synthesise(
    coefficients: Tensor, tables: Tables, shape: tuple[int, int], real: bool, out_dtype: torch.dtype
) -> Tensor:
    """See `torch_radon.shearlet.spectral.synthesise`; for what `supports` names."""
    coefficients, steps = _readable(coefficients), _Steps(tables, shape, coefficients.device)
    dtype = out_dtype if out_dtype in STORED else torch.float32
    result = coefficients.new_empty((len(coefficients), *shape), dtype=dtype)
    sums = max(1, min(_PARTS, steps.filters // _PART))
    for images, batch in steps.parts(result, coefficients):
        spectra, kept = steps.spectra(sums, len(batch)), steps.kept_columns(len(batch))
        with on_device(result.device) as stream:
            steps.rows_adjoint(stream, batch, kept)
            steps.columns_adjoint(stream, kept, spectra)
            steps.image_columns(stream, spectra, 1)
            steps.rows(stream, spectra, images)
    return result.to(out_dtype)


class _Steps:
    """The launches of which both directions consist, for images of one shape.

    Spectra are transposed, (sums, N, columns, height), and kept columns (N, C, height).
    """

    def __init__(self, tables: Tables, shape: tuple[int, int], device: torch.device) -> None:
        self.filters = len(tables.runs) // RUN_SIZE
        self._height, self._width = shape
        self._device = device
        self._columns = self._width // 2 + 1
        # What makes a division by the number of columns a multiplication.
        self._reciprocal = -(-(2**32) // self._columns)
        self._count = tables.entries.numel() - 1
        self._starts = tables.starts.data_ptr()
        self._bank = tables.values.data_ptr(), tables.source.data_ptr(), tables.entries.data_ptr()
        self._column_roots = tables.roots.data_ptr()
        self._row_roots = self._column_roots + self._height * _COMPLEX
        # Kept columns of rows are twice what they should be, and no transform is normalised.
        self._scale = 0.5 / (self._height * self._width)

    def parts(self, images: Tensor, coefficients: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and their coefficients, as many at a time as their kept columns allow."""
        step = max(1, _KEPT // (self._count * self._height * _COMPLEX))
        for first in range(0, len(images), step):
            yield images[first : first + step], coefficients[first : first + step]

    def spectra(self, sums: int, images: int) -> Tensor:
        return self._empty(sums, images, self._columns, self._height)

    def kept_columns(self, images: int) -> Tensor:
        return self._empty(images, self._count, self._height)

    def _empty(self, *size: int) -> Tensor:
        return torch.empty(size, dtype=torch.complex64, device=self._device)

    def columns(self, stream: int, spectrum: Tensor, kept: Tensor) -> None:
        """Filter and transform vertically."""
        images = len(kept)
        _COLUMNS.get(f"shearlet_columns<{self._height}>", self._device).launch(
            (self._tiles(self._count * images, _BLOCK), 1, 1),
            (_BLOCK, 1, 1),
            stream,
            spectrum.data_ptr(),
            *self._bank,
            self._column_roots,
            self._columns,
            self._reciprocal,
            images,
            self._count,
            self._scale,
            kept.data_ptr(),
        )

    def columns_adjoint(self, stream: int, kept: Tensor, spectra: Tensor) -> None:
        """Transform vertically, filter and sum over some of the filters each."""
        sums, images = spectra.shape[:2]
        _COLUMNS.get(f"shearlet_columns_adjoint<{self._height}>", self._device).launch(
            (self._tiles(self._columns * images, _ADJOINT_BLOCK), sums, 1),
            (_ADJOINT_BLOCK, 1, 1),
            stream,
            kept.data_ptr(),
            *self._bank,
            self._starts,
            self._column_roots,
            self._columns,
            self._reciprocal,
            images,
            self._count,
            self.filters,
            sums,
            self._scale,
            spectra.data_ptr(),
        )

    def image_columns(self, stream: int, spectra: Tensor, sign: int) -> None:
        """Sum spectra and transform them vertically, in the place of the first."""
        sums, images = spectra.shape[:2]
        lines = self._columns * images
        _COLUMNS.get(f"shearlet_image_columns<{self._height}, {sign}>", self._device).launch(
            (self._tiles(lines, _BLOCK), 1, 1),
            (_BLOCK, 1, 1),
            stream,
            self._column_roots,
            lines,
            sums,
            spectra.data_ptr(),
        )

    def rows(self, stream: int, kept: Tensor, result: Tensor) -> None:
        """Rows of coefficients from kept columns, or of images from a spectrum."""
        self._launch_rows("shearlet_rows", stream, kept, result, kept, result)

    def rows_adjoint(self, stream: int, data: Tensor, kept: Tensor) -> None:
        """Kept columns of coefficients, or a spectrum of images: transformed horizontally."""
        self._launch_rows("shearlet_rows_adjoint", stream, data, kept, kept, data)

    def _launch_rows(
        self, name: str, stream: int, source: Tensor, target: Tensor, kept: Tensor, rows: Tensor
    ) -> None:
        filters, starts = (self.filters, self._starts) if rows.ndim == 4 else (1, 0)
        pairs = min(8, 4096 // self._width)  # kPairs in shearlet_rows.cu
        _ROWS.get(f"{name}<{self._width}>", self._device).launch(
            (self._height // (2 * pairs), filters, len(rows)),
            (pairs * self._width // _EACH, 1, 1),
            stream,
            source.data_ptr(),
            starts,
            self._row_roots,
            kept.shape[-2],
            filters,
            self._height,
            STORED.index(rows.dtype),
            target.data_ptr(),
        )

    def _tiles(self, lines: int, threads: int) -> int:
        """Blocks for so many columns."""
        return -(-lines * self._height // (threads * _EACH))


def _readable(data: Tensor) -> Tensor:
    """Coefficients or images as the kernels read them: in a row, of a stored type, aligned."""
    if data.dtype not in STORED:
        data = data.float()
    data = data.contiguous()
    return data.clone() if data.data_ptr() % _ALIGNMENT else data
