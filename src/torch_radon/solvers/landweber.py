"""Landweber's iteration: gradient descent on a least-squares distance."""

from __future__ import annotations

from typing import Any, NamedTuple, Unpack

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_length
from torch_radon.linear import LinearOperator
from torch_radon.linear.norm import largest_eigenvalue, random_start
from torch_radon.solvers.arithmetic import per_item
from torch_radon.solvers.iteration import iterate
from torch_radon.solvers.options import Options
from torch_radon.solvers.problem import Problem, as_projection
from torch_radon.solvers.result import Result
from torch_radon.solvers.weighted_system import Map, WeightedSystem, as_positive

# Applications of the operator that find the largest step, and the part of it that is taken.
_PROBES = 20
_RELAXATION = 0.95


def landweber(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    step: float | None = None,
    x0: Tensor | None = None,
    weights: Tensor | LinearOperator | None = None,
    preconditioner: Tensor | LinearOperator | None = None,
    constraint: Any = None,
    **options: Unpack[Options],
) -> Result:
    r"""Least squares by gradient descent.

    .. math:: x_{k+1} = \Pi\bigl(x_k + \tau P A^T W (y - A x_k)\bigr)

    Landweber's iteration [1]_ has W, P and :math:`\Pi` equal to the identity; with a projection
    :math:`\Pi` onto a convex set it minimises over that set. It converges for steps
    :math:`0 < \tau < 2 / \lambda`, with the largest eigenvalue :math:`\lambda` of
    :math:`P A^T W A`, and the residual falls in every step. One application of A and of its
    transpose an iteration.

    Parameters
    ----------
    A : LinearOperator
    y : Tensor
        Data, shape ``(..., *A.range_shape)``; the iterates have their type, at least float32.
    iterations : int
        Largest number of iterations.
    step : float, optional
        :math:`\tau`; by default :math:`0.95 \cdot 2 / \lambda`, with :math:`\lambda` estimated
        from 20 applications of A and its transpose as `operator_norm` does it.
    x0 : Tensor, optional
        Where to start, shape ``(..., *A.domain_shape)``, by default zeros.
    weights : Tensor or LinearOperator, optional
        W, symmetric and positive semi-definite: factors ``(..., *A.range_shape)``, such as
        `poisson_weights`, or an operator, such as ``linear.RampFilter(A.range_shape, axes=1)``,
        with which far fewer iterations are needed.
    preconditioner : Tensor or LinearOperator, optional
        P, symmetric and positive definite: factors ``(..., *A.domain_shape)``, such as
        `diagonal_preconditioner`, or an operator, such as ``linear.RampFilter(A.domain_shape)``.
    constraint : object or callable, optional
        :math:`\Pi`: `regularization.NonNegative`, `regularization.Box` or any object with a method
        ``project``, or a function of batches of images such as ``torch.relu``. With a
        preconditioner that mixes pixels it would not lead to the minimiser and is refused.
    **options
        See `Options`.

    Returns
    -------
    Result
        With the residual :math:`|y - A x|_W / |y|_W`. It rises if the step is too large, which
        counts as divergence (with a function as constraint only far above where it started).

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If shapes do not fit, there are NaN or infinite values, factors are negative, a number is
        out of range, or `constraint` is given together with an operator as `preconditioner`.

    References
    ----------
    .. [1] L. Landweber, "An iteration formula for Fredholm integral equations of the first kind",
       American Journal of Mathematics 73(3), 1951.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam(torch.arange(40) * 0.08, columns=24))
    >>> result = solvers.landweber(A, A(torch.ones(16, 16)), iterations=100, constraint=torch.relu)
    >>> bool(result.residuals[-1] < 0.02)
    True
    """
    problem = Problem(A, y, x0, iterations, options)
    as_projection(constraint)
    system = WeightedSystem(problem, weights)
    precondition = as_positive("preconditioner", preconditioner, problem, A.domain_shape)
    if constraint is not None and isinstance(preconditioner, LinearOperator):
        raise ValueError(
            "constraint cannot be combined with an operator as preconditioner, only with factors: "
            "the projection would have to be in the metric of the preconditioner"
        )
    if step is None:
        shared = not any(
            isinstance(given, Tensor) and given.ndim > len(shape)
            for given, shape in ((weights, A.range_shape), (preconditioner, A.domain_shape))
        )
        tau = _default_step(problem, system, precondition, 1 if shared else len(problem.y))
    else:
        tau = problem.y.new_full((1,), as_length("step", step))
    return descend(problem, system, precondition, tau, constraint)


class _State(NamedTuple):
    x: Tensor
    residual: Tensor
    r: Tensor


def descend(
    problem: Problem, system: WeightedSystem, precondition: Map, step: Tensor, constraint: Any
) -> Result:
    """Do preconditioned gradient steps and project each time.

    A step has one size for all or for an item, ``(1,)`` or ``(N,)``, or one for every pixel.
    """
    project = as_projection(constraint)
    # A function may do anything, such as denoise, and what it does to the residual is unknown.
    monotone = constraint is None or hasattr(constraint, "project")
    scale = system.size(problem.y)
    step = per_item(step, problem.x0)

    def state(x: Tensor, r: Tensor) -> _State:
        return _State(x, problem.relative(system.size(r), scale), r)

    def advance(now: _State, k: int) -> _State:
        descent = precondition(system.adjoint((now.r,)))
        x = project(torch.addcmul(now.x, step, descent))
        return state(x, problem.y - problem.forward(x))

    start = state(problem.x0, system.first_defect()[0])
    return iterate(problem, start, advance, monotone=monotone)


def _default_step(
    problem: Problem, system: WeightedSystem, precondition: Map, items: int
) -> Tensor:
    """95 % of the largest step, for as many items as have one of their own."""
    start = random_start(problem.A, problem.dtype, problem.y.device)
    start = start.expand(items, *start.shape)
    largest = largest_eigenvalue(system.normal, start, _PROBES, precondition)
    # An operator that sees nothing takes any step.
    return (2 * _RELAXATION / largest.masked_fill(largest <= 0, 1)).to(problem.dtype)
