"""A simulated detector: from line integrals to counts with dark and flat fields."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from torch_radon.data.acquisition import Acquisition
from torch_radon.data.readings import Readings
from torch_radon.phantoms import Phantom

Array = NDArray[np.float64]

# Rays that a detector pixel sums over.
RAYS = 4
# The beam is weaker at the ends of the detector by this part.
_VIGNETTE = 0.3
# Pixels differ in their response by this part; the flat fields know it.
_PIXELS = 0.05
_ZINGER = 5.0


@dataclass(frozen=True)
class Detector:
    """What a detector does to the beam.

    Parameters
    ----------
    photons : float
        Mean counts of a pixel in the open beam.
    noise : bool
        Whether counts are Poisson distributed.
    electronic : float
        Standard deviation of the noise of the read-out, in counts.
    dark : float
        Counts without a beam.
    frames : int
        Dark and flat frames, each.
    drift : float
        Standard deviation of the relative change of a pixel's response since the flat fields were
        taken, which makes rings.
    dead : int
        Pixels that count nothing.
    zingers : int
        Readings that are far too bright.
    """

    photons: float = 1e4
    noise: bool = True
    electronic: float = 0.0
    dark: float = 100.0
    frames: int = 20
    drift: float = 0.0
    dead: int = 0
    zingers: int = 0


def line_integrals_of(
    phantoms: list[Phantom],
    scanner: Acquisition,
    angles: Tensor,
    columns: int,
    center: float,
    rays: int = RAYS,
) -> Array:
    """Line integrals of one phantom a row, several rays to a detector pixel.

    Parameters
    ----------
    phantoms : list of Phantom
        One for each detector row.
    scanner : Acquisition
        The geometry.
    angles : Tensor
        Radians.
    columns : int
        Detector columns.
    center : float
        Column onto which the rotation axis projects.
    rays : int
        Rays to a pixel.

    Returns
    -------
    ndarray
        Shape ``(views, rows, columns, rays)``.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.cli.simulation import line_integrals_of
    >>> from torch_radon.data import Acquisition
    >>> from torch_radon.phantoms import shepp_logan
    >>> line_integrals_of([shepp_logan()], Acquisition(), torch.zeros(3), 8, 3.5).shape
    (3, 1, 8, 4)
    """
    fine = replace(scanner, pixel_size=scanner.pixel_size / rays)
    scan = fine.scan(angles, rays * columns, rays * center + (rays - 1) / 2)
    lines = [phantom.project(scan, dtype=torch.float64).numpy() for phantom in phantoms]
    return np.stack(lines, axis=1).reshape(len(angles), len(phantoms), columns, rays)


def count(lines: Array, angles: Tensor, detector: Detector, rng: np.random.Generator) -> Readings:
    """Raw counts, flat and dark fields.

    Parameters
    ----------
    lines : ndarray
        Line integrals, shape ``(views, rows, columns, rays)``.
    angles : Tensor
        Radians.
    detector : Detector
        What it does.
    rng : numpy.random.Generator
        For everything random.

    Returns
    -------
    Readings
        Whole numbers if there is noise.
    """
    _, rows, columns, _ = lines.shape
    beam = detector.photons * (1 - _VIGNETTE * np.linspace(-1, 1, columns) ** 2)
    if detector.noise:
        beam = beam * rng.normal(1, _PIXELS, (rows, columns)).clip(0.1)
    beam = np.broadcast_to(beam, (rows, columns)).copy()
    places = rng.choice(rows * columns, min(detector.dead, rows * columns), replace=False)
    beam.ravel()[places] = 0
    now = beam * rng.normal(1, detector.drift, beam.shape).clip(0.1)
    signal = now * np.exp(-lines).mean(axis=3)
    hit = rng.choice(signal.size, min(detector.zingers, signal.size), replace=False)
    signal.ravel()[hit] += _ZINGER * detector.photons
    frames = (detector.frames, rows, columns)
    parts = (signal, np.broadcast_to(beam, frames), np.zeros(frames))
    counts, flat, dark = (_read_out(part, detector, rng) for part in parts)
    return Readings(counts, flat, dark, angles)


def _read_out(mean: Array, detector: Detector, rng: np.random.Generator) -> Tensor:
    """Counts of a detector that on average receives so many photons."""
    if not detector.noise:
        return torch.from_numpy(mean + detector.dark).float()
    values = rng.poisson(mean) + rng.normal(detector.dark, detector.electronic, mean.shape)
    return torch.from_numpy(values.round().clip(0)).float()
