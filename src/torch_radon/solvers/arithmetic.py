"""Arithmetic on batches, one result an item, on the device and without a look at the values."""

from __future__ import annotations

import torch
from torch import Tensor


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner products ``<a, b>`` of the items of two batches ``(N, ...)``, shape ``(N,)``.

    They are summed in float64 and stay in it, which costs nothing beside reading the batches and
    takes half of the rounding errors out of conjugate gradients in float32.
    """
    return (a * b).flatten(1).sum(1, dtype=torch.float64)


def norm(a: Tensor) -> Tensor:
    """Euclidean norms of the items of a batch ``(N, ...)``, float64 ``(N,)``, without a graph."""
    a = a.detach()
    return dot(a, a).sqrt()


def per_item(value: Tensor, like: Tensor) -> Tensor:
    """View one value an item, ``(N,)``, so that it goes with a batch `like` ``(N, ...)``.

    Numbers take its type; flags remain flags.
    """
    if value.is_floating_point():
        value = value.to(like.dtype)
    return value.view(-1, *(1 for _ in range(like.ndim - 1)))


def add_scaled(x: Tensor, factor: Tensor, v: Tensor, sign: float = 1.0) -> Tensor:
    """``x + sign * factor * v`` with a factor for each item, in one pass."""
    return torch.addcmul(x, per_item(factor, x), v, value=sign)


def divide(a: Tensor, b: Tensor) -> Tensor:
    """Quotients ``a / b``, with 0 where b is 0, and derivatives that are finite there too."""
    return a / b.masked_fill(b == 0, float("inf"))
