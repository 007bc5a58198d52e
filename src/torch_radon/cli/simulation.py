"""A simulated exposure: from line integrals to counts with dark and flat fields."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from torch_radon.data.acquisition import Acquisition
from torch_radon.data.readings import Readings
from torch_radon.phantoms import Phantom
from torch_radon.physics import Detector, bowtie, lines_to_counts

Array = NDArray[np.float64]

# Rays that a detector pixel sums over.
RAYS = 4
# The beam is weaker at the ends of the detector by this part.
_VIGNETTE = 0.3
# Pixels differ in their response by this part; the flat fields know it.
_PIXELS = 0.05
# No pixel responds with less than this part of what it should.
_LEAST = 0.1
_ZINGER = 5.0


@dataclass(frozen=True)
class Exposure:
    """The beam, the detector and what is wrong with them.

    Parameters
    ----------
    photons : float
        Mean photons of a pixel in the middle of the open beam.
    detector : Detector
        From photons to counts, for panels (two axes).
    bow_tie : float
        Line integral that a bow-tie filter adds where the field of view ends, 0 without one.
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
    detector: Detector = field(default_factory=lambda: Detector(dark=100.0, step=1.0, axes=2))
    bow_tie: float = 0.0
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


def beam_profile(
    exposure: Exposure, scanner: Acquisition, columns: int, center: float, radius: float
) -> Tensor:
    """Mean photons of each column in the open beam.

    Parameters
    ----------
    exposure : Exposure
        Its photons and bow-tie filter.
    scanner : Acquisition
        The geometry.
    columns : int
        Detector columns.
    center : float
        Column onto which the rotation axis projects.
    radius : float
        Of the field of view, for which the filter is made.

    Returns
    -------
    Tensor
        Shape ``(columns,)``, float64.

    Examples
    --------
    >>> from torch_radon.cli.simulation import Exposure, beam_profile
    >>> from torch_radon.data import Acquisition
    >>> beam_profile(Exposure(photons=100.0), Acquisition(), 5, 2.0, 2.0)
    tensor([ 70.0000,  92.5000, 100.0000,  92.5000,  70.0000], dtype=torch.float64)
    """
    vignette = 1 - _VIGNETTE * torch.linspace(-1, 1, columns, dtype=torch.float64).square()
    filtered = bowtie(
        scanner.scan([0.0], columns, center),
        exposure.photons,
        radius,
        exposure.bow_tie / (2 * radius),
        dtype=torch.float64,
    )
    return vignette * filtered[0]


def count(
    lines: Array,
    angles: Tensor,
    beam: Tensor,
    exposure: Exposure,
    generator: torch.Generator,
) -> Readings:
    """Raw counts, flat and dark fields.

    Parameters
    ----------
    lines : ndarray
        Line integrals, shape ``(views, rows, columns, rays)``.
    angles : Tensor
        Radians.
    beam : Tensor
        Mean photons of each column in the open beam, see `beam_profile`.
    exposure : Exposure
        All else.
    generator : torch.Generator
        For everything random, on the CPU.

    Returns
    -------
    Readings
        What the detector writes: whole numbers if its step is one.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from torch_radon.cli.simulation import Exposure, count
    >>> beam = torch.full((8,), 1000.0, dtype=torch.float64)
    >>> g = torch.Generator().manual_seed(0)
    >>> count(np.zeros((5, 2, 8, 4)), torch.zeros(5), beam, Exposure(), g).shape
    (5, 2, 8)
    """
    _, rows, columns, _ = lines.shape
    detector = exposure.detector
    pixels = torch.ones(rows, columns, dtype=torch.float64)
    if detector.noise != "none":
        pixels = _vary(pixels, _PIXELS, generator)
    opened = beam * pixels
    now = _vary(opened, exposure.drift, generator)
    mean = now * lines_to_counts(torch.from_numpy(lines), 1.0).mean(-1)
    hit = torch.randperm(mean.numel(), generator=generator)[: exposure.zingers]
    mean.view(-1)[hit] += _ZINGER * exposure.photons
    dead = torch.zeros(rows, columns, dtype=torch.bool)
    dead.view(-1)[torch.randperm(dead.numel(), generator=generator)[: exposure.dead]] = True

    still = (exposure.frames, rows, columns)
    counts, flat, dark = (
        _read(light, dead, detector, generator)
        for light in (mean, opened.expand(still), torch.zeros(still, dtype=torch.float64))
    )
    return Readings(counts, flat, dark, angles)


def _read(light: Tensor, dead: Tensor, detector: Detector, generator: torch.Generator) -> Tensor:
    """Counts of frames with such mean photons, the first of which lasted long enough to settle."""
    readings = detector.read(light, before=light[0], generator=generator)
    if dead.any():
        # Whatever light neighbours give a dead pixel, it does not write it.
        blind = replace(detector, cross_talk=0.0, afterglow=())
        nothing = torch.zeros(len(light), 1, int(dead.sum()), dtype=torch.float64)
        readings[:, dead] = blind.read(nothing, generator=generator)[:, 0]
    return readings.float()


def _vary(values: Tensor, part: float, generator: torch.Generator) -> Tensor:
    change = torch.randn(values.shape, generator=generator, dtype=values.dtype)
    return values * (1 + part * change).clamp_min(_LEAST)
