"""The reconstruction that accuracy is judged by: a uniform disc, in blocks and by RMS."""

from __future__ import annotations

import numpy as np
import torch

import torch_radon as tr
from torch_radon.phantoms import Phantom, ellipse


def disc(pixel=1.0):
    """Radius 44 pixels at (8, -5) pixels, value 1."""
    return Phantom([ellipse(1.0, (8 * pixel, -5 * pixel), (44 * pixel, 44 * pixel))])


def errors(image, volume, pixel=1.0):
    """Largest error of the mean of an 8 x 8 block within 0.85 of the radius, and the RMS there."""
    x, y = np.meshgrid(volume.coordinates(1), volume.coordinates(0))
    inside = np.hypot(x - 8 * pixel, y + 5 * pixel) <= 0.85 * 44 * pixel
    error = image.double().numpy() - 1.0
    blocks = [
        abs(error[i : i + 8, j : j + 8].mean())
        for i in range(0, volume.shape[0] - 7, 4)
        for j in range(0, volume.shape[1] - 7, 4)
        if inside[i : i + 8, j : j + 8].all()
    ]
    assert len(blocks) > 40
    return max(blocks), float(np.sqrt((error[inside] ** 2).mean()))


def disc_errors(scan, pixel=1.0, **options):
    """Errors of the disc's reconstruction on 128 x 128 pixels from its exact projections."""
    volume = tr.Volume((128, 128), spacing=pixel)
    y = disc(pixel).project(scan, dtype=torch.float64)
    return errors(tr.fbp(tr.Projector(volume, scan), y, **options), volume, pixel)
