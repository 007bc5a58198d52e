"""The functions of one variable that shearlets are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def step(t: Array) -> Array:
    r"""Meyer's auxiliary function, which rises smoothly from 0 at 0 to 1 at 1.

    .. math:: v(t) = 35 t^4 - 84 t^5 + 70 t^6 - 20 t^7, \qquad 0 \le t \le 1,

    so that :math:`v(t) + v(1 - t) = 1`.
    """
    t = np.clip(t, 0.0, 1.0)
    return t**4 * (35 + t * (-84 + t * (70 - 20 * t)))


def radial(u: Array) -> Array:
    """The window of a scale: supported on (1, 4), its squares over octaves sum to 1."""
    rising = np.sin(np.pi / 2 * step(u - 1))
    falling = np.cos(np.pi / 2 * step(u / 2 - 1))
    return np.where((u > 1) & (u <= 2), rising, np.where((u > 2) & (u < 4), falling, 0.0))


def directional(t: Array) -> Array:
    """The window of a direction: supported on (-1, 1), its squares over integer shifts sum to 1."""
    return np.sqrt(step(1 - np.abs(t)))


def low_pass(u: Array) -> Array:
    """The window of the low frequencies: 1 up to 3/2, 0 from 2."""
    return step(4 - 2 * np.abs(u))
