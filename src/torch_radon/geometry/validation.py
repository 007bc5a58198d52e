"""Checks of arguments that all packages share; errors name the argument, what it got and wants."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import SupportsFloat, SupportsIndex

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

# Products of a few lengths must not overflow.
_LARGEST = 1e60


def as_count(name: str, value: SupportsIndex) -> int:
    """Return `value` as an int of at least 1."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {value!r} ({type(value).__name__})")
    count = operator.index(value)
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {count}")
    return count


def as_length(name: str, value: SupportsFloat) -> float:
    """Return `value` as a positive, finite float."""
    length = as_finite(name, value)
    if length <= 0:
        raise ValueError(f"{name} must be positive, got {length}")
    return length


def as_finite(name: str, value: SupportsFloat) -> float:
    """Return `value` as a finite float."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a number, got {value!r} ({type(value).__name__})"
        ) from None
    if not abs(number) < _LARGEST:
        raise ValueError(f"{name} must be finite and below {_LARGEST:g}, got {number}")
    return number


def as_not_negative(name: str, value: SupportsFloat) -> float:
    """Return `value` as a finite float of at least 0."""
    number = as_finite(name, value)
    if number < 0:
        raise ValueError(f"{name} must not be negative, got {number}")
    return number


def check_real(name: str, value: object) -> None:
    """Raise unless `value` is a tensor of real floating-point numbers."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name} must be of a real floating-point type, got {value.dtype}")


def per_axis(name: str, value: float | Sequence[float], axes: int) -> tuple[float, ...]:
    """Return one finite float an axis from a scalar or an index-ordered sequence."""
    values = np.asarray(value)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number or {axes} numbers, got {value!r}")
    if values.ndim == 0:
        values = np.full(axes, values)
    if values.shape != (axes,):
        raise ValueError(
            f"{name} must be a number or {axes} numbers, one an axis of shape, got {value!r}"
        )
    return tuple(as_finite(name, number) for number in values.tolist())


def float_array(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return a new float64 array of finite numbers; tensors of any device are read too."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be an array of real numbers, got {type(value).__name__}"
        ) from None
    # NaN fails the comparison too.
    bad = np.argwhere(~(np.abs(array) < _LARGEST))
    if len(bad):
        place = f" at index {tuple(bad[0].tolist())}" if array.ndim else ""
        raise ValueError(
            f"{name} must be finite and below {_LARGEST:g}, got {array[tuple(bad[0])]}{place}"
        )
    return array


def per_view(name: str, value: ArrayLike, views: int) -> NDArray[np.float64]:
    """Return one finite float64 a view from a scalar or an array of length `views`."""
    array = float_array(name, value)
    if array.shape not in ((), (views,)):
        raise ValueError(
            f"{name} must be a number or one number a view, shape ({views},), "
            f"got shape {array.shape}"
        )
    return np.broadcast_to(array, (views,))
