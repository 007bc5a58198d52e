"""One filter after the other: the way for a CPU.

Only the kept columns of a filter are transformed vertically, then all rows horizontally. What is at
work, a spectrum a filter, stays in the cache of the core that works on it. Cores share the filters
rather than each small operation, at whose ends they would wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from torch_radon.backends.cpu import pool
from torch_radon.backends.shearlets import Run, Tables

Tasks = list[Callable[[], None]]

# Pixels at work at once: small images go together, so that a call does enough.
_PIXELS = 2**16

# Filters that add to one spectrum. The sum has the same order whatever the number of threads.
_SHARE = 8

# Coefficients below which a call is over before a second thread has woken up.
_SMALL = 2**18


def images_at_once(shape: tuple[int, int]) -> int:
    """Images of this shape to be worked on together."""
    return max(1, _PIXELS // (shape[0] * shape[1]))


def analyse(
    spectrum: Tensor, tables: Tables, values: Tensor, runs: list[Run], result: Tensor
) -> None:
    """Write the coefficients ``result`` of images with this spectrum (N, height, columns)."""
    count, height, columns = spectrum.shape
    source, target = tables.source.long(), tables.target.long()
    flat = spectrum.flatten(1)

    def write(number: int, run: Run) -> None:
        entries = slice(run.begin, run.end)
        kept = flat.new_zeros((count, height * run.width))
        kept[:, target[entries]] = flat[:, source[entries]] * values[entries]
        kept = torch.fft.ifft(kept.view(count, height, run.width), dim=1)
        padded = torch.zeros_like(spectrum)
        for within, at in _pieces(run, columns):
            padded[:, :, at] = kept[:, :, within]
        result[:, number] = _real_rows(padded, result.shape[3], result.ndim == 4)

    tasks: Tasks = [partial(write, number, run) for number, run in enumerate(runs)]
    _side_by_side(tasks, result.numel())


def synthesise(
    coefficients: Tensor, tables: Tables, values: Tensor, runs: list[Run], spectrum: Tensor
) -> None:
    """Add to a spectrum of zeros what the coefficients contribute."""
    columns = spectrum.shape[2]
    source, target = tables.source.long(), tables.target.long()
    shares = max(1, len(runs) // _SHARE)
    sums = [spectrum] * shares

    def add(share: int) -> None:
        if share > 0:
            sums[share] = torch.zeros_like(spectrum)
        flat = sums[share].flatten(1)
        for number in range(share, len(runs), shares):
            run = runs[number]
            entries = slice(run.begin, run.end)
            part = coefficients[:, number].to(values.dtype)
            rows = _row_spectra(part, coefficients.ndim == 4)
            kept = torch.cat([rows[:, :, at] for _, at in _pieces(run, columns)], dim=2)
            kept = torch.fft.fft(kept, dim=1).flatten(1)
            # A filter has one value at a frequency, so that none is added to twice.
            flat[:, source[entries]] += kept[:, target[entries]] * values[entries]

    tasks: Tasks = [partial(add, share) for share in range(shares)]
    _side_by_side(tasks, coefficients.numel())
    for other in sums[1:]:
        spectrum += other


def _side_by_side(tasks: Tasks, size: int) -> None:
    """Run tasks that use PyTorch on as many threads as PyTorch has, each on one of them."""
    threads = torch.get_num_threads()
    if threads == 1 or len(tasks) == 1 or size < _SMALL:
        for task in tasks:
            task()
        return
    inference = torch.is_inference_mode_enabled()

    def alone(task: Callable[[], None]) -> None:
        # PyTorch counts threads, and knows whether to record, for each thread of its own.
        torch.set_num_threads(1)
        with torch.inference_mode(inference), torch.no_grad():
            task()

    try:
        pool.run([partial(alone, task) for task in tasks])
    finally:
        # For this thread, which has worked too, for those to come and for MKL.
        torch.set_num_threads(threads)


def _real_rows(spectrum: Tensor, width: int, real: bool) -> Tensor:
    if real:
        return torch.fft.irfft(spectrum, n=width)
    return torch.view_as_real(torch.fft.ifft(spectrum))


def _row_spectra(rows: Tensor, real: bool) -> Tensor:
    if real:
        return torch.fft.rfft(rows)
    return torch.fft.fft(torch.view_as_complex(rows.contiguous()))


def _pieces(run: Run, columns: int) -> Iterator[tuple[slice, slice]]:
    """Slices of a run and of the spectrum's columns that belong together: one, or two around."""
    before = min(run.width, columns - run.first)
    yield slice(0, before), slice(run.first, run.first + before)
    if run.width > before:
        yield slice(before, run.width), slice(0, run.width - before)
