"""Penalties on the coefficients of an analysis operator, or on the image itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from torch_radon.geometry.validation import check_real
from torch_radon.linear import LinearOperator
from torch_radon.regularization.functions import (
    Absolute,
    Function,
    GroupNorms,
    Squares,
    Weight,
)
from torch_radon.regularization.regularizer import Regularizer, Term


class Penalty(Regularizer):
    """A function of ``operator(x)``: what `L1`, `L2` and `SquaredL2` share.

    Parameters
    ----------
    weight : float or Tensor
    operator : LinearOperator or None
    """

    def __init__(self, weight: Weight, operator: LinearOperator | None = None) -> None:
        if operator is not None and not isinstance(operator, LinearOperator):
            raise TypeError(
                f"operator must be a LinearOperator or None, got {type(operator).__name__}"
            )
        self.weight = as_weight("weight", weight)
        self.operator = operator

    def terms(self, shape: Sequence[int]) -> tuple[Term, ...]:
        """One term, with the operator."""
        shape = tuple(shape)
        if self.operator is None:
            return (Term(self._function(len(shape))),)
        if self.operator.domain_shape != shape:
            raise ValueError(
                f"operator takes images of shape {self.operator.domain_shape}, got {shape}"
            )
        return (Term(self._function(len(self.operator.range_shape)), self.operator),)

    def _function(self, axes: int) -> Function:
        raise NotImplementedError

    def __repr__(self) -> str:
        operator = "" if self.operator is None else f", {type(self.operator).__name__}"
        return f"{type(self).__name__}({show(self.weight)}{operator})"


class L1(Penalty):
    r"""The 1-norm of analysis coefficients, which makes many of them exactly zero.

    .. math:: R(x) = \sum_j w_j |(K x)_j|

    Parameters
    ----------
    weight : float or Tensor
        w, not negative: one number, or a tensor that broadcasts to ``K(x)``, for instance one
        weight a scale of a transform.
    operator : LinearOperator, optional
        K, for instance a wavelet or shearlet transform; by default the identity.

    Raises
    ------
    TypeError
        If `weight` is no number or tensor, or `operator` no operator.
    ValueError
        If a weight is negative or not finite.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.regularization import L1
    >>> x = torch.tensor([[3.0, -1.0], [0.25, 0.0]])
    >>> L1(2.0).value(x)
    tensor(8.5000)
    >>> L1(2.0).prox(x, step=0.25)
    tensor([[ 2.5000, -0.5000],
            [ 0.0000,  0.0000]])
    """

    def _function(self, axes: int) -> Function:
        return Absolute(self.weight, axes)


class L2(Penalty):
    r"""The Euclidean norm of analysis coefficients (not squared, see `SquaredL2`).

    .. math:: R(x) = w\, \|K x\|_2

    Parameters
    ----------
    weight : float
        w, not negative.
    operator : LinearOperator, optional
        K; by default the identity.

    Raises
    ------
    TypeError
        If `weight` is no number, or `operator` no operator.
    ValueError
        If the weight is negative or not finite.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.regularization import L2
    >>> x = torch.tensor([[3.0, 4.0]])
    >>> L2(2.0).value(x)
    tensor(10.)
    >>> L2(2.0).prox(x)
    tensor([[1.8000, 2.4000]])
    """

    def __init__(self, weight: float, operator: LinearOperator | None = None) -> None:
        super().__init__(weight, operator)
        if isinstance(self.weight, Tensor):
            raise TypeError("weight of L2 must be a number, got a tensor; see SquaredL2 and L1")

    def _function(self, axes: int) -> Function:
        return GroupNorms(self.weight, range(-axes, 0), axes)


class SquaredL2(Penalty):
    r"""Half the squared norm of analysis coefficients: Tikhonov's regularisation.

    .. math:: R(x) = \frac12 \sum_j w_j (K x)_j^2

    Parameters
    ----------
    weight : float or Tensor
        w, not negative: one number, or a tensor that broadcasts to ``K(x)``.
    operator : LinearOperator, optional
        K, for instance `Gradient` for smoothness; by default the identity.

    Raises
    ------
    TypeError
        If `weight` is no number or tensor, or `operator` no operator.
    ValueError
        If a weight is negative or not finite.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.regularization import SquaredL2
    >>> x = torch.tensor([[3.0, -1.0]])
    >>> SquaredL2(2.0).value(x), SquaredL2(2.0).prox(x)
    (tensor(10.), tensor([[ 1.0000, -0.3333]]))
    """

    def _function(self, axes: int) -> Function:
        return Squares(self.weight, axes)


def as_weight(name: str, value: Any) -> Weight:
    """Return a weight as it is if it is a finite number or tensor without negative entries."""
    weight = as_numbers(name, value)
    if isinstance(weight, Tensor):
        if not bool(torch.all((weight >= 0) & weight.isfinite())):
            raise ValueError(f"{name} must be finite and not negative everywhere")
    elif not 0 <= weight < math.inf:
        raise ValueError(f"{name} must be finite and not negative, got {weight}")
    return weight


def as_numbers(name: str, value: Any) -> Weight:
    """Return a real floating-point tensor as it is, and a number as a float."""
    if isinstance(value, Tensor):
        check_real(name, value)
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a number or a tensor, got {value!r} ({type(value).__name__})"
        ) from None


def show(value: Weight) -> str:
    """A weight for a repr: a tensor by its shape."""
    return f"<{tuple(value.shape)}>" if isinstance(value, Tensor) else f"{value:g}"
