"""The grid of voxels that is reconstructed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

from torch_radon.geometry.validation import as_count, as_length, per_axis


@dataclass(frozen=True, init=False)
class Volume:
    """A regular grid of voxels: its shape, where it lies and how large its voxels are.

    Voxel ``i`` of ``n`` along an axis has its centre at ``(i - (n - 1) / 2) * spacing + center``.
    World axes follow the index order without flips: x grows with the column index, y with the
    row index, z with the slice index.

    Parameters
    ----------
    shape : tuple of int
        ``(H, W)`` for an image or ``(D, H, W)`` for a volume.
    spacing : float or tuple of float, default 1.0
        Voxel size in world units, one number or one an axis in index order: ``(y, x)`` or
        ``(z, y, x)``.
    center : float or tuple of float, default 0.0
        World position of the grid's centre, in index order as well. The rotation axis of the
        scan constructors passes through the world's origin.

    Raises
    ------
    TypeError
        If an argument is not made of numbers (of integers for `shape`).
    ValueError
        If `shape` has not 2 or 3 positive entries, a spacing is not positive, or anything is
        not finite.

    Examples
    --------
    >>> volume = Volume((4, 6), spacing=(0.5, 1.0))
    >>> volume.extent
    (2.0, 6.0)
    >>> volume.coordinates(0)
    array([-0.75, -0.25,  0.25,  0.75])
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    center: tuple[float, ...]

    def __init__(
        self,
        shape: Sequence[SupportsIndex],
        spacing: float | Sequence[float] = 1.0,
        center: float | Sequence[float] = 0.0,
    ) -> None:
        if not isinstance(shape, Sequence) or len(shape) not in (2, 3):
            raise ValueError(f"shape must be (H, W) or (D, H, W), got {shape!r}")
        counts = tuple(as_count("shape", n) for n in shape)
        lengths = per_axis("spacing", spacing, len(counts))
        # A frozen dataclass is filled through object.__setattr__.
        object.__setattr__(self, "shape", counts)
        object.__setattr__(self, "spacing", tuple(as_length("spacing", s) for s in lengths))
        object.__setattr__(self, "center", per_axis("center", center, len(counts)))

    @property
    def ndim(self) -> int:
        """Number of axes, 2 or 3."""
        return len(self.shape)

    @property
    def extent(self) -> tuple[float, ...]:
        """Size of the whole grid in world units, index-ordered: ``shape * spacing``."""
        return tuple(n * s for n, s in zip(self.shape, self.spacing, strict=True))

    def coordinates(self, axis: int) -> NDArray[np.float64]:
        """World coordinates of the voxel centres along one axis.

        Parameters
        ----------
        axis : int
            Index of the axis in `shape`; -1 is x, -2 is y, -3 is z.

        Returns
        -------
        ndarray
            ``shape[axis]`` numbers in float64, ascending.
        """
        n = self.shape[axis]
        return (np.arange(n, dtype=np.float64) - (n - 1) / 2) * self.spacing[axis] + self.center[
            axis
        ]
