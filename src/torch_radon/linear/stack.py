"""Operators on top of each other."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from torch_radon.linear.operator import LinearOperator, check_operator


class Stack(LinearOperator):
    r"""Several operators on the same input, their outputs joined.

    .. math:: x \mapsto (A_1 x, \dots, A_n x), \qquad
              (y_1, \dots, y_n) \mapsto \sum_i A_i^T y_i

    The outputs may differ in shape, so that they are flattened and laid end to end; `split` takes
    such a vector apart. The transpose of a stack of transposes puts operators side by side.

    Parameters
    ----------
    *operators : LinearOperator
        At least one, all with the same `domain_shape`.

    Raises
    ------
    TypeError
        If one is no `LinearOperator`.
    ValueError
        If there are none, or they take different shapes.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> A = tr.Projector(tr.Volume((4, 4)), tr.parallel_beam([0.0], columns=4))
    >>> K = tr.linear.Stack(A, tr.linear.Gradient((4, 4)))
    >>> K.range_shape
    (36,)
    >>> [tuple(part.shape) for part in K.split(K(torch.ones(5, 4, 4)))]
    [(5, 1, 4), (5, 2, 4, 4)]
    """

    def __init__(self, *operators: LinearOperator) -> None:
        if not operators:
            raise ValueError("a stack needs at least one operator, got none")
        for number, operator in enumerate(operators):
            check_operator(f"operators[{number}]", operator)
        domains = {operator.domain_shape for operator in operators}
        if len(domains) > 1:
            raise ValueError(
                f"operators of a stack must take the same shape, got {sorted(domains)}"
            )
        self._sizes = [math.prod(operator.range_shape) for operator in operators]
        super().__init__(operators[0].domain_shape, (sum(self._sizes),))
        self.operators = nn.ModuleList(operators)

    @property
    def norm_bound(self) -> float | None:
        """The root of the sum of the squared bounds, where all are known."""
        bounds = [operator.norm_bound for operator in self._parts()]
        known = [bound for bound in bounds if bound is not None]
        return math.hypot(*known) if len(known) == len(bounds) else None

    def split(self, y: Tensor) -> list[Tensor]:
        """Take outputs ``(..., n)`` apart into ``(..., *A_i.range_shape)``, which are views."""
        parts = zip(y.split(self._sizes, dim=-1), self._parts(), strict=True)
        return [part.unflatten(-1, operator.range_shape) for part, operator in parts]

    def _parts(self) -> list[LinearOperator]:
        return [part for part in self.operators if isinstance(part, LinearOperator)]

    def _apply_batch(self, x: Tensor) -> Tensor:
        return torch.cat([part._apply_batch(x).flatten(1) for part in self._parts()], 1)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        pairs = zip(self._parts(), self.split(y), strict=True)
        images = [part._adjoint_batch(piece) for part, piece in pairs]
        return sum(images[1:], start=images[0])
