"""The CPU backend: numba kernels on a pool of threads."""

from torch_radon.backends.cpu.launch import (
    backproject_2d,
    backproject_2d_adjoint,
    joseph_2d,
    joseph_2d_adjoint,
    prepare,
)

__all__ = [
    "backproject_2d",
    "backproject_2d_adjoint",
    "joseph_2d",
    "joseph_2d_adjoint",
    "prepare",
]
