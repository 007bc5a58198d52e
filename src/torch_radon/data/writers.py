"""Writing reconstructed volumes slice by slice, in the format that the file's name asks for."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray
from torch import Tensor

from torch_radon.data.atomic import replacing
from torch_radon.data.errors import DataError

Attribute = str | float | int

# Classic TIFF has 32-bit offsets; the rest is for its directories.
_LARGEST_TIFF = 2**32 - 2**25


class VolumeWriter(ABC):
    """Takes the slices of one volume, first to last, some at a time; made by `open_writer`."""

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self.path = path
        self.shape = shape
        self.written = 0

    def write(self, images: Tensor) -> None:
        """Append slices.

        Parameters
        ----------
        images : Tensor
            Shape ``(n, H, W)`` with the H and W of the volume, any floating-point type, any
            device; stored as float32.

        Raises
        ------
        ValueError
            If the shape does not fit or more slices come than the volume has.
        """
        if images.ndim != 3 or images.shape[1:] != self.shape[1:]:
            raise ValueError(
                f"images must have shape (n, {self.shape[1]}, {self.shape[2]}), got "
                f"{tuple(images.shape)}"
            )
        end = self.written + len(images)
        if end > self.shape[0]:
            raise ValueError(f"images: the volume has {self.shape[0]} slices, got {end}")
        self._store(images.detach().float().cpu().numpy())
        self.written = end

    @abstractmethod
    def _store(self, block: NDArray[np.float32]) -> None:
        """Put `block` after the `written` slices that are there."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""


@contextmanager
def open_writer(
    path: str | os.PathLike[str],
    shape: tuple[int, int, int],
    attributes: Mapping[str, Attribute] | None = None,
) -> Iterator[VolumeWriter]:
    """Write a volume of float32 slices; the file appears when all of them are written.

    The format follows the suffix:

    ========================  =====================================================================
    ``.h5``, ``.hdf5``        HDF5: dataset ``exchange/data`` (z, y, x) with the attributes
    ``.tif``, ``.tiff``       a stack of pages, BigTIFF beyond 4 GiB; the attributes as JSON in the
                              description of the first page
    ``.npy``                  NumPy array (z, y, x); has no place for attributes
    ========================  =====================================================================

    Parameters
    ----------
    path : str or path
        Where to write; a file of that name is replaced.
    shape : tuple of int
        ``(slices, H, W)``.
    attributes : mapping, optional
        How the volume was made: names and text or numbers.

    Yields
    ------
    VolumeWriter
        Its ``write`` appends slices.

    Raises
    ------
    DataError
        If the suffix is unknown, the folder does not exist, or writing fails.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from torch_radon.data import open_writer
    >>> path = getfixture("tmp_path") / "volume.npy"
    >>> with open_writer(path, (3, 4, 4)) as writer:
    ...     writer.write(torch.zeros(2, 4, 4))
    ...     writer.write(torch.ones(1, 4, 4))
    >>> np.load(path)[:, 0, 0]
    array([0., 0., 1.], dtype=float32)
    """
    path = Path(path)
    make = _WRITERS[output_suffix(path)]
    with replacing(path) as temporary:
        with closing(make(temporary, shape, attributes or {})) as writer:
            yield writer
        if writer.written != shape[0]:
            raise ValueError(f"{path}: {writer.written} of {shape[0]} slices were written")


def output_suffix(path: str | os.PathLike[str]) -> str:
    """Return the suffix of an output file, in lower case, or raise if no writer knows it.

    Parameters
    ----------
    path : str or path
        The file to be written.

    Returns
    -------
    str

    Raises
    ------
    DataError
        If the suffix is not one of those in `open_writer`.

    Examples
    --------
    >>> from torch_radon.data.writers import output_suffix
    >>> output_suffix("volume.TIFF")
    '.tiff'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITERS:
        raise DataError(
            f"{path}: cannot write {suffix or 'a file without suffix'}, the output is one of "
            f"{', '.join(_WRITERS)}"
        )
    return suffix


class _HDF5Writer(VolumeWriter):
    def __init__(
        self, path: Path, shape: tuple[int, int, int], attributes: Mapping[str, Attribute]
    ) -> None:
        super().__init__(path, shape)
        self._file = h5py.File(path, "w")
        self._file["implements"] = "exchange"
        self._data = self._file.create_dataset("exchange/data", shape, np.float32)
        self._data.attrs["axes"] = "z:y:x"
        for name, value in attributes.items():
            self._data.attrs[name] = value

    def _store(self, block: NDArray[np.float32]) -> None:
        self._data[self.written : self.written + len(block)] = block

    def close(self) -> None:
        self._file.close()


class _TIFFWriter(VolumeWriter):
    def __init__(
        self, path: Path, shape: tuple[int, int, int], attributes: Mapping[str, Attribute]
    ) -> None:
        super().__init__(path, shape)
        self._file = tifffile.TiffWriter(path, bigtiff=4 * int(np.prod(shape)) > _LARGEST_TIFF)
        self._description: str | None = json.dumps(dict(attributes))

    def _store(self, block: NDArray[np.float32]) -> None:
        for page in block:
            self._file.write(
                page, photometric="minisblack", description=self._description, metadata=None
            )
            self._description = None

    def close(self) -> None:
        self._file.close()


class _NumPyWriter(VolumeWriter):
    def __init__(
        self, path: Path, shape: tuple[int, int, int], attributes: Mapping[str, Attribute]
    ) -> None:
        super().__init__(path, shape)
        self._data = np.lib.format.open_memmap(path, "w+", np.float32, shape)

    def _store(self, block: NDArray[np.float32]) -> None:
        self._data[self.written : self.written + len(block)] = block

    def close(self) -> None:
        self._data.flush()


_WRITERS: dict[
    str, Callable[[Path, tuple[int, int, int], Mapping[str, Attribute]], VolumeWriter]
] = {
    ".h5": _HDF5Writer,
    ".hdf5": _HDF5Writer,
    ".tif": _TIFFWriter,
    ".tiff": _TIFFWriter,
    ".npy": _NumPyWriter,
}
