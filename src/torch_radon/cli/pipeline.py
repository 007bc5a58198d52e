"""From a file to a file: what ``torch-radon reconstruct`` does once its options are understood."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from torch_radon.cli.algorithms import Algorithm, Live
from torch_radon.cli.centering import locate_center
from torch_radon.cli.preparation import Preparation, Tally, prepare
from torch_radon.data.acquisition import Acquisition
from torch_radon.data.center import CenterEstimate
from torch_radon.data.errors import DataError
from torch_radon.data.stack_scan import ScanSource
from torch_radon.data.writers import Attribute, open_writer
from torch_radon.geometry.volume import Volume
from torch_radon.plot import save_slices
from torch_radon.projectors import Projector

# Slices are read, reconstructed and written in blocks of about this much memory.
_BLOCK_BYTES = 2**29
_CENTER_ROWS = 5
_PREVIEW_SLICES = 3


@dataclass(frozen=True)
class Settings:
    """What to do with a scan.

    Parameters
    ----------
    rows : range
        Detector rows to reconstruct, as many as a slice is made of for each slice.
    center : float or str
        Detector column of the rotation axis, or how to find it, see `locate_center`.
    acquisition : Acquisition
        How the scan was taken.
    preparation : Preparation
        From counts to sinograms.
    algorithm : Algorithm
        From sinograms to images.
    nominal : float
        Detector column onto which the axis projects if the scanner is as it was described.
    size : int or None
        Pixels of the image a side, see `image_grid`.
    device : torch.device
        Where to compute.
    attributes : dict
        What else to record in the output.
    """

    rows: range
    center: float | str
    acquisition: Acquisition
    preparation: Preparation
    algorithm: Algorithm
    nominal: float
    size: int | None
    device: torch.device
    attributes: dict[str, Attribute]

    @property
    def slices(self) -> int:
        """Slices of the volume."""
        return len(self.rows) // self.preparation.binning

    @property
    def binned(self) -> Acquisition:
        """The acquisition of the sinograms, which may be from a part of a coarser detector."""
        how = self.preparation
        pixel = self.acquisition.pixel_size * how.binning
        offset = ((how.columns - 1) / 2 - how.center_in(self.nominal)) * pixel
        return replace(self.acquisition, pixel_size=pixel, detector_offset=offset)


@dataclass
class Outcome:
    """What was done.

    Parameters
    ----------
    center : float
        The detector column used.
    volume : Volume
        Where the images lie.
    method : str
        How the centre was found, "" if it was given.
    estimate : CenterEstimate or None
        What was found.
    center_seconds, seconds : float
        Time to find the centre, and for everything after that.
    tally : Tally
        What was repaired.
    smallest, largest : float
        Range of values in the volume.
    residual : float or None
        The largest relative residual of a slice at its end; None if nothing was iterated.
    """

    center: float
    volume: Volume
    method: str
    estimate: CenterEstimate | None
    center_seconds: float
    seconds: float = 0.0
    tally: Tally = field(default_factory=Tally)
    smallest: float = np.inf
    largest: float = -np.inf
    residual: float | None = None


def reconstruct_scan(
    scan: ScanSource,
    output: Path,
    preview: Path | None,
    settings: Settings,
    progress: Callable[[int], object],
    live: Live | None = None,
) -> Outcome:
    """Reconstruct slices of a scan into a file, in blocks of bounded memory.

    Parameters
    ----------
    scan : ScanSource
        Open input.
    output : Path
        Volume to write, see `open_writer`.
    preview : Path, optional
        Picture to write.
    settings : Settings
        What to do.
    progress : callable
        Called with the number of slices done since the last call.
    live : callable, optional
        See `Algorithm.reconstruct`.

    Returns
    -------
    Outcome

    Raises
    ------
    DataError
        If the data cannot be used or a file cannot be written.
    """
    outcome = _start(scan, settings)
    start = perf_counter()
    how, volume = settings.preparation, outcome.volume
    rays = settings.binned.scan(scan.angles, how.columns, how.center_in(outcome.center))
    A = Projector(volume, rays)
    shown = _spread(range(settings.slices), _PREVIEW_SLICES)
    pictures: dict[int, Tensor] = {}
    attributes = {
        **settings.attributes,
        **how.describe(),
        "center": outcome.center,
        "voxel_size": volume.spacing[0],
    }
    done = 0
    shape = settings.slices, volume.shape[0], volume.shape[1]
    with open_writer(output, shape, attributes) as writer:
        for rows in _blocks(settings, scan, volume):
            sinograms, tally = _sinograms(scan, rows, settings)
            images, residuals = settings.algorithm.reconstruct(A, sinograms, live)
            if residuals is not None:
                outcome.residual = max(outcome.residual or 0.0, float(residuals.max()))
            writer.write(images)
            outcome.tally.add(tally)
            outcome.smallest = min(outcome.smallest, float(images.min()))
            outcome.largest = max(outcome.largest, float(images.max()))
            if preview is not None:
                for index in set(shown) & set(range(done, done + len(images))):
                    pictures[index] = images[index - done].cpu()
            done += len(images)
            progress(len(images))
    if preview is not None:
        titles = [f"slice {settings.rows[index * how.binning]}" for index in shown]
        save_slices(preview, [pictures[index] for index in shown], volume, titles)
    outcome.seconds = perf_counter() - start
    return outcome


def image_grid(scanner: Acquisition, size: int) -> Volume:
    """The grid on which a scan is reconstructed: pixels as large as the detector's are there.

    Parameters
    ----------
    scanner : Acquisition
        Of the sinograms.
    size : int
        Pixels a side.

    Returns
    -------
    Volume

    Examples
    --------
    >>> from torch_radon.cli.pipeline import image_grid
    >>> from torch_radon.data import Acquisition
    >>> image_grid(Acquisition("fan", 0.5, 40.0, 10.0), 64).spacing
    (0.4, 0.4)
    """
    return Volume((size, size), spacing=scanner.pixel_size / scanner.magnification)


def image_size(scanner: Acquisition, columns: int) -> int:
    """Pixels a side that hold what a detector sees in the course of the scan.

    Parameters
    ----------
    scanner : Acquisition
        A detector that was moved on purpose sees more in a full turn than it is wide.
    columns : int
        Its columns.

    Returns
    -------
    int

    Examples
    --------
    >>> from torch_radon.cli.pipeline import image_size
    >>> from torch_radon.data import Acquisition
    >>> image_size(Acquisition(), 64), image_size(Acquisition(detector_offset=20.0), 64)
    (64, 104)
    """
    return math.ceil(columns + 2 * abs(scanner.detector_offset) / scanner.pixel_size)


def _start(scan: ScanSource, settings: Settings) -> Outcome:
    """Find the centre unless it is given, and lay out the images."""
    start = perf_counter()
    how, binned = settings.preparation, settings.binned
    method, estimate = "", None
    if isinstance(settings.center, str):
        estimate, method = _find_center(scan, settings, settings.center)
        center = how.center_out(estimate.center)
    else:
        center = settings.center
    # Where only a part of the detector is used, that is no offset on purpose.
    natural = image_size(
        binned if settings.acquisition.detector_offset else Acquisition(), how.columns
    )
    volume = image_grid(binned, natural if settings.size is None else settings.size)
    return Outcome(center, volume, method, estimate, perf_counter() - start)


def _find_center(scan: ScanSource, settings: Settings, method: str) -> tuple[CenterEstimate, str]:
    binning = settings.preparation.binning
    blocks = [
        _sinograms(scan, settings.rows[binning * index : binning * (index + 1)], settings)[0].cpu()
        for index in _spread(range(settings.slices), _CENTER_ROWS)
    ]
    try:
        return locate_center(method, torch.cat(blocks), scan.angles, settings.binned)
    except DataError as error:
        raise DataError(f"{scan.path}: {error}") from error


def _sinograms(scan: ScanSource, rows: range, settings: Settings) -> tuple[Tensor, Tally]:
    how = settings.preparation
    # The margin must be whole bins, so that bins lie where they do without it.
    above = min(how.margin, rows.start // how.binning * how.binning)
    below = min(how.margin, scan.rows - rows.stop)
    readings = scan.read(slice(rows.start - above, rows.stop + below)).to(settings.device)
    try:
        return prepare(readings, how, above, len(rows))
    except DataError as error:
        raise DataError(f"{scan.path}, slices {rows.start}:{rows.stop}: {error}") from error


def _spread(rows: range, number: int) -> list[int]:
    """At most `number` rows, evenly spread, the middle one if it is only one."""
    parts = min(number, len(rows))
    return [rows[(2 * i + 1) * len(rows) // (2 * parts)] for i in range(parts)]


def _blocks(settings: Settings, scan: ScanSource, volume: Volume) -> Iterator[range]:
    """Cut rows into blocks by what sinograms, images and all between them take for a row."""
    rows, binning = settings.rows, settings.preparation.binning
    width = 8 if scan.read(slice(rows.start, rows.start + 1)).counts.dtype == torch.float64 else 4
    readings = scan.views * scan.columns * settings.algorithm.readings_held
    pixels = volume.shape[0] * volume.shape[1] * settings.algorithm.images_held
    row_bytes = width * (readings + pixels)
    step = max(1, _BLOCK_BYTES // row_bytes // binning) * binning
    stop = rows.start + settings.slices * binning
    for start in range(rows.start, stop, step):
        yield range(start, min(start + step, stop))
