"""SIRT: simultaneous algebraic reconstruction."""

from __future__ import annotations

from typing import Any, Unpack

from torch import Tensor

from torch_radon.geometry.validation import as_finite
from torch_radon.linear import LinearOperator
from torch_radon.solvers.landweber import descend
from torch_radon.solvers.options import Options
from torch_radon.solvers.problem import Problem, as_projection
from torch_radon.solvers.result import Result
from torch_radon.solvers.weighted_system import WeightedSystem, identity
from torch_radon.solvers.weights import column_weights, row_weights


def sirt(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    relaxation: float = 1.0,
    x0: Tensor | None = None,
    constraint: Any = None,
    **options: Unpack[Options],
) -> Result:
    r"""Simultaneous iterative reconstruction technique.

    .. math:: x_{k+1} = \Pi\bigl(x_k + \lambda C A^T R (y - A x_k)\bigr)

    with one over the row sums of A in the diagonal R and one over its column sums in C: every ray's
    error is spread over its length, every pixel takes the mean over its rays. It is gradient
    descent on :math:`|y - A x|_R` in the metric of C and converges for
    :math:`0 < \lambda < 2` [1]_. One application of A and of its transpose an iteration.

    Parameters
    ----------
    A : LinearOperator
        With entries that are not negative.
    y : Tensor
        Data, shape ``(..., *A.range_shape)``; the iterates have their type, at least float32.
    iterations : int
        Largest number of iterations.
    relaxation : float, default 1.0
        :math:`\lambda`, between 0 and 2.
    x0 : Tensor, optional
        Where to start, shape ``(..., *A.domain_shape)``, by default zeros.
    constraint : object or callable, optional
        :math:`\Pi`, applied after every iteration; see `landweber`.
    **options
        See `Options`.

    Returns
    -------
    Result
        With the residual :math:`|y - A x|_R / |y|_R`, without rays that miss the image.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If shapes do not fit, there are NaN or infinite values, or a number is out of range.

    References
    ----------
    .. [1] J. Gregor and T. Benson, "Computational analysis and improvement of SIRT", IEEE
       Transactions on Medical Imaging 27(7), 2008.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam(torch.arange(40) * 0.08, columns=24))
    >>> result = solvers.sirt(A, A(torch.ones(16, 16)), iterations=50, constraint=torch.relu)
    >>> round(result.x[8, 8].item(), 1)
    1.0
    """
    problem = Problem(A, y, x0, iterations, options)
    as_projection(constraint)
    size = as_relaxation(relaxation)
    rays, pixels = row_weights(A, problem.y), column_weights(A, problem.y)
    return descend(
        problem,
        WeightedSystem(problem, rays),
        identity,
        size * pixels[None],
        constraint,
    )


def as_relaxation(value: float) -> float:
    """Return a relaxation between 0 and 2, both excluded."""
    number = as_finite("relaxation", value)
    if not 0 < number < 2:
        raise ValueError(f"relaxation must lie between 0 and 2, got {number}")
    return number
