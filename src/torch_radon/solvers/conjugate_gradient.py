"""Conjugate gradients for symmetric positive definite operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Unpack

import torch
from torch import Tensor

from torch_radon.linear import LinearOperator
from torch_radon.solvers.arithmetic import add_scaled, divide, dot, norm, per_item
from torch_radon.solvers.implicit import Derivative, attach, is_implicit
from torch_radon.solvers.iteration import iterate
from torch_radon.solvers.options import Options
from torch_radon.solvers.problem import Problem, is_readable
from torch_radon.solvers.result import Result
from torch_radon.solvers.weighted_system import Map, as_positive

# How far from symmetric an operator may look, relative to what random vectors show of a matrix
# without any symmetry. Rounding shows as 1e-6 in float32 and 5e-4 in float16.
_ASYMMETRY = 5e-3

_SEED = 19520600


def conjugate_gradient(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    x0: Tensor | None = None,
    preconditioner: Tensor | LinearOperator | None = None,
    differentiate: Derivative = "unrolled",
    **options: Unpack[Options],
) -> Result:
    r"""Solve :math:`A x = y` for a symmetric positive definite operator.

    The conjugate gradient method [1]_, with a preconditioner P that approximates the inverse of A:

    .. math::
        \alpha_k = \frac{\langle r_k, z_k\rangle}{\langle p_k, A p_k\rangle}, \quad
        x_{k+1} = x_k + \alpha_k p_k, \quad r_{k+1} = r_k - \alpha_k A p_k, \quad
        z_{k+1} = P r_{k+1}, \quad
        p_{k+1} = z_{k+1} + \frac{\langle r_{k+1}, z_{k+1}\rangle}{\langle r_k, z_k\rangle} p_k .

    One application of A an iteration. For least squares use `cgls`, which never forms
    :math:`A^T A` and is more accurate.

    Parameters
    ----------
    A : LinearOperator
        Symmetric and positive definite. Symmetry is tested on two fixed random vectors before the
        first iteration.
    y : Tensor
        Right-hand sides, shape ``(..., *A.range_shape)``; the iterates have their type, at least
        float32.
    iterations : int
        Largest number of iterations.
    x0 : Tensor, optional
        Where to start, shape ``(..., *A.domain_shape)``, by default zeros.
    preconditioner : Tensor or LinearOperator, optional
        P, symmetric and positive definite: factors that are multiplied with, shape
        ``(..., *A.domain_shape)``, or an operator.
    differentiate : {"unrolled", "implicit"}, default "unrolled"
        How derivatives are formed: through all iterations, or as those of the exact solution, with
        one more solve in the backward pass and no memory for iterates; see `Notes`.
    **options
        See `Options`.

    Returns
    -------
    Result
        With the residual :math:`|y - A x| / |y|`. An item breaks down where
        :math:`\langle p, A p\rangle \le 0`: then A, or P, is not positive definite.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If A is not symmetric, shapes do not fit, there are NaN or infinite values in the data, or
        a number is out of range.

    Notes
    -----
    Implicit derivatives are those of the solution of :math:`A x = y`: the gradient g of x gives
    :math:`A^{-1} g` for y, by the same method with the same options. They are as exact as the
    solution is converged, of first order only, and also reach what A holds.

    References
    ----------
    .. [1] M. R. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving linear
       systems", Journal of Research of the National Bureau of Standards 49(6), 1952.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> D = tr.linear.Gradient((8, 8))
    >>> smooth = tr.linear.Identity((8, 8)) + 4.0 * (D.T @ D)
    >>> x = solvers.conjugate_gradient(smooth, torch.ones(8, 8), iterations=20).x
    >>> torch.allclose(x, torch.ones(8, 8), atol=1e-5)
    True
    """
    problem = Problem(A, y, x0, iterations, options)
    precondition = as_positive("preconditioner", preconditioner, problem, A.domain_shape)
    _refuse_asymmetry(problem)
    if not is_implicit(differentiate):
        start = problem.y - problem.forward(problem.x0) if problem.warm else problem.y
        return conjugate_directions(problem, problem.forward, start, problem.x0, precondition)
    with torch.no_grad():
        start = problem.y - problem.forward(problem.x0) if problem.warm else problem.y
        result = conjugate_directions(problem, problem.forward, start, problem.x0, precondition)
    return attach(
        problem,
        result,
        lambda x: problem.y - problem.forward(x),
        lambda g: inverse(problem, problem.forward, g, precondition),
    )


class _State(NamedTuple):
    x: Tensor
    residual: Tensor
    r: Tensor
    p: Tensor
    rho: Tensor
    broken: Tensor


def conjugate_directions(
    problem: Problem,
    apply: Callable[[Tensor], Tensor],
    r: Tensor,
    x: Tensor,
    precondition: Map,
    size: Tensor | None = None,
) -> Result:
    """Iterate from `x` with residual `r`, batches ``(N, *domain)``; `size` scales residuals."""
    scale = problem.data_norm() if size is None else size

    def advance(now: _State, k: int) -> _State:
        q = apply(now.p)
        curvature = dot(now.p, q)
        alpha = per_item(divide(now.rho, curvature, q.dtype), q)
        x = torch.addcmul(now.x, alpha, now.p)
        r = torch.addcmul(now.r, alpha, q, value=-1)
        z = precondition(r)
        rho = dot(r, z)
        p = add_scaled(z, divide(rho, now.rho, z.dtype), now.p)
        broken = is_breakdown(now.residual, torch.minimum(curvature, now.rho))
        residual = problem.relative(residual_norm(r, z, rho), scale)
        return _State(x, residual, r, p, rho, broken)

    z = precondition(r)
    rho = dot(r, z)
    residual = problem.relative(residual_norm(r, z, rho), scale)
    broken = torch.zeros_like(residual, dtype=torch.bool)
    return iterate(problem, _State(x, residual, r, z, rho, broken), advance)


def residual_norm(r: Tensor, z: Tensor, product: Tensor) -> Tensor:
    """Norms of residuals, which ``<r, z>`` gives where z, the preconditioned residual, is r."""
    return product.detach().sqrt() if z is r else norm(r)


def inverse(
    problem: Problem, apply: Callable[[Tensor], Tensor], g: Tensor, precondition: Map
) -> Tensor:
    """Solve ``apply(v) = g`` for ``(N, *domain)`` as the problem's own loop would, in silence."""
    zeros = torch.zeros_like(g)
    result = conjugate_directions(problem.silent(), apply, g, zeros, precondition, norm(g))
    return result.x.reshape(g.shape)


def is_breakdown(residual: Tensor, curvature: Tensor) -> Tensor:
    """Where a curvature is not positive though the residual is above its rounding errors."""
    return (curvature.detach() <= 0) & (residual > torch.finfo(residual.dtype).eps)


def _refuse_asymmetry(problem: Problem) -> None:
    A = problem.A
    if A.domain_shape != A.range_shape:
        raise ValueError(
            f"A must be symmetric, but it maps {A.domain_shape} to {A.range_shape}: use cgls"
        )
    if not is_readable(problem.y):
        return
    device = problem.y.device
    generator = torch.Generator(device).manual_seed(_SEED)
    shape = (2, *A.domain_shape)
    v = torch.randn(shape, generator=generator, dtype=problem.dtype, device=device)
    with torch.no_grad():
        image = A(v).to(problem.dtype)
    mismatch = float((dot(image[:1], v[1:]) - dot(v[:1], image[1:])).abs())
    # The vectors' entries have variance 1, so that <A u, v> is typically as large as |A u|.
    typical = float(norm(image).max())
    seen = mismatch / typical if typical > 0 else 0.0
    if seen > _ASYMMETRY:
        raise ValueError(
            "A must be symmetric, but <A u, v> and <u, A v> differ for random u and v by "
            f"{seen:.2g} of what they would for a matrix without symmetry: use cgls"
        )
