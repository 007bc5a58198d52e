"""The central slice of the FORBILD head."""

from __future__ import annotations

import math
from dataclasses import replace

from torch_radon.geometry.validation import as_length
from torch_radon.phantoms.figures import Figure, ellipse
from torch_radon.phantoms.phantom import Phantom

# Centimetres with y up, densities relative to water, angles in degrees. A row is (centre,
# semi-axes, angle, density, cuts); a cut (distance, direction) keeps the part of the figure that
# lies less than `distance` from the figure's centre along `direction`.
_Cuts = tuple[tuple[float, float], ...]
_Row = tuple[tuple[float, float], tuple[float, float], float, float, _Cuts]

_INNER_SKULL: _Row = ((0.0, 0.0), (9.0, 11.4), 0.0, -0.75, ())
_HEAD: tuple[_Row, ...] = (
    # eyes
    ((-4.7, 4.3), (1.79989, 1.79989), 0.0, 0.01, ()),
    ((4.7, 4.3), (1.79989, 1.79989), 0.0, 0.01, ()),
    # two discs of low contrast at the back
    ((-1.08, -9.0), (0.4, 0.4), 0.0, 0.0025, ()),
    ((1.08, -9.0), (0.4, 0.4), 0.0, -0.0025, ()),
    # skull and frontal sinus
    ((0.0, 0.0), (9.6, 12.0), 0.0, 1.8, ()),
    ((0.0, 8.4), (1.8, 3.0), 0.0, -1.05, ()),
    # bones around the sinus and the eyes
    ((1.9, 5.4), (0.41633, 1.17425), -31.07698, 0.75, ()),
    ((-1.9, 5.4), (0.41633, 1.17425), 31.07698, 0.75, ()),
    ((-4.3, 6.8), (1.8, 0.24), -30.0, 0.75, ()),
    ((4.3, 6.8), (1.8, 0.24), 30.0, 0.75, ()),
    # ventricle and subdural haematoma
    ((0.0, -3.6), (1.8, 3.6), 0.0, -0.005, ()),
    ((6.39395, -6.39395), (1.2, 0.42), 58.1, 0.005, ()),
    # small bones on the midline
    ((0.0, 3.6), (2.0, 2.0), 0.0, 0.75, ((1.2, 0), (1.2, 180), (0.27884, 90), (0.27884, 270))),
    ((0.0, 9.6), (1.8, 3.0), 0.0, 1.8, ((0.60687, 90), (0.60687, 270), (0.2, 0), (0.2, 180))),
    # internal occipital protuberance, in two pieces
    ((0.0, 0.0), (9.0, 11.4), 0.0, 0.75, ((-2.605, 15), (-2.605, 165), (-10.71177, 90))),
    (
        (0.0, -14.294530834372887),
        (0.443194085308632, 3.892760834372886),
        0.0,
        0.75,
        ((-14.294530834372887 + 10.71177, 270),),
    ),
)
_PETROUS_BONE: _Row = ((9.1, 0.0), (4.2, 1.8), 0.0, 0.75, ((-0.2126, 0),))
# Where the petrous bone ends against the skull, the brain does.
_BRAIN_EDGE = (8.8874, 0.0)

# Rows of air cells in the petrous bone: offset in y in units of 0.2 sqrt(3), first x, number.
_AIR_CELLS = (
    (0, 8.8, 9),
    (1, 8.6, 8),
    (-1, 8.6, 8),
    (2, 8.8, 8),
    (-2, 8.8, 8),
    (3, 8.6, 6),
    (-3, 8.6, 6),
)
_AIR_CELL_STEP = 0.4
_AIR_CELL_RADIUS = 0.15

# The resolution pattern: columns of bone discs, all discs of a column of one diameter.
_PATTERN_DIAMETERS = (0.0357, 0.0312, 0.0278, 0.0250)
_PATTERN_ORIGIN = (-7.0, -1.0)
_PATTERN_STEP = 0.04

_FIELD = 25.6


def forbild_head(size: float = _FIELD, *, ear: bool = True, resolution: bool = True) -> Phantom:
    """The central slice of the FORBILD head phantom.

    A much harder test than Shepp-Logan: bone and air beside details of 0.25 % contrast, sharp
    corners, a field of air cells, and discs down to a quarter of a millimetre.

    Parameters
    ----------
    size : float, default 25.6
        Side of the published field of view, in world units; it is 25.6 cm, so the default is in
        centimetres and ``size=256`` in millimetres. The head is 19.2 cm by 24 cm.
    ear : bool, default True
        Include the right inner ear: a petrous bone with 53 air cells.
    resolution : bool, default True
        Include the resolution pattern in place of the left inner ear: 80 small discs of bone.

    Returns
    -------
    Phantom
        Densities relative to water: air 0, cerebrospinal fluid 1.045, brain 1.05, blood 1.055,
        eyes 1.06, bone 1.8. Multiply by the attenuation of water for attenuations. Face up when
        row 0 is drawn at the top.

    Raises
    ------
    TypeError, ValueError
        If `size` is not a positive number.

    References
    ----------
    .. [1] G. Lauritsch and H. Bruder, "FORBILD head phantom", Institute of Medical Physics,
       University of Erlangen-Nuremberg, 1999.
    .. [2] Z. Yu, F. Noo, F. Dennerlein, A. Wunderlich, G. Lauritsch and J. Hornegger, "Simulation
       tools for two-dimensional experiments in x-ray computed tomography using the FORBILD head
       phantom", Physics in Medicine and Biology 57(13), N237-N252, 2012. The slice is given there
       as clipped ellipses.

    Examples
    --------
    >>> head = forbild_head()
    >>> round(head.evaluate((0.0, 3.6)).item(), 4)  # in the ventricle, at the back
    1.045
    >>> attenuation = 0.0193 * forbild_head(size=256.0)  # per millimetre, at 70 keV
    """
    scale = as_length("size", size) / _FIELD
    figures = [_figure(row) for row in _HEAD]
    skull = _INNER_SKULL
    if ear:
        skull = (*skull[:4], (_BRAIN_EDGE,))
        figures += [_figure(_PETROUS_BONE), *_air_cells()]
    figures.append(_figure(skull))
    if resolution:
        figures += _resolution_pattern()
    return Phantom(figures).transform([[scale, 0.0], [0.0, -scale]])


def _figure(row: _Row) -> Figure:
    center, semi_axes, degrees, density, cuts = row
    figure = ellipse(density, center, semi_axes, math.radians(degrees))
    for distance, direction in cuts:
        x, y = math.cos(math.radians(direction)), math.sin(math.radians(direction))
        figure = figure.clip((x, y), distance + x * center[0] + y * center[1])
    return figure


def _air_cells() -> list[Figure]:
    cell = ellipse(-1.8, (0.0, 0.0), (_AIR_CELL_RADIUS, _AIR_CELL_RADIUS))
    return [
        replace(cell, center=(first - _AIR_CELL_STEP * k, row * 0.2 * math.sqrt(3.0)))
        for row, first, count in _AIR_CELLS
        for k in range(count)
    ]


def _resolution_pattern() -> list[Figure]:
    x, y = _PATTERN_ORIGIN
    return [
        ellipse(
            0.75,
            (x + 2 * _PATTERN_STEP * i, y + 2 * diameter * k + 12 * _PATTERN_STEP * block),
            (diameter / 2, diameter / 2),
        )
        for block in range(4)
        for i, diameter in enumerate(_PATTERN_DIAMETERS)
        for k in range(5)
    ]
