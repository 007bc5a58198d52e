"""The options that all solvers share, and their checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_count, as_not_negative
from torch_radon.linear.operator import DTYPES

Callback = Callable[[int, Tensor, Tensor], Any]


class Options(TypedDict, total=False):
    """Keyword arguments of every solver, about its loop.

    Attributes
    ----------
    tolerance : float, default 0.0
        An item stops when its relative residual is at most this, and is not changed any more while
        others go on. With 0 it stops only at a residual of exactly zero.
    callback : callable, optional
        ``callback(iteration, x, residual)``, called after every iteration with its number, counted
        from 1, the images ``(..., *domain_shape)`` and their relative residuals ``(...)``, both on
        the device. If it returns True, all items stop.
    progress : bool, default False
        Show a progress bar with the largest residual, which is read a few times a second.
    check_every : int, optional
        Look every so many iterations whether all items have stopped, and if so end the loop. Each
        look waits for the device; by default there is none, and the loop does all iterations
        with the items that have stopped frozen.
    checkpoint_every : int, optional
        For derivatives through the iterations: keep only every so many-th iterate and compute
        those between again in the backward pass.
    projection_dtype : torch.dtype, optional
        In which the operator is applied, for example torch.float16; the iterates stay in the
        type of the data, at least float32. Data for float16 are scaled so that they do not
        leave its range.
    """

    tolerance: float
    callback: Callback | None
    progress: bool
    check_every: int | None
    checkpoint_every: int | None
    projection_dtype: torch.dtype | None


@dataclass(frozen=True)
class Loop:
    """Checked `Options` and the number of iterations."""

    iterations: int
    tolerance: float = 0.0
    callback: Callback | None = None
    progress: bool = False
    check_every: int | None = None
    checkpoint_every: int | None = None
    projection_dtype: torch.dtype | None = None

    @classmethod
    def checked(cls, iterations: int, options: Options) -> Loop:
        """Check every option; raise TypeError or ValueError that names a wrong one."""
        unknown = options.keys() - Options.__annotations__.keys()
        if unknown:
            raise TypeError(
                f"unknown option {', '.join(sorted(unknown))}: solvers take "
                f"{', '.join(Options.__annotations__)} and what their own signature names"
            )
        count = as_count("iterations", iterations)
        tolerance = as_not_negative("tolerance", options.get("tolerance", 0.0))
        callback = options.get("callback")
        if callback is not None and not callable(callback):
            raise TypeError(f"callback must be callable, got {type(callback).__name__}")
        dtype = options.get("projection_dtype")
        if dtype is not None and dtype not in DTYPES:
            raise TypeError(f"projection_dtype must be a floating-point type, got {dtype!r}")
        return cls(
            count,
            tolerance,
            callback,
            bool(options.get("progress", False)),
            _optional_count("check_every", options.get("check_every")),
            _optional_count("checkpoint_every", options.get("checkpoint_every")),
            dtype,
        )


def _optional_count(name: str, value: int | None) -> int | None:
    return None if value is None else as_count(name, value)
