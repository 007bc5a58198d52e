"""Checks that the models of this package share: types, values, places of random numbers."""

from __future__ import annotations

import math
from typing import SupportsFloat

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_finite, as_length, check_real

# Numbers of twice this no longer fit the 32 bits in which readings are kept and torch's sampler
# for GPUs counts.
LARGEST_MEAN = 2.0**30


def working(name: str, values: Tensor) -> Tensor:
    """Return `values` in the type to compute in: their own, or float32 for half precision."""
    check_real(name, values)
    return values.to(torch.promote_types(values.dtype, torch.float32))


def check_values(
    name: str, values: Tensor, least: float = -math.inf, most: float = math.inf
) -> None:
    """Raise unless all values are finite and from `least` to `most`; waits for a GPU once."""
    if values.numel() == 0:
        return
    low, high = torch.stack(torch.aminmax(values.detach())).tolist()
    # NaN fails the comparisons too.
    if least <= low and high <= most and math.isfinite(low) and math.isfinite(high):
        return
    bad = ~(torch.isfinite(values) & (values >= least) & (values <= most))
    place = tuple(bad.nonzero()[0].tolist())
    wanted = "finite"
    if least > 0:
        wanted += " and positive"
    elif least == 0:
        wanted += " and not negative"
    if math.isfinite(most):
        wanted += f" and at most {most:g}"
    where = f" at index {place}" if place else ""
    raise ValueError(
        f"{name} must be {wanted}, got {float(values[place])}{where} ({int(bad.sum())} such values)"
    )


def check_means(values: Tensor) -> None:
    """Raise unless all values can be means of a number of photons."""
    check_values("mean", values, 0.0, LARGEST_MEAN)


def check_fits(name: str, values: Tensor, like: Tensor) -> None:
    """Raise unless `values` are real, on the device of `like`, and broadcast to its shape."""
    if values.is_complex() or values.dtype == torch.bool:
        raise TypeError(f"{name} must be real numbers, got {values.dtype}")
    # A number on the CPU serves tensors everywhere.
    number = values.ndim == 0 and values.device.type == "cpu"
    if values.device != like.device and not number:
        raise ValueError(f"{name} must be on {like.device} like the data, got {values.device}")
    try:
        fits = torch.broadcast_shapes(values.shape, like.shape) == like.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"{name} must broadcast to the data's shape {tuple(like.shape)}, as (columns,), "
            f"(views, 1) and (views, columns) do, got {tuple(values.shape)}"
        )


def intensity(photons: float | Tensor, like: Tensor, check: bool) -> float | Tensor:
    """Return the incident photons in the type of `like`, against which they must broadcast."""
    if not isinstance(photons, Tensor):
        return as_length("photons", photons)
    check_fits("photons", photons, like)
    if check:
        smallest = torch.finfo(torch.float32).tiny
        check_values("photons", photons.to(torch.float64), least=smallest)
    return photons.to(like.dtype)


def as_fraction(name: str, value: SupportsFloat, most: float = 1.0) -> float:
    """Return `value` as a float from 0 to `most`."""
    number = as_finite(name, value)
    if not 0 <= number <= most:
        raise ValueError(f"{name} must be from 0 to {most:g}, got {number}")
    return number


def as_swank(value: SupportsFloat) -> float:
    """Return a Swank factor as a float above 0 and at most 1."""
    number = as_finite("swank", value)
    if not 0 < number <= 1:
        raise ValueError(f"swank must be above 0 and at most 1, got {number}")
    return number


def normal(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal numbers of the shape, type and device of `like`."""
    check_generator(generator, like.device)
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)


def check_generator(generator: torch.Generator | None, device: torch.device) -> None:
    """Raise unless the generator makes its numbers where they are needed."""
    if generator is None:
        return
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, got {type(generator).__name__}")
    if generator.device.type != device.type:
        raise ValueError(
            f"generator must be on {device} like the data, got one on {generator.device}: make it "
            f"with torch.Generator({device.type!r})"
        )
