"""Which shearlets there are: sizes, scales, directions and their order."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from torch_radon.geometry.validation import as_count

# Below this the low-pass filter of AlphaTransform is too small to be told from a constant.
_SMALLEST_LOW_PASS = 4


class Shearlet(NamedTuple):
    """What a filter of the system responds to.

    Attributes
    ----------
    scale : int
        From 0, the coarsest, on; -1 for the low-pass filter.
    shear : int
        How far the frequency support is sheared away from the axis of its cone, in steps.
    cone : str
        ``"horizontal"`` or ``"vertical"`` frequencies; in a complex system ``"right"``, ``"top"``,
        ``"left"`` or ``"bottom"``; ``""`` for the low-pass filter.
    """

    scale: int
    shear: int
    cone: str


LOW_PASS = Shearlet(-1, 0, "")

_REAL_CONES = ("horizontal", "vertical")
_COMPLEX_CONES = ("right", "top", "left", "bottom")


@dataclass(frozen=True)
class ShearletSystem:
    """The definition of a system of shearlets, checked. `ShearletTransform` has the formulas.

    Attributes
    ----------
    width, height : int
        Size of the images.
    alphas : tuple of float
        One a scale, from coarse to fine.
    parseval : bool
    real : bool
    """

    width: int
    height: int
    alphas: tuple[float, ...]
    parseval: bool
    real: bool

    @classmethod
    def checked(
        cls, width: int, height: int, alphas: Iterable[float], parseval: bool, real: bool
    ) -> ShearletSystem:
        """Make a system, or say which argument is wrong."""
        width, height = as_count("width", width), as_count("height", height)
        values = _as_alphas(alphas)
        scales = len(values)
        if min(width // 2, height // 2) < _SMALLEST_LOW_PASS * 2**scales:
            raise ValueError(
                f"alphas: {scales} scales need images of at least "
                f"{2 * _SMALLEST_LOW_PASS * 2**scales} pixels a side, got width {width} and "
                f"height {height}: take fewer scales"
            )
        for name, flag in (("parseval", parseval), ("real", real)):
            if not isinstance(flag, bool):
                raise TypeError(f"{name} must be True or False, got {flag!r}")
        return cls(width, height, values, parseval, real)

    @property
    def steepness(self) -> tuple[float, ...]:
        """Shears in a unit of slope, ``2**((1 - alpha) * scale)``, for each scale."""
        return tuple(2 ** ((1 - alpha) * j) for j, alpha in enumerate(self.alphas))

    @property
    def shearlets(self) -> tuple[Shearlet, ...]:
        """All filters in the order of the coefficients.

        The low-pass filter, then scale by scale the cones; shears ascend in the horizontal cones
        and descend in the vertical ones, so that within a scale directions turn one way.
        """
        members = [LOW_PASS]
        for scale, steepness in enumerate(self.steepness):
            most = math.ceil(steepness)
            for cone in _REAL_CONES if self.real else _COMPLEX_CONES:
                sign = 1 if is_horizontal(cone) else -1
                members += [Shearlet(scale, sign * k, cone) for k in range(-most, most + 1)]
        return tuple(members)


def is_horizontal(cone: str) -> bool:
    """Whether a cone lies around the axis of horizontal frequencies."""
    return cone in ("horizontal", "right", "left")


def _as_alphas(alphas: Iterable[float]) -> tuple[float, ...]:
    try:
        values = tuple(float(alpha) for alpha in alphas)
    except (TypeError, ValueError):
        raise TypeError(
            f"alphas must be a sequence of numbers, one a scale, got {alphas!r}"
        ) from None
    if not values:
        raise ValueError("alphas must hold at least one number, one a scale, got none")
    for scale, alpha in enumerate(values):
        if not 0 <= alpha <= 1:
            raise ValueError(f"alphas must lie between 0 and 1, got {alpha} for scale {scale}")
    return values
