"""Convex functions with closed-form proximal maps: what regularizers and data terms are made of.

The proximal map of a function f and that of its convex conjugate f*,

    prox(z, t)           = argmin_u  f(u) + |u - z|^2 / (2 t)
    prox_conjugate(p, s) = argmin_q  f*(q) + |q - p|^2 / (2 s) = p - s prox(p / s, 1 / s)

are each written out where that saves work or rounding. A step is a positive number, or a tensor
that broadcasts to the argument: different steps at different places are allowed where a function
is a sum over places; for a sum over groups they must be the same within a group.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

Weight = float | Tensor
Step = float | Tensor


class Function(ABC):
    """A convex function of the last `axes` axes of a tensor, one value for each leading index.

    Parameters
    ----------
    axes : int
        Number of trailing axes over which it is summed.
    """

    def __init__(self, axes: int) -> None:
        self.axes = axes

    @abstractmethod
    def value(self, z: Tensor) -> Tensor:
        """The function, shape ``z.shape[:-axes]``."""

    @abstractmethod
    def prox(self, z: Tensor, step: Step) -> Tensor:
        """The proximal map of ``step`` times the function at `z`."""

    def prox_conjugate(self, p: Tensor, step: Step) -> Tensor:
        """The proximal map of ``step`` times the convex conjugate at `p`."""
        return p - step * self.prox(p / step, 1 / step)

    def ascend(self, p: Tensor, z: Tensor, step: Step) -> Tensor:
        """``prox_conjugate(p + step * z, step)``, the dual step of primal-dual methods."""
        moved = p + step * z if isinstance(step, Tensor) else p.add(z, alpha=step)
        return self.prox_conjugate(moved, step)

    def flatten(self, leading: Sequence[int], like: Tensor) -> Self:
        """The function for items whose leading dimensions were flattened into one.

        Parameters
        ----------
        leading : sequence of int
            The dimensions before that, to which weights with such dimensions broadcast.
        like : Tensor
            Of the type and on the device of the items.

        Returns
        -------
        Function

        Raises
        ------
        ValueError
            If a tensor of the function does not fit them.
        """
        flat = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(flat, name, self._flattened(name, value, leading, like))
        return flat

    def _flattened(self, name: str, value: Tensor, leading: Sequence[int], like: Tensor) -> Tensor:
        if value.device != like.device:
            raise ValueError(f"{name} must be on {like.device} like the data, got {value.device}")
        value = value.to(like.dtype)
        if value.ndim <= self.axes:
            return value
        shape = value.shape[value.ndim - self.axes :]
        try:
            return value.expand(*leading, *shape).reshape(-1, *shape)
        except RuntimeError:
            raise ValueError(
                f"{name} must have leading dimensions that broadcast to {tuple(leading)}, those of "
                f"the data, got shape {tuple(value.shape)}"
            ) from None

    def _sum(self, z: Tensor) -> Tensor:
        return z.sum(tuple(range(-self.axes, 0)))


class Absolute(Function):
    """``sum(weight * |z|)``, the 1-norm with weights.

    Parameters
    ----------
    weight : float or Tensor
        Not negative; a tensor broadcasts to the argument.
    axes : int
    """

    def __init__(self, weight: Weight, axes: int) -> None:
        super().__init__(axes)
        self.weight = weight

    def value(self, z: Tensor) -> Tensor:
        """The weighted sum of magnitudes."""
        return self._sum(self.weight * z.abs())

    def prox(self, z: Tensor, step: Step) -> Tensor:
        """Soft thresholding: every magnitude shrinks by ``step * weight``, at most to 0."""
        return z - _clamp(z, -step * self.weight, step * self.weight)

    def prox_conjugate(self, p: Tensor, step: Step) -> Tensor:
        """Projection onto ``|p| <= weight``."""
        return _clamp(p, -self.weight, self.weight)


class Squares(Function):
    """``sum(weight * z**2) / 2``.

    Parameters
    ----------
    weight : float or Tensor
        Not negative; a tensor broadcasts to the argument.
    axes : int
    """

    def __init__(self, weight: Weight, axes: int) -> None:
        super().__init__(axes)
        self.weight = weight

    def value(self, z: Tensor) -> Tensor:
        """Half the weighted sum of squares."""
        return 0.5 * self._sum(self.weight * z.square())

    def prox(self, z: Tensor, step: Step) -> Tensor:
        """``z / (1 + step * weight)``."""
        return z / (1 + step * self.weight)

    def prox_conjugate(self, p: Tensor, step: Step) -> Tensor:
        """``p * weight / (weight + step)``."""
        return p * (self.weight / (self.weight + step))


class GroupNorms(Function):
    """``sum over groups(weight * |z_group|)``: Euclidean norms along some axes, summed.

    Parameters
    ----------
    weight : float or Tensor
        Not negative; a tensor broadcasts to the argument and has size 1 along the groups' axes.
    groups : sequence of int
        Negative axes along which a group extends.
    axes : int
    """

    def __init__(self, weight: Weight, groups: Sequence[int], axes: int) -> None:
        super().__init__(axes)
        self.weight = weight
        self.groups = tuple(groups)

    def value(self, z: Tensor) -> Tensor:
        """The weighted sum of the groups' norms."""
        return self._sum(self.weight * self._norms(z))

    def prox(self, z: Tensor, step: Step) -> Tensor:
        """Shorten every group by ``step * weight``, at most to 0."""
        return z - self._project(z, step * self.weight)

    def prox_conjugate(self, p: Tensor, step: Step) -> Tensor:
        """Projection of every group onto the ball of radius `weight`."""
        return self._project(p, self.weight)

    def _norms(self, z: Tensor) -> Tensor:
        return torch.linalg.vector_norm(z, dim=self.groups, keepdim=True)

    def _project(self, z: Tensor, radius: Weight) -> Tensor:
        # Nothing is divided by zero where the radius and the group vanish.
        tiny = torch.finfo(z.dtype).tiny
        if isinstance(radius, Tensor):
            return z * (radius / torch.maximum(self._norms(z), radius.clamp_min(tiny)))
        return z * (radius / self._norms(z).clamp_min(max(radius, tiny)))


class Interval(Function):
    """0 where ``lower <= z <= upper`` everywhere, otherwise infinite.

    Parameters
    ----------
    lower, upper : float or Tensor
        Tensors broadcast to the argument.
    axes : int
    """

    def __init__(self, lower: Weight, upper: Weight, axes: int) -> None:
        super().__init__(axes)
        self.lower, self.upper = lower, upper

    def value(self, z: Tensor) -> Tensor:
        """0 inside and infinity outside."""
        outside = ((z < self.lower) | (z > self.upper)).flatten(-self.axes).any(-1)
        return torch.zeros_like(outside, dtype=z.dtype).masked_fill(outside, math.inf)

    def prox(self, z: Tensor, step: Step) -> Tensor:
        """Projection onto the interval, whatever the step."""
        return _clamp(z, self.lower, self.upper)


class Pointwise(Function):
    """A sum of functions that each are sums over places: `Absolute`, `Squares` and `Interval`.

    At one place the proximal map of ``a |z| + b z**2 / 2`` on an interval shrinks by the first,
    divides for the second and then clamps, exactly and in this order.

    Parameters
    ----------
    functions : sequence of Function
        Of these kinds.
    axes : int
    """

    KINDS = (Absolute, Squares, Interval)

    def __init__(self, functions: Sequence[Function], axes: int) -> None:
        super().__init__(axes)
        shrinking = [f for f in functions if isinstance(f, Absolute)]
        # One division by the sum of the weights is not a chain of divisions.
        weights = [f.weight for f in functions if isinstance(f, Squares)]
        dividing = [Squares(sum(weights[1:], start=weights[0]), axes)] if weights else []
        clamping = [f for f in functions if isinstance(f, Interval)]
        self.functions: tuple[Function, ...] = (*shrinking, *dividing, *clamping)

    def flatten(self, leading: Sequence[int], like: Tensor) -> Pointwise:
        """The sum of the flattened functions."""
        return Pointwise([f.flatten(leading, like) for f in self.functions], self.axes)

    def value(self, z: Tensor) -> Tensor:
        """The sum of the functions."""
        total = z.new_zeros(z.shape[: z.ndim - self.axes])
        for function in self.functions:
            total = total + function.value(z)
        return total

    def prox(self, z: Tensor, step: Step) -> Tensor:
        """Shrink, divide, clamp."""
        for function in self.functions:
            z = function.prox(z, step)
        return z


def _clamp(z: Tensor, lower: Weight, upper: Weight) -> Tensor:
    if isinstance(lower, Tensor) or isinstance(upper, Tensor):
        return torch.minimum(torch.maximum(z, _like(lower, z)), _like(upper, z))
    return z.clamp(lower, upper)


def _like(bound: Weight, z: Tensor) -> Tensor:
    return bound if isinstance(bound, Tensor) else z.new_full((), bound)
