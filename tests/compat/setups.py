"""TorchRadon's test matrix, and ASTRA's line integrals for it.

ASTRA's 2D geometries are what TorchRadon's are meant to be, so that images and angles go over to
ASTRA as they are. Rays are written out from the positions of source and column, as views of one
column each.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from torch_radon.compat import Radon, RadonFanbeam

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

ANGLES = {
    "full": np.linspace(0, 2 * np.pi, 180),
    "limited": np.linspace(0.2 * np.pi, 0.5 * np.pi, 50),
    "sparse": np.linspace(0, 2 * np.pi, 60),
    "many": np.linspace(0, 2 * np.pi, 800),
}
SPACINGS = (1.0, 0.5, 1.3, 2.0)
COLUMNS = (1.0, 1.5)

# Pixels a side of what ASTRA projects at once.
_TILE = 64


@dataclass(frozen=True)
class Setup:
    """One geometry of the matrix; `distances` of a fan are those of source and detector."""

    size: int
    angles: str
    spacing: float
    columns: float
    clip: bool
    distances: tuple[float, float] | None = None

    def __str__(self) -> str:
        beam = "parallel" if self.distances is None else "fan-{}-{}".format(*self.distances)
        clip = "-clipped" if self.clip else ""
        return f"{beam}-{self.size}-{self.angles}-{self.spacing}-{self.columns}{clip}"

    @property
    def det_count(self) -> int:
        """Columns of the detector."""
        return int(self.columns * self.size)

    def radon(
        self, views: Indices | slice = slice(None), size: int | None = None
    ) -> Radon | RadonFanbeam:
        """The projector of some of its views, or of a smaller image with everything to scale."""
        side = size or self.size
        angles, count = ANGLES[self.angles][views], int(self.columns * side)
        if self.distances is None:
            return Radon(side, angles, count, self.spacing, self.clip)
        source, detector = (distance * side for distance in self.distances)
        return RadonFanbeam(side, angles, source, detector, count, self.spacing, self.clip)

    def mask(self) -> Array:
        """1 for pixels within what the detector covers, if images are clipped."""
        if not self.clip:
            return np.ones((self.size, self.size))
        source, detector = self.distances or (1.0, 0.0)
        radius = self.det_count * self.spacing * source / (source + detector) / 2
        place = np.arange(self.size) + 0.5 - self.size / 2
        return (np.hypot(place[:, None], place) <= radius).astype(float)

    def astra(self, image: Array, views: Indices, columns: Indices) -> Array:
        """Line integrals of one image along rays: those columns of those views, pair by pair."""
        angles = ANGLES[self.angles][views]
        steps = (columns + 0.5 - self.det_count / 2) * self.spacing
        ray = np.stack([-np.sin(angles), np.cos(angles)], 1)
        u = np.stack([np.cos(angles), np.sin(angles)], 1)
        place = u * steps[:, None]
        if self.distances is not None:
            source, detector = (distance * self.size for distance in self.distances)
            place = place + ray * detector
            ray = place - (-source * ray)
            # ASTRA rounds less if it starts in the middle of the image.
            ray /= np.linalg.norm(ray, axis=1, keepdims=True)
            place = place - ray * (place * ray).sum(1, keepdims=True)
        across = np.stack([ray[:, 1], -ray[:, 0]], 1)
        rows = np.concatenate([ray, place, across], 1)
        return _integrals((image * self.mask()).astype(np.float32), rows)[:, 0]


def _integrals(image: NDArray[np.float32], rows: Array) -> Array:
    """Sum what ASTRA sees of each tile of an image.

    It works in float32 and moves along a ray by adding a step again and again. On uniform noise of
    256 pixels a side that alone makes 3e-4 of the peak, on tiles 3e-5.
    """
    size = len(image)
    ends = np.linspace(0, size, -(-size // _TILE) + 1).astype(int)
    spans = list(itertools.pairwise(ends))
    tiles = [
        _tile_integrals(image[top:bottom, left:right], top, left, size, rows)
        for top, bottom in spans
        for left, right in spans
    ]
    return np.asarray(np.sum(tiles, axis=0))


def _tile_integrals(
    tile: NDArray[np.float32], top: int, left: int, size: int, rows: Array
) -> Array:
    import astra

    height, width = tile.shape
    x, y = left - size / 2, size / 2 - top
    volume = astra.create_vol_geom(height, width, x, x + width, y - height, y)
    scan = astra.create_proj_geom("parallel_vec", 1, rows)
    projector = astra.create_projector("linear", scan, volume)
    made, sinogram = astra.create_sino(np.ascontiguousarray(tile), projector)
    astra.data2d.delete(made)
    astra.projector.delete(projector)
    return np.asarray(sinogram, dtype=np.float64)


PARALLEL = [
    Setup(*values)
    for values in itertools.product((128, 245, 256), ANGLES, SPACINGS, COLUMNS, (False, True))
]
FAN = [
    Setup(*values)
    for values in itertools.product(
        (128, 151),
        ANGLES,
        SPACINGS,
        COLUMNS,
        (False, True),
        ((1.2, 1.2), (2.0, 2.0), (1.2, 3.0)),
    )
]
