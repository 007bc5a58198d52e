"""Ordered subsets of views, and in which order they are visited."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch

from torch_radon.geometry.validation import as_count

Ordering = Literal["golden", "multilevel", "sequential", "random"]


def subset_orders(
    count: int,
    sweeps: int,
    ordering: Ordering = "golden",
    generator: torch.Generator | None = None,
) -> list[list[int]]:
    """Say in which order each sweep visits the subsets.

    Parameters
    ----------
    count : int
        Subsets.
    sweeps : int
    ordering : {"golden", "multilevel", "sequential", "random"}, default "golden"
        "golden" goes on by about 0.618 of the turn each time, "multilevel" halves the gaps (the
        bits of the number reversed) as in [1]_, so that neighbours in time are far apart in angle;
        "sequential" is as scanned, "random" another order in every sweep.
    generator : torch.Generator, optional
        A CPU generator for "random".

    Returns
    -------
    list of list of int
        For each sweep a permutation of ``range(count)``.

    Raises
    ------
    TypeError
        If a number is no integer.
    ValueError
        If a number is below 1, or the name is unknown.

    References
    ----------
    .. [1] H. Guan and R. Gordon, "A projection access order for speedy convergence of ART", Physics
       in Medicine and Biology 39(11), 1994.

    Examples
    --------
    >>> subset_orders(8, 1, "multilevel")
    [[0, 4, 2, 6, 1, 5, 3, 7]]
    >>> subset_orders(8, 1, "golden")
    [[0, 5, 2, 7, 4, 1, 6, 3]]
    """
    count, sweeps = as_count("count", count), as_count("sweeps", sweeps)
    if ordering not in get_args(Ordering):
        raise ValueError(
            f"ordering must be one of {', '.join(get_args(Ordering))}, got {ordering!r}"
        )
    if ordering == "random":
        return [torch.randperm(count, generator=generator).tolist() for _ in range(sweeps)]
    order = list(range(count))
    if ordering == "golden":
        stride = _coprime(count)
        order = [k * stride % count for k in range(count)]
    elif ordering == "multilevel":
        bits = (count - 1).bit_length()
        reversed_bits = [int(f"{k:0{bits}b}"[::-1], 2) for k in range(2**bits)] if bits else [0]
        order = [k for k in reversed_bits if k < count]
    return [order] * sweeps


def _coprime(count: int) -> int:
    """The number nearest to the golden section of `count` that shares no divisor with it."""
    golden = count * (math.sqrt(5) - 1) / 2
    candidates = (k for k in range(1, count + 1) if math.gcd(k, count) == 1)
    return min(candidates, key=lambda k: abs(k - golden))
