"""The primal-dual hybrid gradient method of Chambolle and Pock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Unpack, get_args

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_finite, as_length
from torch_radon.linear import LinearOperator
from torch_radon.regularization.functions import Function
from torch_radon.regularization.regularizer import Regularizer
from torch_radon.solvers.arithmetic import norm
from torch_radon.solvers.data_terms import DataTerm, positive_curvature
from torch_radon.solvers.iteration import iterate
from torch_radon.solvers.options import Options
from torch_radon.solvers.problem import Problem
from torch_radon.solvers.result import Result
from torch_radon.solvers.splitting import Block, as_data_term, data_block, regularizer_blocks
from torch_radon.solvers.step_sizes import StepRule, Steps, primal_dual_steps


class _State(NamedTuple):
    x: Tensor
    residual: Tensor
    # The relaxed iterates, from which the next step starts; only `x` obeys the constraints.
    primal: Tensor
    duals: tuple[Tensor, ...]


def pdhg(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    regularizer: Regularizer | None = None,
    constraint: Regularizer | None = None,
    data_term: DataTerm | None = None,
    steps: StepRule = "diagonal",
    balance: float = 0.1,
    relaxation: float = 1.9,
    x0: Tensor | None = None,
    **options: Unpack[Options],
) -> Result:
    r"""Minimise a data term and any number of regularizers by primal-dual steps.

    .. math:: \min_x\; F(A x) + \sum_{i \ge 1} g_i(K_i x) + h(x)

    where regularizers without an analysis operator are in h and the others have dual variables, as
    the data term has. With :math:`K_0 = A` and :math:`g_0 = F` a step is

    .. math:: \tilde x = \mathrm{prox}_{\tau h}\Bigl(x - \tau \sum_i K_i^T p_i\Bigr), \qquad
              \tilde p_i = \mathrm{prox}_{\sigma_i g_i^*}(p_i + \sigma_i K_i (2 \tilde x - x)),

    and then :math:`(x, p) \leftarrow (x, p) + \rho (\tilde x - x, \tilde p - p)`. One iteration
    applies each operator and each transpose once; nothing is solved inside. It is the solver for
    total variation: constraints hold exactly in every iterate, and any data term may be used.

    Parameters
    ----------
    A : LinearOperator
    y : Tensor
        Data, shape ``(..., *A.range_shape)``; every leading index is a problem of its own.
    iterations : int
        Largest number of iterations; for total variation some 200.
    regularizer : Regularizer, optional
        For instance ``TV(0.01)`` or a sum, see `torch_radon.regularization`.
    constraint : Regularizer, optional
        One more of them, for instance ``NonNegative()``.
    data_term : DataTerm, optional
        `LeastSquares` (the default), `LeastAbsolute` or `Poisson`.
    steps : {"diagonal", "norm"}, default "diagonal"
        The rule for :math:`\tau` and :math:`\sigma`. "diagonal" makes a step for each pixel and ray
        from the sums of columns and rows [2]_, and needs no norm of A. "norm" makes one step for
        each variable from `operator_norm`. Both converge always.
    balance : float, default 0.1
        Larger dual steps and as much smaller primal steps. It changes the way, not the end; try a
        tenth or ten times as much where convergence is slow. `LeastAbsolute` likes 10 to 100.
    relaxation : float, default 1.9
        :math:`\rho` in (0, 2); 1 is the plain method.
    x0 : Tensor, optional
        Where to start, shape ``(..., *A.domain_shape)``; by default from zero.
    **options
        See `Options`.

    Returns
    -------
    Result
        The residual is the change of all variables in a step, in the norm of the method,
        over that of the data:
        :math:`(|\Delta x|^2 / \tau + \sum_i |\Delta p_i|^2 / \sigma_i)^{1/2} / |y|`. It is set to 1
        before the first step. For total variation of 256 x 256 pixels 1e-4 was a good picture, and
        1e-6 an objective right to four digits.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If shapes do not fit, data are not finite, or a number is out of range.

    References
    ----------
    .. [1] A. Chambolle and T. Pock, "A first-order primal-dual algorithm for convex problems with
       applications to imaging", Journal of Mathematical Imaging and Vision 40(1), 2011.
    .. [2] T. Pock and A. Chambolle, "Diagonal preconditioning for first order primal-dual
       algorithms in convex optimization", ICCV 2011.
    .. [3] L. Condat, "A primal-dual splitting method for convex optimization involving
       Lipschitzian, proximable and linear composite terms", Journal of Optimization Theory and
       Applications 158, 2013, for the relaxation.

    Examples
    --------
    A disc from eight views:

    >>> import math
    >>> import torch
    >>> import torch_radon as tr
    >>> volume = tr.Volume((32, 32))
    >>> scan = tr.parallel_beam(torch.linspace(0, math.pi, 9)[:-1], columns=32)
    >>> A = tr.Projector(volume, scan)
    >>> disc = tr.phantoms.Phantom([tr.phantoms.ellipse(1.0, (2, -3), (9, 9))])
    >>> result = tr.solvers.pdhg(
    ...     A,
    ...     disc.project(scan),
    ...     iterations=200,
    ...     regularizer=tr.regularization.TV(0.1),
    ...     constraint=tr.regularization.NonNegative(),
    ... )
    >>> round(result.x[13, 18].item(), 1), result.x.min().item()
    (1.0, 0.0)
    """
    problem = Problem(A, y, x0, iterations, options)
    term = as_data_term(data_term)
    direct, others = regularizer_blocks(problem, regularizer, constraint)
    blocks = [data_block(problem, term), *others]
    if steps not in get_args(StepRule):
        raise ValueError(f"steps must be one of {get_args(StepRule)}, got {steps!r}")
    rho = as_finite("relaxation", relaxation)
    if not 0 < rho < 2:
        raise ValueError(f"relaxation must be larger than 0 and smaller than 2, got {rho}")
    curvature = positive_curvature(problem, term)
    size = primal_dual_steps(steps, problem, blocks, curvature, as_length("balance", balance))
    # Roots of the inverse steps, of which the norm of the method is made.
    metric = [step.rsqrt() for step in (size.primal, *size.duals)]
    scale = norm(problem.y * curvature.sqrt())

    def advance(now: _State, k: int) -> _State:
        x, duals = _step(now, blocks, direct, size)
        before, after = (now.primal, *now.duals), (x, *duals)
        residual = problem.relative(_distance(before, after, metric), scale)
        if rho == 1:
            return _State(x, residual, x, duals)
        relaxed = tuple(torch.lerp(a, b, rho) for a, b in zip(now.duals, duals, strict=True))
        return _State(x, residual, torch.lerp(now.primal, x, rho), relaxed)

    x = problem.x0
    items = x.shape[0]
    shapes = [x.shape if b.operator is None else (items, *b.operator.range_shape) for b in blocks]
    duals = tuple(x.new_zeros(shape) for shape in shapes)
    one = x.new_ones(items, dtype=torch.float64)
    return iterate(problem, _State(x, one, x, duals), advance)


def _step(
    now: _State, blocks: Sequence[Block], direct: Function | None, size: Steps
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Take a step of the plain method from the relaxed iterates."""
    x = now.primal
    for block, p in zip(blocks, now.duals, strict=True):
        x = x.addcmul(size.primal, block.adjoint(p), value=-1)
    if direct is not None:
        x = direct.prox(x, size.primal)
    ahead = torch.lerp(now.primal, x, 2)
    duals = tuple(
        block.function.ascend(p, block.forward(ahead), sigma)
        for block, p, sigma in zip(blocks, now.duals, size.duals, strict=True)
    )
    return x, duals


def _distance(
    before: Sequence[Tensor], after: Sequence[Tensor], metric: Sequence[Tensor]
) -> Tensor:
    """Distance of all variables together, one number an item, without a graph."""
    parts = [
        torch.linalg.vector_norm(
            (b.detach() - a.detach()).mul_(m).flatten(1), dim=1, dtype=torch.float64
        )
        for a, b, m in zip(before, after, metric, strict=True)
    ]
    return torch.linalg.vector_norm(torch.stack(parts), dim=0)
