"""The systems of shearlets that the tests walk: awkward sizes, and all kinds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from oracles.shearlet import symmetrised
from torch_radon.shearlet import ShearletTransform


@dataclass(frozen=True)
class System:
    """A system as arguments of `ShearletTransform`."""

    width: int
    height: int
    alphas: list[float] = field(default_factory=lambda: [0.5, 0.5])
    real: bool = True
    parseval: bool = True

    def build(self, **options: object) -> ShearletTransform:
        return ShearletTransform(
            self.width,
            self.height,
            self.alphas,
            real=self.real,
            parseval=self.parseval,
            **options,  # type: ignore[arg-type]
        )

    def bank(self) -> NDArray[np.float64]:
        """What its filters should be, from the oracle."""
        return symmetrised(
            self.width, self.height, self.alphas, real=self.real, parseval=self.parseval
        )

    def __str__(self) -> str:
        kind = ("real" if self.real else "complex") + ("" if self.parseval else "-frame")
        return f"{self.width}x{self.height}-{self.alphas}-{kind}".replace(" ", "")


KINDS = [(True, True), (True, False), (False, True), (False, False)]

# Small, of every kind and parity; one that MKL and cuFFT find hard (a large prime).
SYSTEMS = [
    System(32, 32, [0.5]),
    System(33, 40, [0.3], parseval=False),
    System(37, 35, [0.7], real=False),
    System(34, 48, [0.5], real=False, parseval=False),
    System(64, 67, [0.0, 1.0]),
]


def walk(systems: list[System]) -> pytest.MarkDecorator:
    """Parametrise a test over systems as its argument ``system``."""
    return pytest.mark.parametrize("system", systems, ids=str)
