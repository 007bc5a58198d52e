"""Arithmetic on batches, one result an item, on the device and without a look at the values.

A small image costs what its operations cost to launch, so that these are few.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch._C import _functorch as functorch
from torch.autograd import forward_ad

# By number of axes, of which PyTorch has at most 64: all but that of the items, and the shape of
# one number an item. Made once, for they are needed several times an iteration.
_AXES = [tuple(range(1, axes)) for axes in range(65)]
_VIEWS = [(-1, *(1,) * (axes - 1)) for axes in range(65)]


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner products ``<a, b>`` of the items of two batches ``(N, ...)``, shape ``(N,)``.

    They are summed in float64 and stay in it, which costs nothing beside reading the batches and
    takes half of the rounding errors out of conjugate gradients in float32.
    """
    return (a * b).sum(_AXES[a.ndim], dtype=torch.float64)


def norm(a: Tensor) -> Tensor:
    """Euclidean norms of the items of a batch ``(N, ...)``, float64 ``(N,)``, without a graph."""
    return torch.linalg.vector_norm(a.detach(), dim=_AXES[a.ndim], dtype=torch.float64)


def joint_norm(sizes: list[Tensor]) -> Tensor:
    """Norms ``(N,)`` of what has parts of these norms."""
    return torch.linalg.vector_norm(torch.stack(sizes), dim=0)


def per_item(value: Tensor, like: Tensor) -> Tensor:
    """View one value an item, ``(N,)``, so that it goes with a batch `like` ``(N, ...)``.

    Numbers take its type; flags remain flags.
    """
    if value.dtype != like.dtype and value.is_floating_point():
        value = value.to(like.dtype)
    axes = like.ndim
    return value if value.ndim == axes else value.view(_VIEWS[axes])


def add_scaled(x: Tensor, factor: Tensor, v: Tensor, sign: float = 1.0) -> Tensor:
    """``x + sign * factor * v`` with a factor for each item, in one pass."""
    return torch.addcmul(x, per_item(factor, x), v, value=sign)


def divide(a: Tensor, b: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Quotients ``a / b``, with 0 where b is not positive, and derivatives that are finite there.

    Parameters
    ----------
    a, b : Tensor
    dtype : torch.dtype, optional
        Of the result.

    Returns
    -------
    Tensor
    """
    return quotient(a, torch.threshold(b, 0.0, float("inf")), dtype or a.dtype)


def quotient(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """``a / b`` in some type, converted as it is written where PyTorch allows that."""
    if a.dtype == dtype:
        return a / b
    recorded = a.requires_grad or b.requires_grad
    if recorded or is_transformed() or functorch.is_legacy_batchedtensor(a):
        return (a / b).to(dtype)
    return torch.div(a, b, out=torch.empty_like(a, dtype=dtype))


def is_transformed() -> bool:
    """Whether `torch.compile`, `torch.func` or forward-mode derivatives look at what is done."""
    return (
        torch.compiler.is_compiling()
        or functorch.peek_interpreter_stack() is not None
        or forward_ad._current_level >= 0
    )
