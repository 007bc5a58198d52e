"""How differences are measured, always in float64."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from torch_radon import LinearOperator


def double(values: torch.Tensor | NDArray[np.float64]) -> NDArray[np.float64]:
    """Any array or tensor as a float64 array on the host."""
    if isinstance(values, torch.Tensor):
        return values.detach().to("cpu", torch.float64).numpy()
    return np.asarray(values, dtype=np.float64)


def relative_l2(
    found: torch.Tensor | NDArray[np.float64], expected: torch.Tensor | NDArray[np.float64]
) -> float:
    """``|found - expected| / |expected|`` in the Euclidean norm."""
    reference = double(expected)
    return float(np.linalg.norm(double(found) - reference) / np.linalg.norm(reference))


def relative_max(
    found: torch.Tensor | NDArray[np.float64], expected: torch.Tensor | NDArray[np.float64]
) -> float:
    """Largest difference over the largest expected magnitude (over 1 where nothing is expected)."""
    reference = double(expected)
    peak = float(abs(reference).max()) or 1.0
    return float(abs(double(found) - reference).max()) / peak


def entries(operator: LinearOperator, dtype: torch.dtype, device: str) -> NDArray[np.float64]:
    """The matrix that an operator applies, from the images of all basis elements."""
    size = int(np.prod(operator.domain_shape))
    basis = torch.eye(size, dtype=dtype, device=device).reshape(size, *operator.domain_shape)
    return double(operator(basis)).reshape(size, -1).T


def dot_mismatch(
    operator: LinearOperator,
    dtype: torch.dtype,
    device: str,
    generator: torch.Generator,
) -> float:
    """``|<A x, y> - <x, A.T y>| / (|A x| |y|)`` with the sums formed in float64."""
    x = torch.randn(operator.domain_shape, generator=generator, dtype=torch.float64)
    y = torch.randn(operator.range_shape, generator=generator, dtype=torch.float64)
    x, y = x.to(device, dtype), y.to(device, dtype)
    forward, adjoint = double(operator(x)), double(operator.T(y))
    image, sinogram = double(x), double(y)
    mismatch = abs(np.vdot(forward, sinogram) - np.vdot(image, adjoint))
    return float(mismatch / (np.linalg.norm(forward) * np.linalg.norm(sinogram)))
