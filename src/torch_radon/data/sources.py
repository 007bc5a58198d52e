"""Stacks of images in files, of which a part is read at the cost of that part."""

from __future__ import annotations

import os
import re
import zlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from torch import Tensor

from torch_radon.data.data_exchange import open_hdf5
from torch_radon.data.errors import DataError

TIFF_SUFFIXES = (".tif", ".tiff")
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs")
_DEFAULT_DATASET = "exchange/data"


class ImageStack(ABC):
    """Images of one shape, ``(n, H, W)``, in a file or a folder; made by `open_stack`.

    Attributes
    ----------
    path : Path
        The file or folder.
    shape : tuple of int
        ``(n, H, W)``.
    """

    path: Path
    shape: tuple[int, int, int]

    def read(self, images: slice = slice(None), rows: slice = slice(None)) -> Tensor:
        """Read some rows of some images.

        Parameters
        ----------
        images : slice, default all
            Which images; steps must be positive.
        rows : slice, default all
            Which rows of each; steps must be positive.

        Returns
        -------
        Tensor
            Shape ``(images, rows, W)``: float64 where the file holds float64, else float32.

        Raises
        ------
        DataError
            If nothing is selected or the file cannot be read.
        """
        for name, part, size in (
            ("images", images, self.shape[0]),
            ("rows", rows, self.shape[1]),
        ):
            start, stop, step = part.indices(size)
            if step < 0 or stop <= start:
                raise DataError(f"{self.path}: {name} {start}:{stop} select nothing of {size}")
        try:
            block = self._block(images, rows)
        except DataError:
            raise
        except (OSError, RuntimeError, ValueError, LookupError, zlib.error) as error:
            reason = "" if "imagecodecs" in str(error) else ", the file is truncated or corrupt"
            raise DataError(f"{self.path}: cannot be read{reason} ({error})") from error
        wide = block.dtype.kind == "f" and block.dtype.itemsize > 4
        return torch.from_numpy(np.array(block, dtype=np.float64 if wide else np.float32))

    @abstractmethod
    def _block(self, images: slice, rows: slice) -> NDArray[Any]:
        """Read a block; both slices are valid."""

    def close(self) -> None:  # noqa: B027
        """Close the file; tensors that were read stay valid."""

    def _check(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        if len(shape) == 2:
            shape = (1, *shape)
        if len(shape) != 3 or 0 in shape:
            raise DataError(
                f"{self.path}: must hold images (n, H, W), none of these 0, got shape {shape}"
            )
        if dtype.kind not in "iuf":
            raise DataError(f"{self.path}: must hold numbers, got {dtype}")
        self.shape = shape


def open_stack(path: str | os.PathLike[str]) -> ImageStack:
    """Open a stack of images without reading them.

    Parameters
    ----------
    path : str or path
        One of

        - a TIFF file of one or many pages;
        - a folder of TIFF files of one page each, taken in the order of the numbers in their
          names;
        - a NumPy file ``.npy``;
        - an HDF5 file and a dataset in it, ``scan.h5:exchange/data``; the dataset may be left out
          if that is its name.

        Two-dimensional arrays are one image.

    Returns
    -------
    ImageStack
        Its ``read`` reads what is asked for: a few rows of every image cost these rows for NumPy,
        for HDF5 (as far as the chunks of the file allow) and for TIFF without compression. Pages
        of compressed TIFF are decoded one at a time; compressions other than zlib and packbits
        need the package ``imagecodecs``.

    Raises
    ------
    DataError
        If it does not exist, is of an unknown or of a corrupt kind, holds anything but numbers,
        or images differ in shape or type.

    Examples
    --------
    >>> import numpy as np
    >>> from torch_radon.data import open_stack
    >>> path = getfixture("tmp_path") / "flat.npy"
    >>> np.save(path, np.ones((10, 64, 96), np.uint16))
    >>> stack = open_stack(path)
    >>> stack.shape, stack.read(rows=slice(5, 7)).shape
    ((10, 64, 96), torch.Size([10, 2, 96]))
    """
    text = os.fspath(path)
    file, _, dataset = text.rpartition(":")
    if file and Path(file).suffix.lower() in HDF5_SUFFIXES and not Path(text).exists():
        return _HDF5Stack(Path(file), dataset)
    place = Path(text)
    if not place.exists():
        raise DataError(f"{place}: no such file")
    if place.is_dir() or place.suffix.lower() in TIFF_SUFFIXES:
        return _TIFFStack(place)
    if place.suffix.lower() == ".npy":
        return _NumPyStack(place)
    if place.suffix.lower() in HDF5_SUFFIXES:
        return _HDF5Stack(place, _DEFAULT_DATASET)
    raise DataError(
        f"{place}: cannot read {place.suffix or 'a file without suffix'}, images are in one of "
        f"{', '.join((*TIFF_SUFFIXES, '.npy', *HDF5_SUFFIXES))} or a folder of TIFF files"
    )


def read_volume(path: str | os.PathLike[str], slices: slice = slice(None)) -> Tensor:
    """Read slices of a volume, as `open_writer` and other programs write them.

    Parameters
    ----------
    path : str or path
        As `open_stack` takes it.
    slices : slice, default all
        Which slices; only they are read.

    Returns
    -------
    Tensor
        Shape ``(n, H, W)``, float64 where the file holds float64, else float32; on the CPU.

    Raises
    ------
    DataError
        As `open_stack` does, or if no slice is selected.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import open_writer, read_volume
    >>> path = getfixture("tmp_path") / "volume.tif"
    >>> with open_writer(path, (3, 16, 16)) as writer:
    ...     writer.write(torch.ones(3, 16, 16))
    >>> read_volume(path, slice(1, 2)).shape
    torch.Size([1, 16, 16])
    """
    stack = open_stack(path)
    try:
        return stack.read(slices)
    finally:
        stack.close()


class _NumPyStack(ImageStack):
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            data = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                f"{path}: not a NumPy file of numbers, or truncated ({error})"
            ) from error
        self._check(data.shape, data.dtype)
        self._data = data.reshape(self.shape)

    def _block(self, images: slice, rows: slice) -> NDArray[Any]:
        return np.asarray(self._data[images, rows])


class _HDF5Stack(ImageStack):
    def __init__(self, path: Path, dataset: str) -> None:
        self.path = path
        self._file = open_hdf5(path)
        try:
            item = self._file.get(dataset)
            if not isinstance(item, h5py.Dataset):
                raise DataError(f"{path}: dataset {dataset!r} is missing")
            self._check(item.shape, item.dtype)
        except BaseException:
            self._file.close()
            raise
        self._data = item

    def _block(self, images: slice, rows: slice) -> NDArray[Any]:
        if self._data.ndim == 2:
            return np.asarray(self._data[rows])[None]
        return np.asarray(self._data[images, rows])

    def close(self) -> None:
        self._file.close()


class _TIFFStack(ImageStack):
    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            self._files = sorted(
                (p for p in path.iterdir() if p.suffix.lower() in TIFF_SUFFIXES), key=_by_number
            )
            if not self._files:
                raise DataError(f"{path}: folder without a TIFF file")
        else:
            self._files = [path]
        try:
            with tifffile.TiffFile(self._files[0]) as file:
                pages = len(file.pages)
                page = file.pages.first
                shape, dtype = page.shape, page.dtype
        except (OSError, ValueError, tifffile.TiffFileError) as error:
            raise DataError(f"{self._files[0]}: not a TIFF file, or truncated ({error})") from error
        if len(self._files) > 1 and pages > 1:
            raise DataError(
                f"{self._files[0]}: {pages} pages, but the files of a folder must have one each"
            )
        if len(shape) != 2 or dtype is None:
            raise DataError(f"{self._files[0]}: must hold grey images (H, W), got shape {shape}")
        self._dtype = dtype
        self._check((max(pages, len(self._files)), *shape), dtype)

    def _block(self, images: slice, rows: slice) -> NDArray[Any]:
        numbers = range(self.shape[0])[images]
        height = len(range(self.shape[1])[rows])
        block = np.empty((len(numbers), height, self.shape[2]), self._dtype.newbyteorder("="))
        if len(self._files) > 1:
            for place, number in enumerate(numbers):
                with tifffile.TiffFile(self._files[number]) as file:
                    block[place] = self._page(file, 0, rows)
            return block
        with tifffile.TiffFile(self._files[0]) as file:
            for place, number in enumerate(numbers):
                block[place] = self._page(file, number, rows)
        return block

    def _page(self, file: tifffile.TiffFile, number: int, rows: slice) -> NDArray[Any]:
        """Rows of a page: mapped where they lie in the file as they are, else decoded."""
        page = file.pages[number].aspage()
        if page.shape != self.shape[1:] or page.dtype != self._dtype:
            raise DataError(
                f"{file.filename}: image {number} is {page.shape} {page.dtype}, expected "
                f"{self.shape[1:]} {self._dtype}"
            )
        if not page.keyframe.is_memmappable:
            return np.asarray(page.asarray()[rows])
        mapped = np.memmap(
            file.filehandle.path,
            dtype=np.dtype(self._dtype).newbyteorder(file.byteorder),
            mode="r",
            offset=page.dataoffsets[0],
            shape=page.shape,
        )
        return np.asarray(mapped[rows])


def _by_number(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that puts image_9 before image_10."""
    parts = re.split(r"(\d+)", path.stem)
    return [(int(part), len(part), "") if part.isdigit() else (0, 0, part) for part in parts]
