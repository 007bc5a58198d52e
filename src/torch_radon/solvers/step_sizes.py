"""Steps of primal-dual methods that make them converge, whatever the operators are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from torch_radon.linear import Gradient, LinearOperator, operator_norm
from torch_radon.projectors import Projector
from torch_radon.solvers.arithmetic import per_item
from torch_radon.solvers.problem import Problem
from torch_radon.solvers.splitting import Block

StepRule = Literal["diagonal", "norm"]

# Of the largest sum of a row or column: where there is less, steps are as if there were so much.
_SMALLEST = 1e-4


class Steps(NamedTuple):
    """Steps that broadcast to the variables.

    Attributes
    ----------
    primal : Tensor
    duals : tuple of Tensor
        One a block, the data term's first.
    """

    primal: Tensor
    duals: tuple[Tensor, ...]


@torch.no_grad()
def primal_dual_steps(
    rule: StepRule, problem: Problem, blocks: Sequence[Block], curvature: Tensor, balance: float
) -> Steps:
    r"""Compute steps with :math:`\|\Sigma^{1/2} K T^{1/2}\| \le 1` for the stacked operator K.

    Each operator :math:`K_i` is scaled by :math:`c_i`, the data's by the root of the curvature and
    the others so that they weigh as much. With sums of magnitudes over rows, :math:`a_i`, and over
    columns, :math:`b_i`, of the scaled operators,

    .. math:: T = \rho \Bigl(\sum_i b_i\Bigr)^{-1}, \qquad
              \Sigma_i = \frac{c_i^2}{\rho\, a_i}

    satisfy the condition for any number :math:`\rho` (Pock and Chambolle, ICCV 2011). It has the
    unit of an image over that of the dual variables, :math:`1 / \|c_0 A\|` over `balance`.

    Parameters
    ----------
    rule : {"diagonal", "norm"}
        With "norm" all sums are replaced by the norm of the operator.
    problem : Problem
    blocks : sequence of Block
        The data term's first.
    curvature : Tensor, shape (N, *range)
        See `positive_curvature`.
    balance : float

    Returns
    -------
    Steps
    """
    x, y = problem.x0, problem.y
    root = curvature.sqrt()
    if not y.numel() or not x.numel():
        return Steps(torch.ones_like(x), tuple(x.new_ones(()) for _ in blocks))
    if rule == "diagonal" and isinstance(problem.A, Projector):
        # Its entries are lengths, none of them negative, so that sums need no magnitudes.
        sums = problem.forward(x.new_ones(1, *x.shape[1:]))
        rows = sums.clamp_min(_SMALLEST * sums.max())
        columns = problem.adjoint(root)
    else:
        rows = y.new_tensor(operator_norm(problem.A, device=y.device))
        columns = per_item(_largest(root), x) * rows
    # One number an item from here on: the largest sum of a column, and the ratio of the steps.
    weight = _largest(columns)
    ratio = 1 / (balance * (_largest(root * rows) * weight).sqrt())
    inverse = columns
    duals = [root / (per_item(ratio, y) * rows)]
    for block in blocks[1:]:
        row, column = _bounds(rule, block.operator, y.device)
        inverse = inverse + per_item(weight, x)
        step = weight / (column * ratio * row)
        duals.append(step.view(-1, *(1 for _ in range(block.function.axes))))
    # A pixel that no ray meets and no regularizer knows stays where it is.
    inverse = torch.maximum(inverse, per_item(_SMALLEST * weight, x))
    return Steps(per_item(ratio, x) / inverse, tuple(duals))


def _bounds(
    rule: StepRule, operator: LinearOperator | None, device: torch.device
) -> tuple[float, float]:
    """Bounds of the sums over rows and columns of a regularizer's operator.

    They are the same for all rows, because the proximal maps of norms of groups need steps that
    are the same within a group.
    """
    if operator is None:
        return 1.0, 1.0
    if rule == "diagonal" and isinstance(operator, Gradient):
        sums = [2 / step for step in operator.spacing]
        return max(sums), sum(sums)
    # An operator that maps everything to zero takes any step.
    norm = operator_norm(operator, device=device) or 1.0
    return norm, norm


def _largest(values: Tensor) -> Tensor:
    """Largest value of each item, shape ``(N,)``; 1 where nothing is larger than 0."""
    largest = values.flatten(1).amax(1)
    return largest.masked_fill(largest <= 0, 1)
