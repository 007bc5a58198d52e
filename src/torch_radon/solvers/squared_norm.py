"""The largest curvature of weighted least squares, for each item of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_radon.linear import operator_norm
from torch_radon.linear.norm import largest_eigenvalue, random_start
from torch_radon.solvers.problem import Problem

# The estimate comes from below. After so many applications the safety covers what is missing.
_PROBES = 12
_SAFETY = 1.02


@torch.no_grad()
def squared_norm(problem: Problem, weights: Tensor | None) -> Tensor:
    r"""Estimate the largest eigenvalue of :math:`A^T W A` for each item's weights.

    Parameters
    ----------
    problem : Problem
    weights : Tensor or None
        The diagonal of W, broadcasts to the data; None for 1.

    Returns
    -------
    Tensor of float64, shape (N,)
        A little above the eigenvalue, see `operator_norm`; 1 where it is zero, since no step is
        wrong there.
    """
    device, items = problem.y.device, problem.y.shape[0]
    if weights is None:
        largest = operator_norm(problem.A, device=device) ** 2
        found = problem.y.new_full((items,), largest, dtype=torch.float64)
    else:
        start = random_start(problem.A, problem.dtype, device).expand_as(problem.x0)
        found = _SAFETY * largest_eigenvalue(
            lambda v: problem.adjoint(weights * problem.forward(v)), start, _PROBES
        )
    return found.masked_fill(found <= 0, 1)
