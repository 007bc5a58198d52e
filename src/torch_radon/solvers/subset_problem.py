"""A problem divided into ordered subsets of its views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_count
from torch_radon.linear import LinearOperator, subset
from torch_radon.linear.subsets import chosen_rows
from torch_radon.solvers.ordering import Ordering, subset_orders
from torch_radon.solvers.problem import Problem
from torch_radon.solvers.weights import column_weights

# Weights of all subsets together that are kept, in numbers; beyond they are formed when needed.
_KEPT = 2**27


class Part(NamedTuple):
    """One subset: its views, their operator with its transpose, and the data ``(N, ...)``."""

    rows: Tensor
    A: LinearOperator
    transpose: LinearOperator
    y: Tensor


class SubsetProblem:
    """The subsets of a problem, and the order of every sweep.

    Parameters
    ----------
    problem : Problem
    subsets : int or sequence
        How many, of which subset i has the views ``i::subsets``; or the views of each.
    ordering, generator
        See `subset_orders`.

    Attributes
    ----------
    parts : list of Part
    orders : list of list of int
        One a sweep.
    """

    def __init__(
        self,
        problem: Problem,
        subsets: int | Sequence[Any],
        ordering: Ordering,
        generator: torch.Generator | None,
    ) -> None:
        views = problem.A.range_shape[0]
        chosen = _subset_views(views, subsets)
        self.orders = subset_orders(len(chosen), problem.loop.iterations, ordering, generator)
        self.parts = []
        for index in chosen:
            rows = torch.from_numpy(index).to(problem.y.device)
            A = subset(problem.A, index)
            self.parts.append(Part(rows, A, A.T, problem.y.index_select(1, rows)))
        self._like = problem.y
        pixels = problem.x0[0].numel() if len(problem.x0) else 0
        self._keeps = len(self.parts) * pixels <= _KEPT
        self._kept: dict[int, Tensor] = {}

    def pixel_weights(self, number: int) -> Tensor:
        """One over the column sums of a subset's operator, see `column_weights`."""
        if number in self._kept:
            return self._kept[number]
        weights = column_weights(self.parts[number].A, self._like)
        if self._keeps:
            self._kept[number] = weights
        return weights


def _subset_views(views: int, subsets: int | Sequence[Any]) -> list[Any]:
    if isinstance(subsets, Sequence):
        if not subsets:
            raise ValueError("subsets must have at least one subset, got none")
        return [chosen_rows(views, index) for index in subsets]
    count = as_count("subsets", subsets)
    if count > views:
        raise ValueError(f"subsets must be at most the number of views, {views}, got {count}")
    return [chosen_rows(views, slice(first, None, count)) for first in range(count)]
