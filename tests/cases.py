"""The operators that the conformance suite walks: one row an operator and kind of geometry.

Every property test takes its operators from `CASES` (or the `PROJECTORS` among them), so a new
operator, geometry or backend is one more row here and inherits all the tests. The geometries are
awkward on purpose: unequal and odd sides, anisotropic pixels, offset volumes and detectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from oracles.backprojection import backprojection_matrix
from oracles.joseph import joseph_matrix
from torch_radon import (
    Backprojector,
    LinearOperator,
    Projector,
    Scan,
    Volume,
    fan_beam,
    parallel_beam,
)

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A family of operators of one kind, one for every size of image."""

    name: str
    geometry: Callable[[int, int], tuple[Volume, Scan]]
    operator: Callable[[Volume, Scan], LinearOperator]
    matrix: Callable[[Volume, Scan], Matrix]

    def build(self, side: int = 16, views: int = 7) -> LinearOperator:
        """The operator for images of about `side` pixels a side."""
        return self.operator(*self.geometry(side, views))

    def dense(self, side: int = 16, views: int = 7) -> Matrix:
        """Its matrix in float64, from the oracle."""
        return self.matrix(*self.geometry(side, views))


def _volume(side: int) -> Volume:
    shape = (side, max(1, side - side // 6 - 1))
    return Volume(shape, spacing=(0.9, 1.2), center=(0.03 * side, -0.05 * side))


def _angles(views: int, span: float) -> NDArray[np.float64]:
    """Uneven angles; the first is exactly along an axis of the grid."""
    t = np.arange(views) / views
    return span * (t + 0.2 * t * (1 - t))


def _parallel(side: int, views: int) -> tuple[Volume, Scan]:
    columns = 3 * side // 2 + 1
    return _volume(side), parallel_beam(
        _angles(views, np.pi), columns, 0.97, detector_offset=0.4, axis_offset=1.1
    )


def _square(side: int, views: int) -> tuple[Volume, Scan]:
    """The plainest set-up there is: unit pixels, a square, rays through pixel centres."""
    return Volume((side, side)), parallel_beam(_angles(views, np.pi), side)


def _oblique(side: int, views: int) -> tuple[Volume, Scan]:
    """Detectors turned against their rays, with steps that differ from view to view."""
    t = _angles(views, 2 * np.pi)
    tilt = t + 0.8 * np.sin(5 * t)
    step = 1 + 0.5 * np.cos(3 * t)
    vectors = np.stack(
        [
            -2 * np.sin(t),
            2 * np.cos(t),
            side * 0.1 * np.sin(2 * t),
            side * 0.1 * np.cos(3 * t),
            step * np.cos(tilt),
            step * np.sin(tilt),
        ],
        axis=1,
    )
    return _volume(side), Scan.from_vectors(vectors, 4 * side // 3, "parallel")


def _fan(side: int, views: int, curved: bool) -> tuple[Volume, Scan]:
    return _volume(side), fan_beam(
        _angles(views, 2 * np.pi),
        3 * side // 2,
        1.5,
        source_distance=2.0 * side,
        detector_distance=1.2 * side,
        curved=curved,
        detector_offset=0.7,
        axis_offset=-0.6,
    )


def _fan_flat(side: int, views: int) -> tuple[Volume, Scan]:
    return _fan(side, views, curved=False)


def _fan_curved(side: int, views: int) -> tuple[Volume, Scan]:
    return _fan(side, views, curved=True)


def _fan_oblique(side: int, views: int) -> tuple[Volume, Scan]:
    """Tilted flat detectors, some of them inside the volume, and sources at changing distances."""
    t = _angles(views, 2 * np.pi)
    away = side * (1.6 + 0.5 * np.sin(t))
    beyond = side * (0.6 + 0.5 * np.cos(2 * t))
    tilt = t + 0.4 * np.sin(5 * t)
    vectors = np.stack(
        [
            np.sin(t) * away,
            -np.cos(t) * away,
            -np.sin(t) * beyond,
            np.cos(t) * beyond,
            1.3 * np.cos(tilt),
            1.3 * np.sin(tilt),
        ],
        axis=1,
    )
    return _volume(side), Scan.from_vectors(vectors, 3 * side // 2, "fan")


_GEOMETRIES = {
    "square": _square,
    "parallel": _parallel,
    "oblique": _oblique,
    "fan_flat": _fan_flat,
    "fan_curved": _fan_curved,
    "fan_oblique": _fan_oblique,
}

PROJECTORS = [
    Case(f"projector-{name}", geometry, Projector, joseph_matrix)
    for name, geometry in _GEOMETRIES.items()
]
BACKPROJECTORS = [
    Case(f"backprojector-{name}", geometry, Backprojector, backprojection_matrix)
    for name, geometry in _GEOMETRIES.items()
]
CASES = PROJECTORS + BACKPROJECTORS


def walk(cases: list[Case]) -> pytest.MarkDecorator:
    """Parametrise a test over cases as its argument ``case``."""
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)
