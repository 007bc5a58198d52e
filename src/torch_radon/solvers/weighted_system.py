"""The weighted and damped least-squares problem under Landweber, SIRT and CGLS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from torch_radon.geometry.validation import as_not_negative
from torch_radon.linear import LinearOperator
from torch_radon.linear.operator import check_operator
from torch_radon.solvers.arithmetic import dot, norm, per_item
from torch_radon.solvers.problem import Problem, refuse_negative

Map = Callable[[Tensor], Tensor]

# Parts of a residual: of the data, and of the damping where there is any.
Parts = tuple[Tensor, ...]


class WeightedSystem:
    r"""Minimise :math:`\tfrac12 \|A x - y\|_W^2 + \tfrac12 \|\lambda L x\|^2`.

    Read as one system with the rows of A and of :math:`\lambda L`; what lives in the space of its
    rows is a tuple of one or two batches.

    Parameters
    ----------
    problem : Problem
    weights : Tensor, LinearOperator or None
        W, symmetric and positive (semi-)definite.
    damping : float or Tensor
        :math:`\lambda`, for all items or one an item.
    damping_operator : LinearOperator or None
        L, by default the identity.
    """

    def __init__(
        self,
        problem: Problem,
        weights: Tensor | LinearOperator | None = None,
        damping: float | Tensor = 0.0,
        damping_operator: LinearOperator | None = None,
    ) -> None:
        self.problem = problem
        shape = problem.A.range_shape
        self.weigh = as_positive("weights", weights, problem, shape)
        self.is_plain = weights is None
        # Roots of factors, with which a weighted norm is a plain one.
        self._roots: Tensor | None = None
        if isinstance(weights, Tensor):
            self._roots = problem.batch("weights", weights, shape).detach().sqrt()
        self.damping = _damping(damping, problem)
        self._L = damping_operator
        if damping_operator is not None:
            _check_maps("damping_operator", damping_operator, problem.A.domain_shape)
            if self.damping is None:
                raise ValueError(
                    "damping_operator needs a damping above 0, the weight of its term; got 0"
                )
            self._transposed = damping_operator.T

    def forward(self, x: Tensor) -> Parts:
        r""":math:`(A x, \lambda L x)`."""
        image = self.problem.forward(x)
        if self.damping is None:
            return (image,)
        damped = x if self._L is None else self._L(x)
        return (image, per_item(self.damping, damped) * damped)

    def adjoint(self, parts: Parts) -> Tensor:
        r""":math:`A^T W r + \lambda L^T t`."""
        result = self.problem.adjoint(self.weigh(parts[0]))
        if self.damping is None:
            return result
        damped = per_item(self.damping, parts[1]) * parts[1]
        return result + (damped if self._L is None else self._transposed(damped))

    def defect(self, x: Tensor) -> Parts:
        r""":math:`(y - A x, -\lambda L x)`."""
        first, *others = self.forward(x)
        return (self.problem.y - first, *(-part for part in others))

    def first_defect(self) -> Parts:
        """That of the start, for which zeros need no projection."""
        problem = self.problem
        if problem.warm:
            return self.defect(problem.x0)
        if self.damping is None:
            return (problem.y,)
        zeros = problem.x0 if self._L is None else self._L(problem.x0)
        return (problem.y, zeros)

    def inner(self, a: Parts, b: Parts) -> Tensor:
        r""":math:`\langle r_a, W r_b\rangle + \langle t_a, t_b\rangle` of each item, ``(N,)``."""
        total = dot(self.weigh(a[0]), b[0])
        return total if len(a) == 1 else total + dot(a[1], b[1])

    def inner_with_both(self, a: Parts, b: Parts) -> tuple[Tensor, Tensor]:
        """Inner products of `a` with itself and with `b`, for which `a` is weighed once."""
        weighed = (self.weigh(a[0]), *a[1:])
        first, second = dot(weighed[0], a[0]), dot(weighed[0], b[0])
        if len(a) == 1:
            return first, second
        return first + dot(a[1], a[1]), second + dot(a[1], b[1])

    def size(self, r: Tensor) -> Tensor:
        r""":math:`\langle r, W r\rangle^{1/2}` of residuals of data, ``(N,)``, without a graph."""
        if self.is_plain:
            return norm(r)
        if self._roots is not None:
            return norm(self._roots * r.detach())
        r = r.detach()
        return dot(self.weigh(r), r).detach().sqrt()

    def normal(self, x: Tensor) -> Tensor:
        r""":math:`(A^T W A + \lambda^2 L^T L) x`."""
        return self.adjoint(self.forward(x))


def as_positive(
    name: str,
    value: Tensor | LinearOperator | None,
    problem: Problem,
    shape: tuple[int, ...],
) -> Map:
    """Return a symmetric map of batches ``(N, *shape)`` that a user gave as factors or operator.

    Parameters
    ----------
    name : str
        Of the argument, for the errors.
    value : Tensor, LinearOperator or None
        Non-negative factors ``(..., *shape)``, an operator, or None for the identity.
    problem : Problem
    shape : tuple of int

    Returns
    -------
    callable
    """
    if value is None:
        return identity
    if isinstance(value, LinearOperator):
        _check_maps(name, value, shape)
        if value.range_shape != shape:
            raise ValueError(f"{name} must map {shape} to itself, got {value.range_shape}")
        return value
    factors = problem.batch(name, value, shape)
    refuse_negative(name, factors)
    return lambda v: factors * v


def identity(v: Tensor) -> Tensor:
    """Return the argument itself."""
    return v


def _check_maps(name: str, operator: Any, shape: tuple[int, ...]) -> None:
    check_operator(name, operator)
    if operator.domain_shape != shape:
        raise ValueError(f"{name} must take shape {shape}, it takes {operator.domain_shape}")


def _damping(value: float | Tensor, problem: Problem) -> Tensor | None:
    """One number an item, ``(N,)``; None for no damping."""
    if isinstance(value, Tensor):
        given = problem.batch("damping", value, ())
        refuse_negative("damping", given)
        return given
    number = as_not_negative("damping", value)
    return None if number == 0 else problem.y.new_full((len(problem.y),), number)
