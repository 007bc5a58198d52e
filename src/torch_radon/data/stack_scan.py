"""A scan whose counts, flat and dark fields are in files of their own."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from torch_radon.data.acquisition import Acquisition
from torch_radon.data.errors import DataError
from torch_radon.data.readings import Readings
from torch_radon.data.sources import ImageStack, open_stack
from torch_radon.geometry.validation import float_array

Field = str | os.PathLike[str] | float


class ScanSource(Protocol):
    """A scan in files of any kind: what `DataExchangeFile` and `StackScan` have in common."""

    path: Path
    angles: Tensor
    acquisition: Acquisition | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(views, rows, columns)``."""

    @property
    def views(self) -> int:
        """Number of views."""

    @property
    def rows(self) -> int:
        """Number of detector rows."""

    @property
    def columns(self) -> int:
        """Number of detector columns."""

    def read(self, rows: slice = slice(None)) -> Readings:
        """Read some detector rows of every view."""

    def close(self) -> None:
        """Close the files."""


class StackScan:
    """A scan in stacks of images, of which only the rows that are asked for are read.

    Use it as a context manager.

    Parameters
    ----------
    counts : str or path
        Images with the object, one a view, as `open_stack` takes them; rows of the image are
        detector rows.
    flat, dark : str, path or float
        Images without the object and without the beam; or one number for all pixels, as 1 and 0
        for images that have been divided by the beam already.
    angles : array_like
        Radians, one a view.
    acquisition : Acquisition, optional
        How the scan was taken.

    Raises
    ------
    DataError
        If a file cannot be used, or shapes or the number of angles disagree.

    Examples
    --------
    >>> import numpy as np
    >>> from torch_radon.data import StackScan
    >>> folder = getfixture("tmp_path")
    >>> np.save(folder / "counts.npy", np.full((90, 3, 64), 500, np.uint16))
    >>> np.save(folder / "flat.npy", np.full((5, 3, 64), 1000, np.uint16))
    >>> angles = np.linspace(0, np.pi, 90, endpoint=False)
    >>> with StackScan(folder / "counts.npy", folder / "flat.npy", 0.0, angles) as scan:
    ...     scan.shape, scan.read(slice(1, 2)).flat.shape
    ((90, 3, 64), torch.Size([5, 1, 64]))
    """

    path: Path
    angles: Tensor
    acquisition: Acquisition | None

    def __init__(
        self,
        counts: str | os.PathLike[str],
        flat: Field,
        dark: Field,
        angles: ArrayLike,
        acquisition: Acquisition | None = None,
    ) -> None:
        self.path = Path(counts)
        self.acquisition = acquisition
        self._open: list[ImageStack] = []
        try:
            self._counts = self._stack(counts)
            self._flat = flat if isinstance(flat, (int, float)) else self._field("flat", flat)
            self._dark = dark if isinstance(dark, (int, float)) else self._field("dark", dark)
            try:
                values = float_array("angles", angles)
            except (TypeError, ValueError) as error:
                raise DataError(f"{self.path}: {error}") from None
            if values.shape != (self.views,):
                raise DataError(
                    f"{self.path}: {self.views} views need as many angles, got {values.shape}"
                )
        except BaseException:
            self.close()
            raise
        self.angles = torch.from_numpy(values)

    def __enter__(self) -> Self:
        """Return the open scan."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self.close()

    def close(self) -> None:
        """Close the files; tensors that were read stay valid."""
        for stack in self._open:
            stack.close()

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(views, rows, columns)``."""
        return self._counts.shape

    @property
    def views(self) -> int:
        """Number of views."""
        return self.shape[0]

    @property
    def rows(self) -> int:
        """Number of detector rows."""
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
            On the CPU, float64 where the file holds float64, float32 otherwise.

        Raises
        ------
        DataError
            If no row is left or the data cannot be read.
        """
        counts = self._counts.read(rows=rows)

        def field(source: ImageStack | float) -> Tensor:
            if isinstance(source, ImageStack):
                return source.read(rows=rows).to(counts.dtype)
            return counts.new_full((1, *counts.shape[1:]), source)

        return Readings(counts, field(self._flat), field(self._dark), self.angles)

    def _stack(self, path: str | os.PathLike[str]) -> ImageStack:
        stack = open_stack(path)
        self._open.append(stack)
        return stack

    def _field(self, name: str, path: str | os.PathLike[str]) -> ImageStack:
        stack = self._stack(path)
        if stack.shape[1:] != self.shape[1:]:
            raise DataError(
                f"{stack.path}: {name} field must have images of {self.shape[1:]} (rows, columns) "
                f"as {self.path} has, got {stack.shape[1:]}"
            )
        return stack


def even_angles(first: float, last: float, views: int) -> Tensor:
    """Angles in equal steps, the last one left out, as a scan of a half or full turn has them.

    Parameters
    ----------
    first, last : float
        Where the scan begins, and where its next view would be, in degrees.
    views : int
        How many.

    Returns
    -------
    Tensor
        Radians, shape ``(views,)``, float64.

    Examples
    --------
    >>> from torch_radon.data.stack_scan import even_angles
    >>> even_angles(0, 180, 4).rad2deg()
    tensor([  0.,  45.,  90., 135.], dtype=torch.float64)
    """
    degrees = first + (last - first) * np.arange(views, dtype=np.float64) / views
    return torch.from_numpy(np.deg2rad(degrees))
