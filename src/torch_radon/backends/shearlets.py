"""The filters of a shearlet system in the form that reaches kernels."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Run(NamedTuple):
    """The kept columns of one filter.

    Attributes
    ----------
    first : int
        Its first column in the spectrum; columns that follow may wrap around the end.
    width : int
        Number of columns.
    begin, end : int
        Its values among those of all filters.
    """

    first: int
    width: int
    begin: int
    end: int


class Tables(NamedTuple):
    """What the operators need beside the data.

    Attributes
    ----------
    values : Tensor, shape (E,), int32 or int64
        The bits of the filters' values in float32 or float64, which is the type that everything is
        computed in.
    source : Tensor, shape (E,), int32
        Where each value lies in a spectrum (height, columns).
    target : Tensor, shape (E,), int32
        And where in its filter's kept columns (height, width of the run).
    entries : Tensor, shape (C + 1,), int32
        Where the values of each kept column begin.
    starts : Tensor, shape (F + 1, 2), int32
        The number of each filter's first kept column, and its place in the spectrum.
    roots : Tensor, shape (height + width, 2), int32
        The bits of roots of unity in float32, real and imaginary part: exp(2 pi i j q / n) at
        32 q + j for n = height and then n = width. They come between the two passes of a Fourier
        transform of 32 (n / 32) numbers.
    runs : list of int
        The members of one `Run` a filter.
    """

    values: Tensor
    source: Tensor
    target: Tensor
    entries: Tensor
    starts: Tensor
    roots: Tensor
    runs: list[int]


RUN_SIZE = len(Run._fields)
"""Numbers of a run in `Tables.runs`."""


def runs_of(numbers: list[int]) -> list[Run]:
    """Take the list `Tables.runs` apart."""
    return [Run(*numbers[i : i + RUN_SIZE]) for i in range(0, len(numbers), RUN_SIZE)]


def float_values(bits: Tensor) -> Tensor:
    """Read float32 or float64 numbers whose bits are kept in integers of their size."""
    return bits.view(torch.float64 if bits.dtype == torch.int64 else torch.float32)
