"""From a filter bank to the tables that reach kernels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from torch_radon.backends.shearlets import Tables
from torch_radon.shearlet.bank import FilterBank


def make_tables(bank: FilterBank, height: int, width: int) -> Tables:
    """Turn a bank for images of this size into tables on the CPU, with values in float64."""
    counts = np.diff(bank.runs[:, 0])
    sizes = np.diff(bank.entries)
    within = np.arange(len(sizes)) - np.repeat(bank.runs[:-1, 0], counts)
    frequency = (np.repeat(bank.runs[:-1, 1], counts) + within) % bank.columns
    run_width = np.repeat(counts, counts)
    source = bank.rows * bank.columns + np.repeat(frequency, sizes)
    target = bank.rows * np.repeat(run_width, sizes) + np.repeat(within, sizes)
    bounds = bank.entries[bank.runs[:, 0]]
    numbers = np.stack([bank.runs[:-1, 1], counts, bounds[:-1], bounds[1:]], axis=1)
    return Tables(
        float_bits(bank.values, torch.float64),
        _int32(source),
        _int32(target),
        _int32(bank.entries),
        _int32(bank.runs),
        float_bits(np.concatenate([_roots(height), _roots(width)]), torch.float32),
        [int(number) for number in numbers.ravel()],
    )


def float_bits(values: NDArray[np.float64], dtype: torch.dtype) -> Tensor:
    """Round values to float32 or float64 and return their bits as integers.

    No change of a module's type touches integers.
    """
    integers = {torch.float32: torch.int32, torch.float64: torch.int64}[dtype]
    return torch.tensor(values, dtype=dtype, device="cpu").view(integers)


def _roots(size: int) -> NDArray[np.float64]:
    column, row = np.arange(size) % 32, np.arange(size) // 32
    angle = 2 * np.pi / size * (column * row % size)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _int32(numbers: NDArray[np.integer]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.int32, device="cpu")
