"""The CUDA backend: kernels compiled by NVRTC for the user's device at their first use."""

from torch_radon.backends.cuda.launch import (
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
