"""Filtered backprojection in plain NumPy, view by view, in space.

The ramp is a convolution with its samples (no Fourier transform), the columns are read with
`numpy.interp`, and a view's weight is the share of a dense ring of directions that it is nearest
to (no sorting, no gaps).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ramp_kernel(reach: int) -> NDArray[np.float64]:
    """Samples ``h(-reach) .. h(reach)`` of the band-limited ramp for unit spacing."""
    kernel = np.zeros(2 * reach + 1)
    kernel[reach] = 0.25
    for n in range(1, reach + 1, 2):
        kernel[reach - n] = kernel[reach + n] = -1.0 / (n * np.pi) ** 2
    return kernel


def ring_weights(angles: NDArray[np.float64], points: int = 20_000) -> NDArray[np.float64]:
    """Share of each view in the circle mod pi, by nearest view; ties are divided equally."""
    directions = (np.arange(points) + 0.5) * np.pi / points
    share = np.zeros(len(angles))
    for direction in directions:
        away = np.abs((angles - direction + np.pi / 2) % np.pi - np.pi / 2)
        nearest = np.flatnonzero(away <= away.min() + 1e-9)
        share[nearest] += np.pi / points / len(nearest)
    return share


def fbp(volume, scan, sinogram, weights=None) -> NDArray[np.float64]:
    """Ramp-filtered backprojection of one ``(views, columns)`` sinogram, shape ``(H, W)``."""
    sinogram = np.asarray(sinogram, dtype=np.float64)
    columns = sinogram.shape[1]
    rows, width = volume.shape
    y = (np.arange(rows) - (rows - 1) / 2) * volume.spacing[0] + volume.center[0]
    x = (np.arange(width) - (width - 1) / 2) * volume.spacing[1] + volume.center[1]
    x, y = np.meshgrid(x, y)
    kernel = ramp_kernel(columns - 1)
    vectors = scan.to_vectors()
    if weights is None:
        weights = ring_weights(np.arctan2(-vectors[:, 0], vectors[:, 1]))
    image = np.zeros((rows, width))
    for row, profile, weight in zip(vectors, sinogram, weights, strict=True):
        ray, center, step = row[0:2], row[2:4], row[4:6]
        normal = np.array([ray[1], -ray[0]]) / np.hypot(*ray)
        ray_step = float(normal @ step)
        filtered = np.convolve(profile, kernel)[columns - 1 : 2 * columns - 1] / abs(ray_step)
        place = (normal[0] * x + normal[1] * y - normal @ center) / ray_step + (columns - 1) / 2
        padded = np.concatenate([[0.0], filtered, [0.0]])
        image += weight * np.interp(place, np.arange(-1, columns + 1), padded, left=0, right=0)
    return image


def fan_fbp(
    volume, sinogram, angles, spacing, source_distance, detector_distance, curved
) -> NDArray[np.float64]:
    """Full scan of a centred fan by the textbook's formulas (Kak and Slaney, section 3.4).

    The detector is scaled down to the rotation axis (flat) or measured in angles (curved).
    """
    sinogram = np.asarray(sinogram, dtype=np.float64)
    columns = sinogram.shape[1]
    rows, width = volume.shape
    y = (np.arange(rows) - (rows - 1) / 2) * volume.spacing[0] + volume.center[0]
    x = (np.arange(width) - (width - 1) / 2) * volume.spacing[1] + volume.center[1]
    x, y = np.meshgrid(x, y)
    k = np.arange(columns) - (columns - 1) / 2
    reach = np.arange(-(columns - 1), columns)
    kernel = ramp_kernel(columns - 1)
    total = source_distance + detector_distance
    if curved:
        step = spacing / total
        weighted = sinogram * source_distance * np.cos(k * step)
        turn = reach * step
        kernel = (
            kernel / step**2 / 2 * np.where(reach == 0, 1, turn / np.sin(turn + (reach == 0))) ** 2
        )
    else:
        step = spacing * source_distance / total
        weighted = sinogram * source_distance / np.hypot(source_distance, k * step)
        kernel = kernel / step**2 / 2
    image = np.zeros((rows, width))
    for t, profile in zip(angles, weighted, strict=True):
        filtered = step * np.convolve(profile, kernel)[columns - 1 : 2 * columns - 1]
        ahead = source_distance - x * np.sin(t) + y * np.cos(t)
        across = x * np.cos(t) + y * np.sin(t)
        if curved:
            place = np.arctan2(across, ahead) / step
            square = ahead**2 + across**2
        else:
            place = source_distance * across / ahead / step
            square = (ahead / source_distance) ** 2
        padded = np.concatenate([[0.0], filtered, [0.0]])
        where = place + (columns - 1) / 2
        value = np.interp(where, np.arange(-1, columns + 1), padded, left=0, right=0)
        image += 2 * np.pi / len(angles) * value / square
    return image
