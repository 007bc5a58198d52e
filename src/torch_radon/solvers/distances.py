"""Convex functions of projections about given data, with their proximal maps."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torch_radon.regularization.functions import Function, Step


class SquaredDistance(Function):
    """``sum(w (z - y)**2) / 2`` of batches; w is None for 1."""

    def __init__(self, y: Tensor, weights: Tensor | None) -> None:
        super().__init__(y.ndim - 1)
        self.y, self.weights = y, weights

    def value(self, z: Tensor) -> Tensor:
        """Half the weighted sum of squares."""
        squares = (z - self.y).square()
        return 0.5 * self._sum(squares if self.weights is None else self.weights * squares)

    def prox(self, z: Tensor, step: Step) -> Tensor:
        """The mean of argument and data, weighted by 1 and ``step * w``."""
        pull = step if self.weights is None else step * self.weights
        return (z + pull * self.y) / (1 + pull)

    def prox_conjugate(self, p: Tensor, step: Step) -> Tensor:
        """``w (p - step * y) / (w + step)``."""
        weights = 1.0 if self.weights is None else self.weights
        return (p - step * self.y) * (weights / (weights + step))

    def ascend(self, p: Tensor, z: Tensor, step: Step) -> Tensor:
        """The same from ``p + step * z``, which is a weighted mean of `p` and the residual."""
        residual = z - self.y
        if self.weights is None:
            return torch.lerp(p, residual, step / (1 + step))
        return torch.lerp(p, self.weights * residual, step / (self.weights + step))


class AbsoluteDistance(Function):
    """``sum(w |z - y|)`` of batches; w is None for 1."""

    def __init__(self, y: Tensor, weights: Tensor | None) -> None:
        super().__init__(y.ndim - 1)
        self.y = y
        self.weights = y.new_ones(()) if weights is None else weights

    def value(self, z: Tensor) -> Tensor:
        """The weighted sum of magnitudes."""
        return self._sum(self.weights * (z - self.y).abs())

    def prox(self, z: Tensor, step: Step) -> Tensor:
        """Move by ``step * w`` towards the data, at most to them."""
        reach = step * self.weights
        return z - torch.minimum(torch.maximum(z - self.y, -reach), reach)

    def prox_conjugate(self, p: Tensor, step: Step) -> Tensor:
        """``p - step * y``, clamped to ``[-w, w]``."""
        moved = p - step * self.y
        return torch.minimum(torch.maximum(moved, -self.weights), self.weights)


class Divergence(Function):
    """``sum(z + b - y + y log(y / (z + b)))`` of batches."""

    def __init__(self, y: Tensor, background: float | Tensor) -> None:
        super().__init__(y.ndim - 1)
        self.y, self.background = y, background

    def value(self, z: Tensor) -> Tensor:
        """The divergence, infinite where an expectation is negative, or zero and the count not."""
        mean = z + self.background
        known = torch.xlogy(self.y, self.y) - torch.xlogy(self.y, mean)
        parts = (mean - self.y + known).masked_fill(mean < 0, math.inf)
        return self._sum(parts)

    def prox(self, z: Tensor, step: Step) -> Tensor:
        """The positive root of a quadratic equation for the expectation."""
        v = z + self.background - step
        return 0.5 * (v + _root(v, step * self.y)) - self.background

    def prox_conjugate(self, p: Tensor, step: Step) -> Tensor:
        """The smaller root of a quadratic equation."""
        v = p + step * self.background - 1
        return 1 + 0.5 * (v - _root(v, step * self.y))


def _root(v: Tensor, product: Tensor) -> Tensor:
    # Where a count is zero the root can be of zero exactly, and has no derivative there.
    square = v.square() + 4 * product
    return square.clamp_min(torch.finfo(square.dtype).tiny).sqrt()
