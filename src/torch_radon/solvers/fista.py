"""Accelerated proximal gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Unpack

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_count, as_length
from torch_radon.linear import LinearOperator
from torch_radon.regularization.dual_prox import DualProx, Duals
from torch_radon.regularization.regularizer import Regularizer
from torch_radon.solvers.arithmetic import divide, dot, norm, per_item
from torch_radon.solvers.data_terms import batch_weights
from torch_radon.solvers.iteration import iterate
from torch_radon.solvers.options import Options
from torch_radon.solvers.problem import Problem
from torch_radon.solvers.result import Result
from torch_radon.solvers.splitting import regularizer_terms
from torch_radon.solvers.squared_norm import squared_norm

# What a step that was too long is divided by.
_SHORTEN = 1.5

# By how much rounding may make a step look too long.
_ROUNDING = 1 + 1e-4

Weigh = Callable[[Tensor], Tensor]


class _State(NamedTuple):
    x: Tensor
    residual: Tensor
    Ax: Tensor
    # Where the next gradient is taken, ahead of x, and its projections.
    ahead: Tensor
    A_ahead: Tensor
    # The momentum's sequence, and one over the step; both (N,).
    t: Tensor
    lipschitz: Tensor
    duals: Duals


def fista(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    regularizer: Regularizer | None = None,
    constraint: Regularizer | None = None,
    weights: Tensor | None = None,
    step: float | Literal["backtracking"] | None = None,
    momentum: bool = True,
    restart: bool = True,
    inner_iterations: int = 10,
    x0: Tensor | None = None,
    **options: Unpack[Options],
) -> Result:
    r"""Minimise weighted least squares and a regularizer by accelerated proximal gradients.

    .. math:: \min_x\; \tfrac12 \|A x - y\|_W^2 + R(x)

    by gradient steps on the first and proximal maps of the second term,

    .. math:: x_{k+1} = \mathrm{prox}_{s R}\bigl(v_k - s A^T W (A v_k - y)\bigr), \qquad
              v_{k+1} = x_{k+1} + \tfrac{t_k - 1}{t_{k+1}} (x_{k+1} - x_k),

    with :math:`t_{k+1} = (1 + \sqrt{1 + 4 t_k^2}) / 2`. Where regularizers act on the image itself
    (bounds, `L1`, `L2` and `SquaredL2` without an operator; all but `L2` may be added up) the map
    is exact. With analysis operators, as in `TV`, it is found by a few inner iterations on its dual
    problem that go on from where they ended the last time. This pays where applying A costs much
    more than applying the regularizer; otherwise `pdhg` does the same without inner iterations.

    Parameters
    ----------
    A : LinearOperator
    y : Tensor
        Data, shape ``(..., *A.range_shape)``; every leading index is a problem of its own.
    iterations : int
        Largest number of iterations; for total variation some 100. Each applies A and ``A.T`` once.
    regularizer : Regularizer, optional
        See `torch_radon.regularization`.
    constraint : Regularizer, optional
        One more, for instance ``NonNegative()``.
    weights : Tensor, optional
        The diagonal of W, not negative, shape ``(..., *A.range_shape)``.
    step : float, "backtracking" or None, default None
        s. By default :math:`1 / \|W^{1/2} A\|^2`, estimated as by `operator_norm`. With
        "backtracking" each item starts from a long step, and an iteration whose step was too long
        is done again with one shorter by 1.5; it counts as an iteration. This needs no norm, and a
        step is often longer.
    momentum : bool, default True
        Without, it is the proximal gradient method, whose objective never rises.
    restart : bool, default True
        Forget the momentum of an item where it points uphill,
        :math:`\langle v_k - x_{k+1}, x_{k+1} - x_k\rangle > 0` [2]_.
    inner_iterations : int, default 10
        Of proximal maps that are not in closed form.
    x0 : Tensor, optional
        Where to start, shape ``(..., *A.domain_shape)``; by default from zero.
    **options
        See `Options`.

    Returns
    -------
    Result
        The residual is the length of the proximal gradient at :math:`v_k`, relative to
        that of the gradient at zero: :math:`|v_k - x_{k+1}| / (s\, |A^T W y|)`. It is set to 1
        before the first step.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If shapes do not fit, data are not finite, or a number is out of range.

    References
    ----------
    .. [1] A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear
       inverse problems", SIAM Journal on Imaging Sciences 2(1), 2009.
    .. [2] B. O'Donoghue and E. Candes, "Adaptive restart for accelerated gradient schemes",
       Foundations of Computational Mathematics 15, 2015.

    Examples
    --------
    Few bright points from few views:

    >>> import torch
    >>> import torch_radon as tr
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam([0.0, 0.5, 1.0, 1.6], columns=16))
    >>> x = torch.zeros(16, 16)
    >>> x[4, 5], x[9, 12] = 1.0, 2.0
    >>> sparse = tr.regularization.L1(0.05)
    >>> result = tr.solvers.fista(A, A(x), iterations=100, regularizer=sparse)
    >>> (result.x > 0.5).nonzero().tolist()
    [[4, 5], [9, 12]]
    """
    problem = Problem(A, y, x0, iterations, options)
    W = batch_weights(problem, weights)
    axes = len(A.domain_shape)
    terms = regularizer_terms(problem, regularizer, constraint)
    prox = DualProx(terms, axes, problem.y.device)
    inner = as_count("inner_iterations", inner_iterations)
    constant = None if step is None or step == "backtracking" else as_length("step", step)
    backtracking = step == "backtracking"

    def weigh(residual: Tensor) -> Tensor:
        return residual if W is None else W * residual

    scale = norm(problem.adjoint(weigh(problem.y)))

    def advance(now: _State, k: int) -> _State:
        s = (1 / now.lipschitz).to(now.x.dtype)
        gradient = problem.adjoint(weigh(now.A_ahead - problem.y))
        x, duals = prox.advance(now.ahead - per_item(s, now.x) * gradient, s, now.duals, inner)
        Ax = problem.forward(x)
        move = x - now.ahead
        residual = problem.relative(norm(move) * now.lipschitz.detach(), scale)
        t, ahead, A_ahead = now.t, x, Ax
        if momentum:
            t = 0.5 + (0.25 + now.t.square()).sqrt()
            beta = (now.t - 1) / t
            if restart:
                uphill = dot(move, x - now.x) < 0
                t, beta = t.masked_fill(uphill, 1), beta.masked_fill(uphill, 0)
            ahead = torch.lerp(now.x, x, per_item(1 + beta, x))
            A_ahead = torch.lerp(now.Ax, Ax, per_item(1 + beta, Ax))
        after = _State(x, residual, Ax, ahead, A_ahead, t, now.lipschitz, duals)
        return _shorten(now, after, move, weigh) if backtracking else after

    x = problem.x0
    one = x.new_ones(x.shape[0], dtype=torch.float64)
    start = problem.forward(x)
    if backtracking:
        # The curvature along the gradient of the data is at most the largest there is.
        direction = problem.adjoint(weigh(problem.y)).detach()
        image = problem.forward(direction)
        curvature = divide(dot(image, weigh(image)), dot(direction, direction))
        lipschitz = curvature.masked_fill(curvature <= 0, 1)
    elif constant is None:
        lipschitz = squared_norm(problem, W)
    else:
        lipschitz = one / constant
    return iterate(
        problem,
        _State(x, one, start, x, start, one, lipschitz, prox.start(x)),
        advance,
    )


def _shorten(before: _State, after: _State, move: Tensor, weigh: Weigh) -> _State:
    """Take back the step of items that were too long for their curvature, and shorten the next.

    The majorant of least squares is above it at the new point if, and only if,
    ``|A (x - ahead)|_W**2 <= |x - ahead|**2 / step``: nothing but the move is compared, which has
    no cancellation near the optimum.
    """
    image = (after.Ax - before.A_ahead).detach()
    too_long = dot(image, weigh(image)) > before.lipschitz * dot(move, move).detach() * _ROUNDING

    def keep(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(per_item(too_long, a), a, b)

    return _State(
        keep(before.x, after.x),
        after.residual,
        keep(before.Ax, after.Ax),
        keep(before.ahead, after.ahead),
        keep(before.A_ahead, after.A_ahead),
        keep(before.t, after.t),
        torch.where(too_long, before.lipschitz * _SHORTEN, before.lipschitz),
        tuple(keep(a, b) for a, b in zip(before.duals, after.duals, strict=True)),
    )
