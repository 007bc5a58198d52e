"""What the proximal solvers share: a problem as a sum of functions of linear operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from torch_radon.linear import LinearOperator
from torch_radon.regularization.functions import Function
from torch_radon.regularization.regularizer import Regularizer, Term, split
from torch_radon.solvers.data_terms import DataTerm, LeastSquares
from torch_radon.solvers.problem import Problem


class Block(NamedTuple):
    """One function of one operator, on batches.

    Attributes
    ----------
    function : Function
    forward, adjoint : callable
        The operator and its transpose, on ``(N, ...)``.
    operator : LinearOperator or None
        The operator itself; None is the identity.
    """

    function: Function
    forward: Callable[[Tensor], Tensor]
    adjoint: Callable[[Tensor], Tensor]
    operator: LinearOperator | None


def data_block(problem: Problem, data_term: DataTerm) -> Block:
    """The data term as a block; its operator is applied in the type for projections."""
    return Block(data_term.function(problem), problem.forward, problem.adjoint, problem.A)


def regularizer_blocks(
    problem: Problem, regularizer: Regularizer | None, constraint: Regularizer | None
) -> tuple[Function | None, list[Block]]:
    """Take regularizer and constraint apart.

    Parameters
    ----------
    problem : Problem
    regularizer, constraint : Regularizer or None
        A constraint is one more regularizer.

    Returns
    -------
    direct : Function or None
        What acts on the image itself, with a proximal map in closed form.
    blocks : list of Block
        What acts through operators.

    Raises
    ------
    TypeError
        If one of them is no regularizer.
    ValueError
        If an operator does not take images of this shape.
    """
    terms = regularizer_terms(problem, regularizer, constraint)
    direct, dual = split(terms, len(problem.A.domain_shape), pointwise=True)
    return direct, [_block(term) for term in dual]


def regularizer_terms(
    problem: Problem, regularizer: Regularizer | None, constraint: Regularizer | None
) -> list[Term]:
    """Check both arguments and return the terms of their sum, on batches like the problem's.

    Parameters
    ----------
    problem : Problem
    regularizer, constraint : Regularizer or None

    Returns
    -------
    list of Term
    """
    for name, value in (("regularizer", regularizer), ("constraint", constraint)):
        if value is not None and not isinstance(value, Regularizer):
            raise TypeError(
                f"{name} must be a torch_radon.regularization.Regularizer or None, got "
                f"{type(value).__name__}"
            )
    return [
        Term(term.function.flatten(problem.leading, problem.y), term.operator)
        for part in (regularizer, constraint)
        if part is not None
        for term in part.terms(problem.A.domain_shape)
    ]


def as_data_term(value: DataTerm | None) -> DataTerm:
    """Return a data term, least squares for None; raise TypeError for anything else."""
    if value is None:
        return LeastSquares()
    if not isinstance(value, DataTerm):
        raise TypeError(
            "data_term must be a torch_radon.solvers.LeastSquares, LeastAbsolute, Poisson or "
            f"None, got {value!r}"
        )
    return value


def _block(term: Term) -> Block:
    if term.operator is None:
        return Block(term.function, _unchanged, _unchanged, None)
    # The transpose is a module: made once, not once an iteration.
    return Block(term.function, term.operator, term.operator.T, term.operator)


def _unchanged(x: Tensor) -> Tensor:
    return x
