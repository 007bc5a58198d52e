"""Expectation maximisation for Poisson data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Unpack

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_finite
from torch_radon.linear import LinearOperator
from torch_radon.solvers.arithmetic import divide, joint_norm, norm, per_item
from torch_radon.solvers.iteration import iterate
from torch_radon.solvers.options import Options
from torch_radon.solvers.ordering import Ordering
from torch_radon.solvers.problem import Problem, refuse_negative
from torch_radon.solvers.result import Result
from torch_radon.solvers.subset_problem import SubsetProblem
from torch_radon.solvers.weights import column_weights


def mlem(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    background: float | Tensor = 0.0,
    x0: Tensor | None = None,
    **options: Unpack[Options],
) -> Result:
    r"""Maximum likelihood by expectation maximisation.

    .. math:: x_{k+1} = \frac{x_k}{A^T \mathbf 1}\; A^T\, \frac{y}{A x_k + b}

    increases the likelihood of Poisson counts y with expectation :math:`A x + b` in every
    iteration [1]_ and keeps x non-negative. One application of A and of its transpose an
    iteration.

    Parameters
    ----------
    A : LinearOperator
        With entries that are not negative.
    y : Tensor
        Counts, or anything proportional to counts, not negative, shape ``(..., *A.range_shape)``;
        the iterates have their type, at least float32.
    iterations : int
        Largest number of iterations.
    background : float or Tensor, default 0.0
        Expected counts b that do not come from x, a number or of shape ``(..., *A.range_shape)``.
    x0 : Tensor, optional
        Where to start, shape ``(..., *A.domain_shape)``, not negative; pixels that start at zero
        stay there. By default the uniform image with as many expected counts as there are.
    **options
        See `Options`.

    Returns
    -------
    Result
        With the residual :math:`|y - A x - b| / |y|`. Pixels that no ray sees are zero.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If counts, the background or the start are negative somewhere, shapes do not fit, there are
        NaN or infinite values, or a number is out of range.

    References
    ----------
    .. [1] L. A. Shepp and Y. Vardi, "Maximum likelihood reconstruction for emission tomography",
       IEEE Transactions on Medical Imaging 1(2), 1982.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam(torch.arange(40) * 0.08, columns=24))
    >>> x = solvers.mlem(A, A(torch.ones(16, 16)), iterations=20).x
    >>> round(x[8, 8].item(), 1)
    1.0
    """
    problem = Problem(A, y, x0, iterations, options)
    b = _check_counts(problem, background)
    pixels = column_weights(A, problem.y)
    scale = problem.data_norm()

    def state(x: Tensor) -> _State:
        expected = problem.forward(x) + b
        return _State(x, problem.relative(norm(problem.y - expected), scale), expected)

    def advance(now: _State, k: int) -> _State:
        return state(now.x * pixels * problem.adjoint(divide(problem.y, now.expected)))

    return iterate(problem, state(_start(problem)), advance)


class _State(NamedTuple):
    x: Tensor
    residual: Tensor
    expected: Tensor


def osem(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    subsets: int | Sequence[Any] = 10,
    ordering: Ordering = "golden",
    generator: torch.Generator | None = None,
    background: float | Tensor = 0.0,
    x0: Tensor | None = None,
    **options: Unpack[Options],
) -> Result:
    r"""Expectation maximisation with ordered subsets of views.

    An iteration is a sweep over all subsets s of the views, each of which updates the image:

    .. math:: x \leftarrow \frac{x}{A_s^T \mathbf 1}\; A_s^T\, \frac{y_s}{A_s x + b_s}

    With n subsets the first iterations are about n times as effective as those of `mlem` [1]_; in
    the end the sweeps cycle about the solution unless an image explains the data. Every subset
    should see every pixel.

    Parameters
    ----------
    A, y, background, x0
        See `mlem`.
    iterations : int
        Sweeps, each of which applies A and its transpose once.
    subsets, ordering, generator
        See `os_sart`.
    **options
        See `Options`.

    Returns
    -------
    Result
        With the residual :math:`|y - A x - b| / |y|` as the sweep met it: that of each subset
        before its update. Pixels that a subset does not see are left alone by it.

    Raises
    ------
    TypeError, ValueError
        As `mlem` and `os_sart` raise them.

    References
    ----------
    .. [1] H. M. Hudson and R. S. Larkin, "Accelerated image reconstruction using ordered subsets of
       projection data", IEEE Transactions on Medical Imaging 13(4), 1994.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam(torch.arange(40) * 0.08, columns=24))
    >>> x = solvers.osem(A, A(torch.ones(16, 16)), iterations=3, subsets=8).x
    >>> round(x[8, 8].item(), 1)
    1.0
    """
    problem = Problem(A, y, x0, iterations, options)
    b = _check_counts(problem, background)
    split = SubsetProblem(problem, subsets, ordering, generator)
    floors = [b if b.ndim == 0 else b.index_select(1, part.rows) for part in split.parts]
    scale = problem.data_norm()

    def sweep(now: _SweepState, k: int) -> _SweepState:
        x = now.x
        sizes = []
        for s in split.orders[k]:
            part = split.parts[s]
            expected = problem.apply(part.A, x) + floors[s]
            sizes.append(norm(part.y - expected))
            pixels = split.pixel_weights(s)
            factors = pixels * problem.apply(part.transpose, divide(part.y, expected))
            x = torch.where(pixels > 0, x * factors, x)
        return _SweepState(x, problem.relative(joint_norm(sizes), scale))

    x = _start(problem)
    error = problem.y - problem.forward(x) - b
    return iterate(problem, _SweepState(x, problem.relative(norm(error), scale)), sweep)


class _SweepState(NamedTuple):
    x: Tensor
    residual: Tensor


def _check_counts(problem: Problem, background: float | Tensor) -> Tensor:
    """Refuse what is negative; return the background as ``(N, *range)`` or a number."""
    if isinstance(background, Tensor):
        b = problem.batch("background", background, problem.A.range_shape)
    else:
        b = problem.y.new_full((), as_finite("background", background))
    for name, values in (("y", problem.y), ("background", b), ("x0", problem.x0)):
        refuse_negative(name, values)
    return b


def _start(problem: Problem) -> Tensor:
    """The start that was given, or the uniform image with the counts of the data."""
    if problem.warm:
        return problem.x0
    ones = torch.ones_like(problem.x0)
    image = problem.forward(ones).flatten(1).sum(1)
    level = divide(problem.y.flatten(1).sum(1), image)
    return per_item(level, ones) * ones
