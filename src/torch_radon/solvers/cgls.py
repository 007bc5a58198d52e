"""Conjugate gradients for least-squares problems."""

from __future__ import annotations

from typing import NamedTuple, Unpack

import torch
from torch import Tensor

from torch_radon.linear import LinearOperator
from torch_radon.solvers.arithmetic import add_scaled, divide, dot, norm, per_item
from torch_radon.solvers.conjugate_gradient import inverse, is_breakdown, residual_norm
from torch_radon.solvers.implicit import Derivative, attach, is_implicit
from torch_radon.solvers.iteration import iterate
from torch_radon.solvers.options import Options
from torch_radon.solvers.problem import Problem
from torch_radon.solvers.result import Result
from torch_radon.solvers.weighted_system import Map, Parts, WeightedSystem, as_positive


def cgls(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    x0: Tensor | None = None,
    weights: Tensor | LinearOperator | None = None,
    damping: float | Tensor = 0.0,
    damping_operator: LinearOperator | None = None,
    preconditioner: Tensor | LinearOperator | None = None,
    differentiate: Derivative = "unrolled",
    **options: Unpack[Options],
) -> Result:
    r"""Least squares by conjugate gradients.

    .. math:: \min_x\; \tfrac12 \|A x - y\|_W^2 + \tfrac12 \lambda^2 \|L x\|^2,
              \qquad \|r\|_W^2 = \langle r, W r\rangle

    by the conjugate gradient method on the normal equations, in the form that keeps the residual
    :math:`r = y - A x` instead of forming :math:`A^T A` ([1]_, algorithm 7.4.1). From zeros and
    without damping the iterates approach the solution of smallest norm; with noisy data the first
    ones are the best, so that few iterations regularise by themselves.

    One application of A and of its transpose an iteration.

    Parameters
    ----------
    A : LinearOperator
    y : Tensor
        Data, shape ``(..., *A.range_shape)``; the iterates have their type, at least float32.
    iterations : int
        Largest number of iterations.
    x0 : Tensor, optional
        Where to start, shape ``(..., *A.domain_shape)``, by default zeros.
    weights : Tensor or LinearOperator, optional
        W, symmetric and positive semi-definite: factors ``(..., *A.range_shape)``, such as
        `poisson_weights`, zero for readings that do not count; or an operator, such as a
        `linear.RampFilter` along columns.
    damping : float or Tensor, default 0.0
        :math:`\lambda`, in the unit of the data over that of L x. As a tensor ``(...)``, one an
        item.
    damping_operator : LinearOperator, optional
        L, such as `linear.Gradient`; by default the identity (Tikhonov).
    preconditioner : Tensor or LinearOperator, optional
        An approximate inverse of :math:`A^T W A + \lambda^2 L^T L`, symmetric and positive
        definite: factors ``(..., *A.domain_shape)``, such as `diagonal_preconditioner`, or an
        operator, such as ``linear.RampFilter(A.domain_shape)``.
    differentiate : {"unrolled", "implicit"}, default "unrolled"
        How derivatives are formed: through all iterations, or as those of the exact minimiser, with
        one more solve in the backward pass and no memory for iterates; see `Notes`.
    **options
        See `Options`.

    Returns
    -------
    Result
        With the residual of the normal equations,
        :math:`|A^T W (y - A x) - \lambda^2 L^T L x| / |A^T W y|`, which falls to zero also where
        no x explains the data. An item breaks down where a weight or a preconditioner turns out
        not to be positive.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If shapes do not fit, there are NaN or infinite values, factors or damping are negative, or
        a number is out of range.

    Notes
    -----
    Implicit derivatives are those of the minimiser, with respect to the data, the weights, the
    damping and what A and L hold. They need a unique minimiser (damping, or an A of full column
    rank), are as exact as the solution is converged, and of first order only. The backward pass
    iterates under the same options.

    References
    ----------
    .. [1] A. Björck, *Numerical Methods for Least Squares Problems*, SIAM, 1996.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam(torch.arange(40) * 0.08, columns=24))
    >>> y = A(torch.ones(16, 16))
    >>> result = solvers.cgls(A, y, iterations=30, damping=0.1, tolerance=1e-4)
    >>> bool(result.converged)
    True
    >>> round(result.x[8, 8].item(), 2)
    1.0
    """
    problem = Problem(A, y, x0, iterations, options)
    system = WeightedSystem(problem, weights, damping, damping_operator)
    precondition = as_positive("preconditioner", preconditioner, problem, A.domain_shape)
    if not is_implicit(differentiate):
        return _minimize(problem, system, precondition)
    with torch.no_grad():
        result = _minimize(problem, system, precondition)
    return attach(
        problem,
        result,
        lambda x: system.adjoint(system.defect(x)),
        lambda g: inverse(problem, system.normal, g, precondition),
    )


class _State(NamedTuple):
    x: Tensor
    residual: Tensor
    r: Parts
    p: Tensor
    gamma: Tensor
    broken: Tensor | None


def _minimize(problem: Problem, system: WeightedSystem, precondition: Map) -> Result:
    def advance(now: _State, k: int) -> _State:
        q = system.forward(now.p)
        curvature, along = system.inner_with_both(q, now.r)
        # Equal to gamma over the curvature until rounding spoils the directions. From then on that
        # step makes the residual grow, in the end without bound; this one is always the best.
        alpha = per_item(divide(along, curvature, now.x.dtype), now.x)
        x = torch.addcmul(now.x, alpha, now.p)
        r = tuple(add_scaled(a, alpha, b, -1.0) for a, b in zip(now.r, q, strict=True))
        s = system.adjoint(r)
        z = precondition(s)
        gamma = dot(s, z)
        p = add_scaled(z, divide(gamma, now.gamma, z.dtype), now.p)
        broken = now.broken
        if broken is not None:
            broken = is_breakdown(now.residual, torch.minimum(curvature, now.gamma))
        residual = problem.relative(residual_norm(s, z, gamma), scale)
        return _State(x, residual, r, p, gamma, broken)

    r = system.first_defect()
    s = system.adjoint(r)
    z = precondition(s)
    gamma = dot(s, z)
    size = residual_norm(s, z, gamma)
    scale = norm(problem.adjoint(system.weigh(problem.y))) if problem.warm else size
    residual = problem.relative(size, scale)
    # Only what a user gave can turn out not to be positive.
    given = not (system.is_plain and z is s)
    broken = torch.zeros_like(residual, dtype=torch.bool) if given else None
    return iterate(problem, _State(problem.x0, residual, r, z, gamma, broken), advance)
