"""Random phantoms, for training and for tests."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from torch_radon.geometry.validation import as_count, as_length, per_axis
from torch_radon.phantoms.figures import ellipse
from torch_radon.phantoms.phantom import Phantom


def random_ellipses(
    seed: int | np.random.Generator,
    size: float = 2.0,
    *,
    count: int = 12,
    values: Sequence[float] = (0.1, 1.0),
    semi_axes: Sequence[float] = (0.02, 0.2),
) -> Phantom:
    """Ellipses at random places, all inside the circle that fits in the field of view.

    Parameters
    ----------
    seed : int or numpy.random.Generator
        The same integer gives the same phantom on every machine; a generator is advanced, for
        an endless supply of phantoms.
    size : float, default 2.0
        Diameter of the circle in world units.
    count : int, default 12
        Number of ellipses.
    values : sequence of float, default (0.1, 1.0)
        Smallest and largest value of an ellipse; overlapping ones add.
    semi_axes : sequence of float, default (0.02, 0.2)
        Smallest and largest semi-axis, as fractions of `size`; at most 0.5.

    Returns
    -------
    Phantom
        Values, semi-axes and angles are uniformly distributed, and so are the centres over the
        circle in which the whole ellipse stays inside.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range or a range is not two ascending numbers.

    Examples
    --------
    >>> from torch_radon import Volume
    >>> image = random_ellipses(seed=1, size=64.0).rasterize(Volume((64, 64)))
    >>> random_ellipses(7) == random_ellipses(7)
    True
    """
    generator = np.random.default_rng(seed)
    diameter, count = as_length("size", size), as_count("count", count)
    low, high = _range("values", values)
    shortest, longest = _range("semi_axes", semi_axes)
    if shortest <= 0 or longest > 0.5:
        raise ValueError(f"semi_axes must lie in (0, 0.5], fractions of size, got {semi_axes}")
    figures = []
    for _ in range(count):
        a, b = generator.uniform(shortest, longest, 2) * diameter
        # The root makes the centres uniform over the area.
        distance = (diameter / 2 - max(a, b)) * math.sqrt(generator.uniform())
        direction, angle = generator.uniform(0, 2 * math.pi), generator.uniform(0, math.pi)
        center = (distance * math.cos(direction), distance * math.sin(direction))
        figures.append(ellipse(generator.uniform(low, high), center, (a, b), angle))
    return Phantom(figures)


def _range(name: str, value: Sequence[float]) -> tuple[float, float]:
    low, high = per_axis(name, value, 2)
    if low > high:
        raise ValueError(f"{name} must ascend, got {value}")
    return low, high
