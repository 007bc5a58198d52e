"""Derivatives of the solution of a linear system by one more solve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from torch_radon.solvers.problem import Problem
from torch_radon.solvers.result import Result

Derivative = Literal["unrolled", "implicit"]


def is_implicit(differentiate: str) -> bool:
    """Check the argument `differentiate`."""
    if differentiate not in get_args(Derivative):
        raise ValueError(
            f"differentiate must be one of {', '.join(get_args(Derivative))}, got {differentiate!r}"
        )
    return differentiate == "implicit"


def attach(
    problem: Problem,
    result: Result,
    defect: Callable[[Tensor], Tensor],
    solve: Callable[[Tensor], Tensor],
) -> Result:
    r"""Give the solution of :math:`M x = b` its derivatives.

    With the defect :math:`d(x) = b - M x` at the solution, held constant, :math:`x + M^{-1} d(x)`
    has the value of x and the derivatives of the solution with respect to everything in M and b.

    Parameters
    ----------
    problem : Problem
    result : Result
        The solution, without a graph.
    defect : callable
        ``d``, on batches.
    solve : callable
        The inverse of the symmetric M, on batches.

    Returns
    -------
    Result
    """
    if not torch.is_grad_enabled():
        return result
    x = result.x.reshape(problem.x0.shape)
    return replace(result, x=problem.images(_Solution.apply(x, defect(x), solve)))  # type: ignore[no-untyped-call]


class _Solution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, defect: Tensor, solve: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.solve = solve
        return x.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        return None, ctx.solve(gradient.contiguous()), None
