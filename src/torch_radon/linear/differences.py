"""Forward differences and their transpose as PyTorch operators.

Total variation applies both in every iteration, and on a GPU a small image costs what the launches
cost: three of them forward and five back in two dimensions, each writing in place.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torch_radon.linear.library import register_pair


def _differences(data: Tensor, spacing: Sequence[float], out_dtype: torch.dtype) -> Tensor:
    axes = len(spacing)
    shape = data.shape[0], axes, *data.shape[1:]
    result = torch.zeros(shape, dtype=out_dtype, device=data.device)
    for axis, (part, step) in enumerate(zip(result.unbind(1), spacing, strict=True)):
        here, there = _neighbours(data, axis - axes)
        target, _ = _neighbours(part, axis - axes)
        torch.sub(there, here, out=target)
        if step != 1:
            target.mul_(1 / step)
    return result


def _transposed(data: Tensor, spacing: Sequence[float], out_dtype: torch.dtype) -> Tensor:
    axes = len(spacing)
    shape = data.shape[0], *data.shape[2:]
    result = torch.zeros(shape, dtype=out_dtype, device=data.device)
    for axis, (part, step) in enumerate(zip(data.unbind(1), spacing, strict=True)):
        source, _ = _neighbours(part, axis - axes)
        here, there = _neighbours(result, axis - axes)
        here.sub_(source, alpha=1 / step)
        there.add_(source, alpha=1 / step)
    return result


def _neighbours(data: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """All but the last and all but the first along an axis."""
    inner = data.shape[dim] - 1
    return data.narrow(dim, 0, inner), data.narrow(dim, 1, inner)


differences, _ = register_pair(
    "torch_radon::differences",
    "(Tensor data, float[] spacing, ScalarType out_dtype) -> Tensor",
    _differences,
    lambda data, spacing: (len(spacing), *data.shape[1:]),
    _transposed,
    lambda data, spacing: tuple(data.shape[2:]),
)
"""From batches ``(N, *shape)`` to ``(N, axes, *shape)``; the transpose is its ``adjoint``."""
