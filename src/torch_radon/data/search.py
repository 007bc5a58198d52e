"""Searching along one line."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def refine(
    function: Callable[[float], float], start: float, step: float, precision: float
) -> float:
    """Find the least value of a function near a point by looking closer and closer.

    Parameters
    ----------
    function : callable
        Takes a position; may return nan.
    start : float
        Where to begin.
    step : float
        The least value lies within about this distance.
    precision : float
        The last step is at most as long.

    Returns
    -------
    float

    Examples
    --------
    >>> from torch_radon.data.search import refine
    >>> round(refine(lambda x: (x - 1.23) ** 2, 1.0, 0.5, 1e-3), 2)
    1.23
    """
    position = start
    while step > precision:
        step /= 4
        nearby = position + step * np.arange(-4, 5, dtype=np.float64)
        values = np.array([function(float(trial)) for trial in nearby])
        if not np.isfinite(values).any():
            break
        position = float(nearby[np.nanargmin(values)])
    return position
