"""Random geometries for hypothesis: every kind that the canonical form can express.

Volumes have odd and even, unequal sides, anisotropic pixels and an offset centre. Scans have
uneven views, detectors from much finer to much coarser than the pixels, offset and oblique
detectors, down to one view and one column. Fan sources keep clear of the volume.
"""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from torch_radon import Scan, Volume


def _numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Both ends and the middle now and then, otherwise spread evenly.

    hypothesis itself prefers small and round numbers, which would make nearly all pixels alike, and
    slopes of 1e-110, at which other libraries stumble and for which there are tests of their own.
    """
    special = (low, high, (low + high) / 2)

    def place(seed: int) -> float:
        if seed < len(special):
            return special[seed]
        return float(np.random.default_rng(seed).uniform(low, high))

    return st.integers(0, 2**32 - 1).map(place)


@st.composite
def volumes(
    draw: st.DrawFn,
    min_side: int = 1,
    max_side: int = 24,
    offset: float = 10.0,
    square_pixels: bool = False,
) -> Volume:
    """A 2D volume with pixels of 0.5 to 1.5 and a centre up to `offset` from the origin."""
    shape = (draw(st.integers(min_side, max_side)), draw(st.integers(min_side, max_side)))
    pixel = draw(_numbers(0.5, 1.5))
    spacing = (pixel, pixel if square_pixels else draw(_numbers(0.5, 1.5)))
    center = (draw(_numbers(-offset, offset)), draw(_numbers(-offset, offset)))
    return Volume(shape, spacing=spacing, center=center)


def half_diagonal(volume: Volume) -> float:
    """Distance from the centre of a volume to its corners."""
    return math.hypot(*volume.extent) / 2


def _target(draw: st.DrawFn, volume: Volume) -> tuple[float, float]:
    """A point near the middle of the volume that the detector's centre looks through."""
    reach = half_diagonal(volume)
    return (
        volume.center[1] + draw(_numbers(-0.3, 0.3)) * reach,
        volume.center[0] + draw(_numbers(-0.3, 0.3)) * reach,
    )


@st.composite
def parallel_scans(
    draw: st.DrawFn, volume: Volume, max_views: int = 5, max_columns: int = 20
) -> Scan:
    """Parallel rays in any direction on a detector that is turned by up to 60 degrees."""
    columns = draw(st.integers(1, max_columns))
    rows = []
    for _ in range(draw(st.integers(1, max_views))):
        angle = draw(_numbers(0, 2 * math.pi))
        tilt = angle + draw(_numbers(-1, 1)) * math.pi / 3
        step = draw(_numbers(0.15, 2.5))
        length = draw(_numbers(0.5, 3))
        x, y = _target(draw, volume)
        rows.append(
            (
                -math.sin(angle) * length,
                math.cos(angle) * length,
                x,
                y,
                math.cos(tilt) * step,
                math.sin(tilt) * step,
            )
        )
    return Scan.from_vectors(np.array(rows), columns, "parallel")


@st.composite
def fan_scans(draw: st.DrawFn, volume: Volume, max_views: int = 5, max_columns: int = 20) -> Scan:
    """Fans on flat (also oblique) or curved detectors, before, inside or behind the volume."""
    columns = draw(st.integers(1, max_columns))
    curved = draw(st.booleans())
    reach = half_diagonal(volume) + 2 * max(volume.spacing)
    rows, radii = [], []
    for _ in range(draw(st.integers(1, max_views))):
        angle = draw(_numbers(0, 2 * math.pi))
        x, y = _target(draw, volume)
        ray = (-math.sin(angle), math.cos(angle))
        away = reach * draw(_numbers(1.4, 6))
        beyond = reach * draw(_numbers(-0.5, 3))
        distance = away + beyond
        tilt = angle if curved else angle + draw(_numbers(-1, 1)) * math.pi / 6
        step = draw(_numbers(0.15, 2.5)) * distance / away
        if curved:
            # An arc of more than a third of a circle would be no detector of this source.
            step = min(step, 2 * math.pi / 3 * distance / columns)
        rows.append(
            (
                x - away * ray[0],
                y - away * ray[1],
                x + beyond * ray[0],
                y + beyond * ray[1],
                math.cos(tilt) * step,
                math.sin(tilt) * step,
            )
        )
        radii.append(distance)
    vectors = np.array(rows)
    return Scan.from_vectors(vectors, columns, "fan", radius=radii if curved else None)


@st.composite
def setups(
    draw: st.DrawFn,
    beam: str = "any",
    min_side: int = 1,
    max_side: int = 24,
    offset: float = 10.0,
    square_pixels: bool = False,
) -> tuple[Volume, Scan]:
    """A volume and a scan of it, its beam ``"parallel"``, ``"fan"`` or ``"any"`` of them."""
    volume = draw(volumes(min_side, max_side, offset, square_pixels))
    kinds = {"parallel": (parallel_scans,), "fan": (fan_scans,)}
    chosen = draw(st.sampled_from(kinds.get(beam, (parallel_scans, fan_scans))))
    return volume, draw(chosen(volume))
