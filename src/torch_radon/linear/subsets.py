"""Parts of an operator's output: some of the views of a projector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_radon.linear.operator import LinearOperator, check_operator


class Selection(LinearOperator):
    """Some entries along the first axis, in a chosen order; the transpose puts them back.

    Parameters
    ----------
    shape : sequence of int
        Of an input without batch.
    index : slice, int, sequence of int or of bool
        What to select, as NumPy indexes an axis; nothing twice.

    Raises
    ------
    ValueError
        If nothing or something twice is selected.
    IndexError
        If an index is out of range.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> S = tr.linear.Selection((4, 2), slice(0, None, 3))
    >>> S(torch.arange(8.0).reshape(4, 2))
    tensor([[0., 1.],
            [6., 7.]])
    """

    _index: Tensor

    def __init__(self, shape: Sequence[int], index: Any) -> None:
        rows = chosen_rows(shape[0], index)
        super().__init__(shape, (len(rows), *shape[1:]))
        self.register_buffer("_index", torch.from_numpy(rows), persistent=False)

    @property
    def norm_bound(self) -> float:
        """One."""
        return 1.0

    def _apply_batch(self, x: Tensor) -> Tensor:
        return x.index_select(1, self._index)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        empty = y.new_zeros(y.shape[0], *self.domain_shape)
        # No index appears twice, so that nothing is added and the result is always the same.
        return empty.index_copy(1, self._index, y)


def subset(A: LinearOperator, views: Any) -> LinearOperator:
    """Restrict an operator to some of its views, the first axis of what it returns.

    Parameters
    ----------
    A : LinearOperator
        A `Projector`, which then projects these views only, or any other operator, of whose full
        result they are taken.
    views : slice, int, sequence of int or of bool
        Which views, as NumPy indexes an axis; none twice.

    Returns
    -------
    LinearOperator
        With `range_shape` ``(len(views), *A.range_shape[1:])``.

    Raises
    ------
    TypeError
        If `A` is not a `LinearOperator`.
    ValueError
        If no view or one twice is selected.
    IndexError
        If an index is out of range.

    Examples
    --------
    >>> import torch_radon as tr
    >>> A = tr.Projector(tr.Volume((4, 4)), tr.parallel_beam([0.0, 0.5, 1.0], columns=6))
    >>> tr.linear.subset(A, [2, 0]).range_shape
    (2, 6)
    """
    check_operator("A", A)
    rows = chosen_rows(A.range_shape[0], views)
    of_views = getattr(A, "of_views", None)
    if of_views is not None:
        return of_views(rows)
    selection = Selection(A.range_shape, rows)
    held = next(A.buffers(), next(A.parameters(), None))
    return (selection if held is None else selection.to(held.device)) @ A


def chosen_rows(count: int, index: Any) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the numbers below `count` that an index selects."""
    rows = np.atleast_1d(np.arange(count)[index])
    if rows.ndim != 1 or len(rows) == 0:
        raise ValueError(f"index must select at least one of {count} along one axis, got {index!r}")
    if len(np.unique(rows)) < len(rows):
        raise ValueError(f"index must select nothing twice, got {index!r}")
    return rows.astype(np.int64)
