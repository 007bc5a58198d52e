"""Scans in HDF5 files of the Data Exchange layout."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from torch_radon.data.acquisition import Acquisition
from torch_radon.data.acquisition_hdf5 import as_text, read_acquisition, write_acquisition
from torch_radon.data.atomic import replacing
from torch_radon.data.errors import DataError
from torch_radon.data.readings import Readings

COUNTS = "exchange/data"
FLAT = "exchange/data_white"
DARK = "exchange/data_dark"
ANGLES = "exchange/theta"

_CONTENT = {
    COUNTS: "counts, (views, rows, columns)",
    FLAT: "counts without the object, (frames, rows, columns)",
    DARK: "counts without the beam, (frames, rows, columns)",
    ANGLES: "the angle of each view in degrees, (views,)",
}


class DataExchangeFile:
    """An open Data Exchange file; counts are read when they are asked for, and only those rows.

    Opening reads and checks the layout and the angles, nothing else, so that a file of any size
    opens at once. Use it as a context manager.

    Parameters
    ----------
    path : str or path
        An HDF5 file with the datasets ``exchange/data`` (views, rows, columns),
        ``exchange/data_white`` and ``exchange/data_dark`` (frames, rows, columns), of any integer
        or floating-point type, and ``exchange/theta`` (views,), in degrees unless its attribute
        ``units`` says radians. The geometry may be below ``measurement/instrument``, see Notes.

    Attributes
    ----------
    path : Path
        The file.
    angles : Tensor
        Radians, shape ``(views,)``, float64.
    acquisition : Acquisition or None
        How the scan was taken, if the file says so.

    Raises
    ------
    DataError
        If the file does not exist, is not HDF5, is truncated or corrupt, lacks a dataset, or if
        shapes disagree or an angle is not finite.

    Notes
    -----
    The layout was made for the parallel beams of synchrotrons and has places for distances, but
    none for the kind of beam. `write_data_exchange` puts the geometry where the layout describes
    source and detector, as scalars below ``measurement/instrument``; lengths have the attribute
    ``units``, the same for all of them:

    ===========================  =================================================================
    ``source/beam``              "parallel" or "fan"; without it nothing else here is read, since
                                 other programs mean other things by some of these names
    ``source/distance``          from the source to the rotation axis (fan)
    ``detector/distance``        from the rotation axis to the detector (fan)
    ``detector/x_pixel_size``    between columns, on the detector
    ``detector/shape``           "flat" or "curved" about the source (fan)
    ``detector/x_offset``        how far the detector was moved along its columns on purpose
    ===========================  =================================================================

    References
    ----------
    .. [1] F. De Carlo et al., "Scientific data exchange: a schema for HDF5-based storage of raw
       and analyzed data", J. Synchrotron Rad. 21 (2014) 1224-1230.

    Examples
    --------
    >>> import numpy as np
    >>> from torch_radon.data import DataExchangeFile, write_data_exchange
    >>> folder = getfixture("tmp_path")
    >>> write_data_exchange(
    ...     folder / "scan.h5",
    ...     counts=np.full((90, 3, 64), 500, np.uint16),
    ...     flat=np.full((5, 3, 64), 1000, np.uint16),
    ...     dark=np.zeros((5, 3, 64), np.uint16),
    ...     angles=np.linspace(0, np.pi, 90, endpoint=False),
    ... )
    >>> with DataExchangeFile(folder / "scan.h5") as scan:
    ...     scan.shape, scan.read(slice(1, 2)).counts.shape
    ((90, 3, 64), torch.Size([90, 1, 64]))
    """

    path: Path
    angles: Tensor
    acquisition: Acquisition | None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file = open_hdf5(self.path)
        try:
            self._counts = self._dataset(COUNTS)
            self._flat = self._dataset(FLAT)
            self._dark = self._dataset(DARK)
            self._check_shapes()
            self.angles = self._read_angles()
            self.acquisition = read_acquisition(self._file, self.path)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; tensors that were read stay valid."""
        self._file.close()

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(views, rows, columns)``."""
        views, rows, columns = self._counts.shape
        return views, rows, columns

    @property
    def views(self) -> int:
        """Number of views."""
        return self.shape[0]

    @property
    def rows(self) -> int:
        """Number of detector rows: the slices that can be reconstructed from a parallel beam."""
        return self.shape[1]

    @property
    def columns(self) -> int:
        """Number of detector columns."""
        return self.shape[2]

    def read(self, rows: slice = slice(None)) -> Readings:
        """Read some detector rows of every view.

        Parameters
        ----------
        rows : slice, default all
            Which rows, with Python's meaning of a slice; a step must be positive.

        Returns
        -------
        Readings
            On the CPU, float64 where the file holds float64, float32 otherwise (exact for counts
            up to 2^24).

        Raises
        ------
        DataError
            If no row is left or the data cannot be read.
        """
        start, stop, step = rows.indices(self.rows)
        if step < 0 or stop <= start:
            raise DataError(
                f"{self.path}: rows {start}:{stop} select nothing; dataset {COUNTS!r} has "
                f"{self.rows} rows"
            )
        part = slice(start, stop, step)
        return Readings(
            counts=self._read(self._counts, COUNTS, part),
            flat=self._read(self._flat, FLAT, part),
            dark=self._read(self._dark, DARK, part),
            angles=self.angles,
        )

    def _dataset(self, name: str) -> h5py.Dataset:
        try:
            item = self._file.get(name)
        except (OSError, RuntimeError, KeyError) as error:
            raise _unreadable(self.path, name, error) from error
        if not isinstance(item, h5py.Dataset):
            raise DataError(
                f"{self.path}: dataset {name!r} is missing ({_CONTENT[name]}); the file has "
                f"{_names(self._file)}"
            )
        if item.dtype.kind not in "iuf":
            raise DataError(f"{self.path}: dataset {name!r} must hold numbers, got {item.dtype}")
        return item

    def _check_shapes(self) -> None:
        shape = self._counts.shape
        if len(shape) != 3 or 0 in shape:
            raise DataError(
                f"{self.path}: dataset {COUNTS!r} must have shape (views, rows, columns), none of "
                f"them 0, got {shape}"
            )
        for name, dataset in ((FLAT, self._flat), (DARK, self._dark)):
            if len(dataset.shape) != 3 or dataset.shape[0] == 0 or dataset.shape[1:] != shape[1:]:
                raise DataError(
                    f"{self.path}: dataset {name!r} must have shape (frames, rows, columns) = "
                    f"(frames, {shape[1]}, {shape[2]}) as {COUNTS!r} has, got {dataset.shape}"
                )

    def _read_angles(self) -> Tensor:
        dataset = self._dataset(ANGLES)
        views = self._counts.shape[0]
        if dataset.shape != (views,):
            raise DataError(
                f"{self.path}: dataset {ANGLES!r} must have shape ({views},), one angle for each "
                f"view of {COUNTS!r}, got {dataset.shape}"
            )
        try:
            angles = np.asarray(dataset[...], dtype=np.float64)
        except (OSError, RuntimeError) as error:
            raise _unreadable(self.path, ANGLES, error) from error
        bad = np.flatnonzero(~np.isfinite(angles))
        if bad.size:
            raise DataError(
                f"{self.path}: dataset {ANGLES!r} must be finite, got {angles[bad[0]]} at view "
                f"{bad[0]} ({bad.size} of {views} views)"
            )
        units = as_text(dataset.attrs.get("units", "degrees")).strip().lower()
        if units.startswith("rad"):
            return torch.from_numpy(angles)
        if units.startswith("deg") or units in ("", "°"):
            return torch.from_numpy(np.deg2rad(angles))
        raise DataError(
            f"{self.path}: dataset {ANGLES!r} has units {units!r}; expected degrees or radians"
        )

    def _read(self, dataset: h5py.Dataset, name: str, rows: slice) -> Tensor:
        wide = dataset.dtype.kind == "f" and dataset.dtype.itemsize > 4
        try:
            block = dataset[:, rows, :]
        except (OSError, RuntimeError) as error:
            raise _unreadable(self.path, name, error) from error
        return torch.from_numpy(np.asarray(block, dtype=np.float64 if wide else np.float32))


def open_data_exchange(path: str | os.PathLike[str]) -> DataExchangeFile:
    """Open a scan in a Data Exchange file; see `DataExchangeFile`.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    DataExchangeFile

    Raises
    ------
    DataError
        As `DataExchangeFile` does.

    Examples
    --------
    >>> from torch_radon.data import DataError, open_data_exchange
    >>> text = getfixture("tmp_path") / "notes.txt"
    >>> _ = text.write_text("no scan")
    >>> try:
    ...     open_data_exchange(text)
    ... except DataError as error:
    ...     print(str(error).removeprefix(str(text)))
    : not an HDF5 file
    """
    return DataExchangeFile(path)


def write_data_exchange(
    path: str | os.PathLike[str],
    counts: ArrayLike | Tensor,
    flat: ArrayLike | Tensor,
    dark: ArrayLike | Tensor,
    angles: ArrayLike | Tensor,
    *,
    acquisition: Acquisition | None = None,
    title: str = "",
) -> None:
    """Write a scan as a Data Exchange file.

    The file appears under its name when it is complete, and not before.

    Parameters
    ----------
    path : str or path
        Where to write; a file of that name is replaced.
    counts : array_like or Tensor
        Counts with the object in the beam, ``(views, rows, columns)``; integers or floats, kept
        in their type.
    flat, dark : array_like or Tensor
        Counts without the object and without the beam, ``(frames, rows, columns)``.
    angles : array_like or Tensor
        Radians, ``(views,)``; written in degrees, as the layout has it.
    acquisition : Acquisition, optional
        How the scan was taken; see the notes of `DataExchangeFile` for where it is kept.
    title : str, optional
        What the file says that it is.

    Raises
    ------
    DataError
        If the folder does not exist or is not writable, shapes disagree, or an angle is not
        finite.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import open_data_exchange, write_data_exchange
    >>> path = getfixture("tmp_path") / "scan.h5"
    >>> angles = torch.linspace(0, torch.pi, 4)
    >>> ones = torch.ones(4, 1, 8)
    >>> write_data_exchange(path, ones, 2 * ones, 0 * ones, angles)
    >>> with open_data_exchange(path) as scan:
    ...     torch.allclose(scan.angles, angles.double())
    True
    """
    data = {COUNTS: _array(counts), FLAT: _array(flat), DARK: _array(dark)}
    degrees = np.rad2deg(_array(angles).astype(np.float64))
    with replacing(path) as temporary:
        with h5py.File(temporary, "w") as file:
            file["implements"] = "exchange" if acquisition is None else "exchange:measurement"
            if title:
                file["exchange/title"] = title
            if acquisition is not None:
                write_acquisition(file, acquisition)
            for (name, array), axis in zip(
                data.items(), ("theta", "theta_white", "theta_dark"), strict=True
            ):
                # A chunk is one view of a band of rows, so reading a few rows stays cheap.
                file.create_dataset(name, data=array, chunks=_chunks(array.shape))
                file[name].attrs["axes"] = f"{axis}:y:x"
                file[name].attrs["units"] = "counts"
            file[ANGLES] = degrees
            file[ANGLES].attrs["units"] = "degrees"
        # Reading back what was written applies one set of checks to both directions.
        try:
            DataExchangeFile(temporary).close()
        except DataError as error:
            raise DataError(str(error).replace(str(temporary), str(path))) from None


def open_hdf5(path: Path) -> h5py.File:
    """Open any HDF5 file for reading, or raise a `DataError` that says what is wrong with it."""
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.is_dir():
        raise DataError(f"{path}: is a folder, not a file")
    try:
        with path.open("rb"):
            pass
        return h5py.File(path, "r")
    except PermissionError:
        raise DataError(f"{path}: no permission to read it") from None
    except (OSError, RuntimeError) as error:
        if not _has_signature(path):
            kind = "an empty file" if path.stat().st_size == 0 else "not an HDF5 file"
            raise DataError(f"{path}: {kind}") from error
        raise DataError(f"{path}: HDF5 file is truncated or corrupt ({_reason(error)})") from error


def _has_signature(path: Path) -> bool:
    """Whether the HDF5 signature is where the format has it: at 0, 512, 1024, 2048 and so on."""
    size = path.stat().st_size
    with path.open("rb") as file:
        offset = 0
        while offset + 8 <= size:
            file.seek(offset)
            if file.read(8) == b"\x89HDF\r\n\x1a\n":
                return True
            offset = max(512, 2 * offset)
    return False


def _unreadable(path: Path, name: str, error: Exception) -> DataError:
    return DataError(
        f"{path}: dataset {name!r} cannot be read, the file is truncated or corrupt "
        f"({_reason(error)})"
    )


def _reason(error: Exception) -> str:
    """The part of an h5py message that says what happened."""
    text = str(error)
    return text[text.find("(") + 1 : text.rfind(")")] if "(" in text else text


def _names(file: h5py.File) -> str:
    """The datasets of a file, for a message."""
    found: list[str] = []

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(f"{name} {item.shape}")

    file.visititems(note)
    if not found:
        return "no datasets"
    return ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")


def _array(value: ArrayLike | Tensor) -> NDArray[Any]:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)


def _chunks(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    if len(shape) != 3 or 0 in shape:
        return None
    return 1, min(shape[1], 32), shape[2]
