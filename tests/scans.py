"""Simulated scans in plain NumPy, and files of them in plain h5py: nothing here is from src."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def ellipse_sinogram(
    rng: np.random.Generator, angles: Array, columns: int, center: float, radius: float
) -> Array:
    """Line integrals of a large ellipse with six small ones in it, averaged over each column.

    `center` is the column of the rotation axis, `radius` that of the object about it in columns.
    The largest line integral is 2.
    """
    ellipses = [(0.0, 0.0, 0.95 * radius, 0.7 * radius, 0.3, 1.0)]
    for _ in range(6):
        r, phi = rng.uniform(0, 0.5) * radius, rng.uniform(0, 2 * np.pi)
        a, b = rng.uniform(0.05, 0.15, 2) * radius
        turn, value = rng.uniform(0, np.pi), rng.uniform(-0.6, 1)
        ellipses.append((r * np.cos(phi), 0.7 * r * np.sin(phi), a, b, turn, value))
    t = angles[:, None]
    sinogram = np.zeros((len(angles), columns))
    for sub in (-0.375, -0.125, 0.125, 0.375):
        s = np.arange(columns) - center + sub
        for x, y, a, b, turn, value in ellipses:
            u = s - (x * np.cos(t) + y * np.sin(t))
            width = (a * np.cos(t - turn)) ** 2 + (b * np.sin(t - turn)) ** 2
            sinogram += value * a * b / width * np.sqrt(np.maximum(width - u**2, 0)) / 2
    return np.asarray(sinogram * 2 / sinogram.max())


def with_noise(rng: np.random.Generator, sinogram: Array, photons: float) -> Array:
    """The sinogram that so many photons a pixel give."""
    counts = rng.poisson(photons * np.exp(-sinogram))
    return np.asarray(-np.log(np.maximum(counts, 0.5) / photons))


def scan_arrays(
    rng: np.random.Generator,
    *,
    views: int = 60,
    rows: int = 3,
    columns: int = 64,
    center: float = 33.3,
) -> dict[str, NDArray[np.generic]]:
    """The four datasets of a small Data Exchange file of an object with the given axis."""
    angles = np.linspace(0, np.pi, views, endpoint=False)
    radius = 0.9 * min(center, columns - 1 - center)
    sinogram = ellipse_sinogram(rng, angles, columns, center, radius)
    # Each row sees the same object at another density.
    lines = sinogram[:, None, :] * np.linspace(1, 0.5, rows)[:, None]
    beam = 10_000 * (1 - 0.2 * np.linspace(-1, 1, columns) ** 2)
    counts = rng.poisson(beam * np.exp(-lines)) + 100
    flat = rng.poisson(np.broadcast_to(beam, (10, rows, columns))) + 100
    dark = np.full((5, rows, columns), 100)
    return {
        "exchange/data": counts.astype(np.uint16),
        "exchange/data_white": flat.astype(np.uint16),
        "exchange/data_dark": dark.astype(np.uint16),
        "exchange/theta": np.rad2deg(angles),
    }


def write_arrays(path: Path, arrays: dict[str, NDArray[np.generic]]) -> Path:
    """Write datasets with h5py."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path
