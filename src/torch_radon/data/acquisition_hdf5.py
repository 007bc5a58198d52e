"""Where a Data Exchange file keeps the geometry; described in `DataExchangeFile`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from torch_radon.data.acquisition import Acquisition
from torch_radon.data.errors import DataError

INSTRUMENT = "measurement/instrument"
BEAM = f"{INSTRUMENT}/source/beam"
SHAPE = f"{INSTRUMENT}/detector/shape"
LENGTHS = {
    "source_distance": f"{INSTRUMENT}/source/distance",
    "detector_distance": f"{INSTRUMENT}/detector/distance",
    "pixel_size": f"{INSTRUMENT}/detector/x_pixel_size",
    "detector_offset": f"{INSTRUMENT}/detector/x_offset",
}


def write_acquisition(file: h5py.File, acquisition: Acquisition) -> None:
    """Put the geometry into an open file.

    Parameters
    ----------
    file : h5py.File
        Open for writing.
    acquisition : Acquisition
        What to write.
    """
    file[BEAM] = acquisition.beam
    if acquisition.beam == "fan":
        file[SHAPE] = "curved" if acquisition.curved else "flat"
    for field, name in LENGTHS.items():
        length = getattr(acquisition, field)
        if length is not None:
            file[name] = float(length)
            file[name].attrs["units"] = acquisition.unit


def read_acquisition(file: h5py.File, path: Path) -> Acquisition | None:
    """Read the geometry of an open file, None if it does not say what kind of beam it had.

    Parameters
    ----------
    file : h5py.File
        Open for reading.
    path : Path
        Its name, for messages.

    Returns
    -------
    Acquisition or None

    Raises
    ------
    DataError
        If something is there that cannot be understood.
    """
    if BEAM not in file:
        return None
    shape = _value(file, path, SHAPE)
    if shape not in (None, "flat", "curved"):
        raise DataError(f"{path}: dataset {SHAPE!r} must be 'flat' or 'curved', got {shape!r}")
    lengths: dict[str, float] = {}
    units: dict[str, str] = {}
    for field, name in LENGTHS.items():
        value = _value(file, path, name)
        if value is None:
            continue
        if not isinstance(value, float):
            raise DataError(f"{path}: dataset {name!r} must be one number, got {value!r}")
        lengths[field] = value
        units[name] = as_text(file[name].attrs.get("units", "")).strip()
    if len(set(units.values())) > 1:
        found = ", ".join(f"{name} in {unit!r}" for name, unit in units.items())
        raise DataError(f"{path}: lengths must have one unit, got {found}")
    try:
        return Acquisition(
            beam=str(_value(file, path, BEAM)),
            curved=shape == "curved",
            unit=next(iter(units.values()), ""),
            **lengths,
        )
    except DataError as error:
        raise DataError(f"{path}: {INSTRUMENT}: {error}") from None


def as_text(value: Any) -> str:
    """Return an HDF5 text, which may come as bytes or as an array of one.

    Parameters
    ----------
    value : object
        What h5py gave.

    Returns
    -------
    str
    """
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _value(file: h5py.File, path: Path, name: str) -> float | str | None:
    """A scalar, or an array of one, as a number or text; None if it is not there."""
    if name not in file:
        return None
    item = file[name]
    if not isinstance(item, h5py.Dataset) or item.size != 1:
        raise DataError(f"{path}: {name!r} must be a dataset of one value")
    value = item[()]
    if item.dtype.kind in "iuf":
        return float(np.asarray(value).ravel()[0])
    return as_text(value)
