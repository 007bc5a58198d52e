"""Groups of filters at once: the way for accelerators, where each launch has its price.

The filters of a group are unpacked to whole spectra, which costs less than to leave columns out.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from torch_radon.backends.shearlets import Run, Tables

# Pixels of images at work at once.
_IMAGES = 2**23

# Pixels of coefficients at work at once: enough to keep an accelerator busy, in its cache. The
# transforms of PyTorch take about four times as much.
_PIXELS = 2**21

# The part of all filters that goes together even so: few launches, little memory beside the result.
_PART = 16


def images_at_once(shape: tuple[int, int]) -> int:
    """Images of this shape to be worked on together."""
    return max(1, _IMAGES // (shape[0] * shape[1]))


def analyse(
    spectrum: Tensor, tables: Tables, values: Tensor, runs: list[Run], result: Tensor
) -> None:
    """Write the coefficients ``result`` of images with this spectrum (N, height, columns)."""
    shape = result.shape[2:4]
    for first, last in _groups(len(spectrum), shape, len(runs)):
        group = _unpack(tables, values, runs, first, last, spectrum.shape[1:])
        product = spectrum[:, None] * group
        if result.ndim == 4:
            result[:, first:last] = torch.fft.irfft2(product, s=shape)
        else:
            result[:, first:last] = torch.view_as_real(torch.fft.ifft2(product))


def synthesise(
    coefficients: Tensor, tables: Tables, values: Tensor, runs: list[Run], spectrum: Tensor
) -> None:
    """Add to a spectrum of zeros what the coefficients contribute."""
    for first, last in _groups(len(spectrum), coefficients.shape[2:4], len(runs)):
        group = _unpack(tables, values, runs, first, last, spectrum.shape[1:])
        part = coefficients[:, first:last].to(values.dtype)
        if part.ndim == 4:
            spectra = torch.fft.rfft2(part)
        else:
            spectra = torch.fft.fft2(torch.view_as_complex(part.contiguous()))
        spectrum += (spectra * group).sum(dim=1)


def _groups(images: int, shape: torch.Size, filters: int) -> Iterator[tuple[int, int]]:
    size = max(1, filters // _PART, _PIXELS // (images * shape[0] * shape[1]))
    for first in range(0, filters, size):
        yield first, min(first + size, filters)


def _unpack(
    tables: Tables, values: Tensor, runs: list[Run], first: int, last: int, shape: torch.Size
) -> Tensor:
    """Spectra of the filters from `first` to before `last`, without waiting for the device."""
    group = values.new_zeros((last - first, shape[0] * shape[1]))
    entries = slice(runs[first].begin, runs[last - 1].end)
    begins = tables.entries[tables.starts[first : last + 1, 0]]
    filters = torch.arange(last - first, device=values.device)
    filters = filters.repeat_interleave(begins.diff(), output_size=entries.stop - entries.start)
    group[filters, tables.source[entries]] = values[entries]
    return group.view(last - first, *shape)
