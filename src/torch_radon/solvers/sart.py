"""SART and its ordered subsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Unpack

import torch
from torch import Tensor

from torch_radon.linear import LinearOperator
from torch_radon.linear.operator import check_operator
from torch_radon.solvers.arithmetic import joint_norm, norm
from torch_radon.solvers.iteration import iterate
from torch_radon.solvers.options import Options
from torch_radon.solvers.ordering import Ordering
from torch_radon.solvers.problem import Problem, as_projection
from torch_radon.solvers.result import Result
from torch_radon.solvers.sirt import as_relaxation
from torch_radon.solvers.subset_problem import SubsetProblem
from torch_radon.solvers.weights import row_weights


def os_sart(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    subsets: int | Sequence[Any] = 10,
    ordering: Ordering = "golden",
    generator: torch.Generator | None = None,
    relaxation: float = 1.0,
    x0: Tensor | None = None,
    constraint: Any = None,
    **options: Unpack[Options],
) -> Result:
    r"""Algebraic reconstruction with ordered subsets of views.

    An iteration is a sweep over all subsets s of the views, each of which updates the image:

    .. math:: x \leftarrow \Pi\bigl(x + \lambda C_s A_s^T R_s (y_s - A_s x)\bigr)

    with one over the row sums of :math:`A_s` in :math:`R_s` and over its column sums in
    :math:`C_s` [1]_. With one subset it is `sirt`, with a view each `sart`; in between, n subsets
    make the first iterations about n times as effective. With data that no image explains the
    sweeps end in a cycle, which a smaller relaxation makes smaller.

    Parameters
    ----------
    A : LinearOperator
        With entries that are not negative, and views as the first axis of `range_shape`.
    y : Tensor
        Data, shape ``(..., *A.range_shape)``; the iterates have their type, at least float32.
    iterations : int
        Sweeps, each of which applies A and its transpose once.
    subsets : int or sequence, default 10
        Number of subsets, subset i having the views ``i::subsets``; or the views of each subset,
        as NumPy indexes an axis.
    ordering : {"golden", "multilevel", "sequential", "random"}, default "golden"
        In which order a sweep visits the subsets, see `subset_orders`.
    generator : torch.Generator, optional
        A CPU generator for the ordering "random".
    relaxation : float, default 1.0
        :math:`\lambda`, between 0 and 2.
    x0 : Tensor, optional
        Where to start, shape ``(..., *A.domain_shape)``, by default zeros.
    constraint : object or callable, optional
        :math:`\Pi`, applied after every subset; see `landweber`.
    **options
        See `Options`.

    Returns
    -------
    Result
        With the residual :math:`|y - A x| / |y|` as the sweep met it: that of each subset before
        its update. It costs nothing and is a little larger than that of the result.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If shapes do not fit, there are NaN or infinite values, there are more subsets than views,
        a number is out of range, or a name is unknown.

    References
    ----------
    .. [1] Y. Censor and T. Elfving, "Block-iterative algorithms with diagonally scaled oblique
       projections for the linear feasibility problem", SIAM Journal on Matrix Analysis and
       Applications 24(1), 2002.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam(torch.arange(40) * 0.08, columns=24))
    >>> x = solvers.os_sart(A, A(torch.ones(16, 16)), iterations=5, subsets=8).x
    >>> round(x[8, 8].item(), 1)
    1.0
    """
    problem = Problem(A, y, x0, iterations, options)
    size, project = as_relaxation(relaxation), as_projection(constraint)
    split = SubsetProblem(problem, subsets, ordering, generator)
    rays = [row_weights(part.A, problem.y) for part in split.parts]
    scale = problem.data_norm()

    def sweep(now: _State, k: int) -> _State:
        x = now.x
        sizes = []
        for s in split.orders[k]:
            part = split.parts[s]
            r = part.y - problem.apply(part.A, x)
            sizes.append(norm(r))
            back = problem.apply(part.transpose, rays[s] * r)
            x = project(torch.addcmul(x, split.pixel_weights(s), back, value=size))
        return _State(x, problem.relative(joint_norm(sizes), scale))

    error = problem.y - problem.forward(problem.x0) if problem.warm else problem.y
    return iterate(problem, _State(problem.x0, problem.relative(norm(error), scale)), sweep)


def sart(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    ordering: Ordering = "golden",
    generator: torch.Generator | None = None,
    relaxation: float = 1.0,
    x0: Tensor | None = None,
    constraint: Any = None,
    **options: Unpack[Options],
) -> Result:
    r"""Simultaneous algebraic reconstruction technique, view by view.

    `os_sart` with every view a subset of its own [1]_: an iteration is a sweep over all views.
    A few sweeps suffice; with noise, relax them.

    Parameters
    ----------
    A, y, iterations, ordering, generator, relaxation, x0, constraint
        See `os_sart`.
    **options
        See `Options`.

    Returns
    -------
    Result
        As `os_sart` returns it.

    Raises
    ------
    TypeError, ValueError
        As `os_sart` raises them.

    References
    ----------
    .. [1] A. H. Andersen and A. C. Kak, "Simultaneous algebraic reconstruction technique (SART): a
       superior implementation of the ART algorithm", Ultrasonic Imaging 6(1), 1984.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam(torch.arange(40) * 0.08, columns=24))
    >>> x = solvers.sart(A, A(torch.ones(16, 16)), iterations=3).x
    >>> round(x[8, 8].item(), 1)
    1.0
    """
    check_operator("A", A)
    return os_sart(
        A,
        y,
        iterations=iterations,
        subsets=A.range_shape[0],
        ordering=ordering,
        generator=generator,
        relaxation=relaxation,
        x0=x0,
        constraint=constraint,
        **options,
    )


class _State(NamedTuple):
    x: Tensor
    residual: Tensor
