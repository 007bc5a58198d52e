"""The image grid of version 2 of TorchRadon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch_radon.geometry import Volume
from torch_radon.geometry.validation import as_count, as_length, per_axis


class Volume2D:
    """Where an image lies and how large its pixels are; its size may be given later.

    Parameters
    ----------
    center : sequence of float, default (0.0, 0.0)
        World position ``(x, y)`` of the image's middle, x along the column index and y along the
        row index, in the unit of the distances.
    voxel_size : sequence of float, default (1.0, 1.0)
        Width and height ``(x, y)`` of a pixel.

    Attributes
    ----------
    height, width : int
        Pixels, or -1 as long as they are not known.
    center, voxel_size : tuple of float

    Raises
    ------
    TypeError
        If an argument is not made of numbers.
    ValueError
        If there are not two of them, one is not finite, or a voxel size is not positive.

    Examples
    --------
    >>> from torch_radon.volumes import Volume2D
    >>> volume = Volume2D(voxel_size=(0.5, 0.5))
    >>> volume.set_size(64, 96)
    >>> volume.to_volume()
    Volume(shape=(64, 96), spacing=(0.5, 0.5), center=(0.0, 0.0))
    """

    def __init__(
        self, center: Sequence[float] = (0.0, 0.0), voxel_size: Sequence[float] = (1.0, 1.0)
    ) -> None:
        self.height, self.width = -1, -1
        for name, pair in (("center", center), ("voxel_size", voxel_size)):
            if not isinstance(pair, Iterable):
                raise TypeError(
                    f"{name} must be two numbers (x, y), got {pair!r}; the number of pixels is "
                    "given by set_size(height, width)"
                )
        self.center = per_axis("center", center, 2)
        sizes = per_axis("voxel_size", voxel_size, 2)
        self.voxel_size = tuple(as_length("voxel_size", size) for size in sizes)

    def num_dimensions(self) -> int:
        """Number of axes, 2."""
        return 2

    def has_size(self) -> bool:
        """Whether height and width are known."""
        return self.height > 0 and self.width > 0

    def set_size(self, height: int, width: int) -> None:
        """Say how many pixels there are.

        Parameters
        ----------
        height, width : int
        """
        self.height, self.width = as_count("height", height), as_count("width", width)

    def to_volume(self) -> Volume:
        """Return the grid as the rest of the library knows it.

        Returns
        -------
        Volume

        Raises
        ------
        ValueError
            If the size is not known.
        """
        if not self.has_size():
            raise ValueError(
                "the image size is not known yet: call forward first, or volume.set_size(h, w)"
            )
        return Volume((self.height, self.width), self.voxel_size[::-1], self.center[::-1])

    def describes(self, volume: Volume) -> bool:
        """Whether `to_volume` would return this one; for little, in every call of a projector.

        Parameters
        ----------
        volume : Volume

        Returns
        -------
        bool
        """
        shape, spacing, center = (self.height, self.width), self.voxel_size, self.center
        same_place = (volume.spacing, volume.center) == (spacing[::-1], center[::-1])
        return same_place and volume.shape == shape

    def __repr__(self) -> str:
        size = f"{self.height} x {self.width} pixels" if self.has_size() else "any size"
        return f"<Volume2D of {size}, center={self.center}, voxel_size={self.voxel_size}>"
