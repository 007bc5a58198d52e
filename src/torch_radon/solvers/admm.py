"""The alternating direction method of multipliers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Unpack

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_count, as_length, as_not_negative
from torch_radon.linear import LinearOperator, operator_norm
from torch_radon.regularization.regularizer import Regularizer
from torch_radon.solvers.arithmetic import divide, dot, joint_norm, norm, per_item
from torch_radon.solvers.data_terms import (
    DataTerm,
    LeastSquares,
    batch_weights,
    positive_curvature,
)
from torch_radon.solvers.iteration import iterate
from torch_radon.solvers.options import Options
from torch_radon.solvers.problem import Problem
from torch_radon.solvers.result import Result
from torch_radon.solvers.splitting import Block, as_data_term, data_block, regularizer_blocks
from torch_radon.solvers.squared_norm import squared_norm


class _State(NamedTuple):
    x: Tensor
    residual: Tensor
    # The solution of the inner linear system; `x` is the one that obeys the constraints.
    inner: Tensor
    splits: tuple[Tensor, ...]
    multipliers: tuple[Tensor, ...]


def admm(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    regularizer: Regularizer | None = None,
    constraint: Regularizer | None = None,
    data_term: DataTerm | None = None,
    penalty: float = 0.02,
    inner_iterations: int = 10,
    inner_tolerance: float = 1e-3,
    x0: Tensor | None = None,
    **options: Unpack[Options],
) -> Result:
    r"""Minimise a data term and any number of regularizers by alternating directions.

    .. math:: \min_{x, z}\; F(A x) + \sum_i g_i(z_i) \quad \text{subject to} \quad z_i = K_i x

    Each iteration solves a linear system for the image, and then applies proximal maps:

    .. math:: \Bigl(A^T W A + \sum_i \rho_i K_i^T K_i\Bigr) x
                 &= A^T W y + \sum_i \rho_i K_i^T (z_i - u_i), \\
              z_i &= \mathrm{prox}_{g_i / \rho_i}(K_i x + u_i), \\
              u_i &\leftarrow u_i + K_i x - z_i .

    The system is solved by conjugate gradients from the last image. `LeastSquares` stays in the
    system as it stands; for other data terms A is one more split, :math:`z_0 = A x`, and bounds are
    a split with the identity. It takes few iterations where the inner solver is quick, for
    instance with tight frames such as shearlets, whose :math:`K^T K` is the identity.

    Parameters
    ----------
    A : LinearOperator
    y : Tensor
        Data, shape ``(..., *A.range_shape)``; every leading index is a problem of its own.
    iterations : int
        Largest number of iterations; for total variation some 50.
    regularizer : Regularizer, optional
        For instance ``L1(weight, operator)`` or a sum, see `torch_radon.regularization`.
    constraint : Regularizer, optional
        One more of them, for instance ``NonNegative()``.
    data_term : DataTerm, optional
        `LeastSquares` (the default), `LeastAbsolute` or `Poisson`.
    penalty : float, default 0.02
        Sets :math:`\rho_i`, relative to the data term: 1 is
        :math:`\rho_i = \|A\|_W^2 / \|K_i\|^2`, the same norm in the system for both. It changes the
        way, not the end.
    inner_iterations : int, default 10
        Of conjugate gradients, each with one application of A, K and their transposes.
    inner_tolerance : float, default 1e-3
        An item's system counts as solved when its residual has fallen to this part of what it was
        before the inner iteration.
    x0 : Tensor, optional
        Where to start, shape ``(..., *A.domain_shape)``; by default from zero.
    **options
        See `Options`.

    Returns
    -------
    Result
        The residual is that of the splits and their change,
        :math:`\bigl(\sum_i \rho_i |K_i x - z_i|^2 + \rho_i |\Delta z_i|^2\bigr)^{1/2} / |y|`. It is
        set to 1 before the first step.
        With bounds, ``x`` is the split that obeys them exactly.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If shapes do not fit, data are not finite, a number is out of range, or there is neither
        regularizer nor constraint and least squares need no splits (use `cgls`).

    References
    ----------
    .. [1] S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, "Distributed optimization and
       statistical learning via the alternating direction method of multipliers", Foundations and
       Trends in Machine Learning 3(1), 2011.

    Examples
    --------
    >>> import math
    >>> import torch
    >>> import torch_radon as tr
    >>> scan = tr.parallel_beam(torch.linspace(0, math.pi, 9)[:-1], columns=32)
    >>> A = tr.Projector(tr.Volume((32, 32)), scan)
    >>> disc = tr.phantoms.Phantom([tr.phantoms.ellipse(1.0, (2, -3), (9, 9))])
    >>> result = tr.solvers.admm(
    ...     A,
    ...     disc.project(scan),
    ...     iterations=50,
    ...     regularizer=tr.regularization.TV(0.1),
    ...     constraint=tr.regularization.NonNegative(),
    ... )
    >>> round(result.x[13, 18].item(), 1), result.x.min().item()
    (1.0, 0.0)
    """
    problem = Problem(A, y, x0, iterations, options)
    term = as_data_term(data_term)
    direct, blocks = regularizer_blocks(problem, regularizer, constraint)
    if direct is not None:
        blocks = [Block(direct, _unchanged, _unchanged, None), *blocks]
    if not blocks and isinstance(term, LeastSquares):
        raise ValueError(
            "regularizer and constraint are both None, and least squares alone need no splitting: "
            "use cgls"
        )
    inner = as_count("inner_iterations", inner_iterations)
    tolerance = as_not_negative("inner_tolerance", inner_tolerance)
    system = _System(problem, blocks, term, as_length("penalty", penalty))
    scale = norm(problem.y * positive_curvature(problem, term).sqrt())

    def advance(now: _State, k: int) -> _State:
        targets = [z - u for z, u in zip(now.splits, now.multipliers, strict=True)]
        image = system.solve(now.inner, targets, inner, tolerance)
        splits, multipliers, sizes = [], [], []
        for block, rho, z, u in zip(
            system.blocks, system.penalties, now.splits, now.multipliers, strict=True
        ):
            moved = block.forward(image) + u
            split = block.function.prox(moved, 1 / rho)
            splits.append(split)
            multipliers.append(moved - split)
            root = rho.sqrt()
            sizes += [norm((multipliers[-1] - u) * root), norm((split - z) * root)]
        residual = problem.relative(joint_norm(sizes), scale)
        x = image if direct is None else splits[0]
        return _State(x, residual, image, tuple(splits), tuple(multipliers))

    x = problem.x0
    splits = tuple(block.forward(x) for block in system.blocks)
    none = tuple(torch.zeros_like(z) for z in splits)
    one = x.new_ones(x.shape[0], dtype=torch.float64)
    return iterate(problem, _State(x, one, x, splits, none), advance)


class _System:
    """The linear system for the image.

    Parameters
    ----------
    problem : Problem
    blocks : list of Block
        Of the regularizers.
    term : DataTerm
        Joins them unless it is quadratic.
    penalty : float
        See `admm`.
    """

    def __init__(
        self, problem: Problem, blocks: list[Block], term: DataTerm, penalty: float
    ) -> None:
        y = problem.y
        curvature = positive_curvature(problem, term)
        weights = (
            batch_weights(problem, term.weights) if isinstance(term, LeastSquares) else curvature
        )
        largest = squared_norm(problem, weights)
        self.blocks = blocks
        self.penalties = [_penalty(block, penalty * largest, y) for block in blocks]
        self._normal: tuple[Block, Tensor | None] | None = None
        self._constant: Tensor | None = None
        data = data_block(problem, term)
        if isinstance(term, LeastSquares):
            self._normal = data, weights
            self._constant = data.adjoint(y if weights is None else weights * y)
        else:
            self.blocks = [*blocks, data]
            self.penalties.append(curvature)

    def solve(
        self, x: Tensor, targets: Sequence[Tensor], iterations: int, tolerance: float
    ) -> Tensor:
        """Solve for the image by conjugate gradients that start from `x`."""
        r = self._right(targets) - self._apply(x)
        p, size = r, dot(r, r)
        enough = tolerance**2 * size.detach()
        for _ in range(iterations):
            image = self._apply(p)
            # Items that are solved go on with steps of length zero.
            step = divide(size, dot(p, image)) * (size > enough)
            x = x + per_item(step, x) * p
            r = r - per_item(step, r) * image
            before, size = size, dot(r, r)
            p = r + per_item(divide(size, before), p) * p
        return x

    def _apply(self, x: Tensor) -> Tensor:
        parts = [
            block.adjoint(rho * block.forward(x))
            for block, rho in zip(self.blocks, self.penalties, strict=True)
        ]
        if self._normal is not None:
            data, weights = self._normal
            z = data.forward(x)
            parts.append(data.adjoint(z if weights is None else weights * z))
        return sum(parts[1:], start=parts[0])

    def _right(self, targets: Sequence[Tensor]) -> Tensor:
        parts = [
            block.adjoint(rho * target)
            for block, rho, target in zip(self.blocks, self.penalties, targets, strict=True)
        ]
        if self._constant is not None:
            parts.append(self._constant)
        return sum(parts[1:], start=parts[0])


def _penalty(block: Block, size: Tensor, like: Tensor) -> Tensor:
    """The penalty of a regularizer's split, one an item, with axes like the split's."""
    norm = 1.0 if block.operator is None else operator_norm(block.operator, device=like.device)
    # An operator that maps everything to zero is content with any penalty.
    penalty = (size / (norm**2 or 1.0)).to(like.dtype)
    return penalty.view(-1, *(1 for _ in range(block.function.axes)))


def _unchanged(x: Tensor) -> Tensor:
    return x
