"""Patterns that measure what a reconstruction resolves and distinguishes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch_radon.geometry.validation import as_count, as_finite, as_length
from torch_radon.phantoms.figures import Figure, ellipse, rectangle
from torch_radon.phantoms.phantom import Phantom


def line_pairs(
    size: float = 2.0,
    *,
    periods: Sequence[float] = (1 / 8, 1 / 12, 1 / 16, 1 / 24, 1 / 32, 1 / 48, 1 / 64),
    bars: int = 4,
    value: float = 1.0,
) -> Phantom:
    """Groups of parallel bars, one group a period, from coarse to fine.

    A group is resolved where its bars can be counted: the period is one line pair, so a group of
    period p in millimetres tests ``10 / p`` line pairs a centimetre.

    Parameters
    ----------
    size : float, default 2.0
        Side of the square that holds the pattern, in world units.
    periods : sequence of float
        Distance from bar to bar in every group, as a fraction of `size`; the bars and the gaps
        between them are half of it wide. The first group lies at the smallest y.
    bars : int, default 4
        Bars in every group, at x symmetric about zero and long in y.
    value : float, default 1.0
        Value of the bars.

    Returns
    -------
    Phantom

    Raises
    ------
    TypeError, ValueError
        If a number is out of range or a group is wider than `size`.

    Examples
    --------
    >>> len(line_pairs(periods=(0.1, 0.05), bars=3))
    6
    """
    side, bars, value = as_length("size", size), as_count("bars", bars), as_finite("value", value)
    steps = _fractions("periods", periods, largest=1 / (bars - 0.5))
    height = side / len(steps)
    figures = []
    for row, step in enumerate(steps):
        y = (row - (len(steps) - 1) / 2) * height
        for k in range(bars):
            x = (k - (bars - 1) / 2) * step * side
            figures.append(rectangle(value, (x, y), (step * side / 2, 0.8 * height)))
    return Phantom(figures)


def siemens_star(size: float = 2.0, *, spokes: int = 24, value: float = 1.0) -> Phantom:
    """Wedges that meet in the centre: every resolution at once, in every direction.

    At the distance r from the centre the pattern has the period ``2 pi r / spokes``, so the
    radius of the blurred core is the resolution times ``spokes / (2 pi)``.

    Parameters
    ----------
    size : float, default 2.0
        Diameter of the star in world units.
    spokes : int, default 24
        Number of wedges, at least 2; they are as wide as the gaps between them, and the first is
        centred on +x.
    value : float, default 1.0
        Value of the wedges.

    Returns
    -------
    Phantom

    Raises
    ------
    TypeError, ValueError
        If a number is out of range.

    Examples
    --------
    >>> round(siemens_star().evaluate((0.5, 0.0)).item(), 6)
    1.0
    """
    radius, value = as_length("size", size) / 2, as_finite("value", value)
    if as_count("spokes", spokes) < 2:
        raise ValueError(f"spokes must be at least 2, got {spokes}")
    disc = ellipse(value, (0.0, 0.0), (radius, radius))
    half = math.pi / (2 * spokes)
    return Phantom(_wedge(disc, 2 * math.pi * k / spokes, half) for k in range(spokes))


def contrast_discs(
    size: float = 2.0,
    *,
    contrasts: Sequence[float] = (0.2, 0.1, 0.05, 0.02, 0.01),
    diameters: Sequence[float] = (0.1, 0.06, 0.04, 0.02, 0.01),
    background: float = 1.0,
) -> Phantom:
    """Discs of every contrast in every diameter, inside a large disc.

    The smallest disc that is seen in every column of contrast is the contrast-detail curve.

    Parameters
    ----------
    size : float, default 2.0
        Diameter of the large disc in world units.
    contrasts : sequence of float
        Excess of a disc over the background as a fraction of it, one a column from left to
        right.
    diameters : sequence of float
        Diameters as fractions of `size`, one a row from the smallest y to the largest.
    background : float, default 1.0
        Value of the large disc.

    Returns
    -------
    Phantom

    Raises
    ------
    TypeError, ValueError
        If a number is out of range or a disc is too wide for its cell of the grid, which fills
        the square inscribed in the large disc.

    Examples
    --------
    >>> phantom = contrast_discs(contrasts=(0.1,), diameters=(0.2, 0.1), background=0.02)
    >>> round(phantom.evaluate((0.0, -0.35)).item(), 6)
    0.022
    """
    extent, value = as_length("size", size), as_finite("background", background)
    excess = [as_finite("contrasts", contrast) for contrast in contrasts]
    if not excess:
        raise ValueError("contrasts must hold at least one number, got none")
    side = math.sqrt(0.5)
    cell = side / max(len(excess), len(diameters), 1)
    figures = [ellipse(value, (0.0, 0.0), (extent / 2, extent / 2))]
    widths = _fractions("diameters", diameters, largest=cell)
    for row, width in enumerate(widths):
        y = ((row + 0.5) / len(widths) - 0.5) * side * extent
        for column, contrast in enumerate(excess):
            x = ((column + 0.5) / len(excess) - 0.5) * side * extent
            radius = width * extent / 2
            figures.append(ellipse(contrast * value, (x, y), (radius, radius)))
    return Phantom(figures)


def _wedge(disc: Figure, direction: float, half: float) -> Figure:
    """The sector of a disc about the origin within `half` radians of a direction."""
    first, second = direction + half, direction - half
    side = disc.clip((-math.sin(first), math.cos(first)), 0.0)
    return side.clip((math.sin(second), -math.cos(second)), 0.0)


def _fractions(name: str, values: Sequence[float], largest: float) -> list[float]:
    """Return one or more positive floats of at most `largest`."""
    numbers = [as_length(name, value) for value in values]
    if not numbers:
        raise ValueError(f"{name} must hold at least one number, got none")
    if max(numbers) > largest:
        raise ValueError(
            f"{name} must be at most {largest:.4g} (fractions of size) to fit, got {max(numbers)}"
        )
    return numbers
