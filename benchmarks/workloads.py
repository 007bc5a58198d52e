"""The work that the projector benchmark asks of every library."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch

import torch_radon as tr


class Case(NamedTuple):
    """Square images, `size` pixels a side, in `views` views of as many columns."""

    beam: Literal["parallel", "fan"]
    size: int
    views: int
    batch: int
    dtype: torch.dtype = torch.float32

    @property
    def dtype_name(self) -> str:
        """Storage type of images and sinograms, ``"float32"`` for instance."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def name(self) -> str:
        """A short name, ``"parallel-512x32-float32"`` for instance: beam, size, batch, type."""
        return f"{self.beam}-{self.size}x{self.batch}-{self.dtype_name}"

    @property
    def samples(self) -> int:
        """Ray samples of one projection: each ray meets every row (or column) once."""
        return self.batch * self.views * self.size**2

    def scan(self) -> tr.Scan:
        """Half a turn of a parallel beam, or a full turn of a fan.

        The fan's source and its flat detector lie `size` pixels from the axis, its columns two
        pixels apart.
        """
        angles = np.arange(self.views) * np.pi / self.views
        if self.beam == "parallel":
            return tr.parallel_beam(angles, self.size)
        return tr.fan_beam(
            2 * angles,
            self.size,
            2.0,
            source_distance=self.size,
            detector_distance=self.size,
        )


# The rows of the table that the kernels are held to.
GPU_CASES = (
    Case("parallel", 512, 512, 32),
    Case("parallel", 256, 256, 32),
    Case("parallel", 1024, 1024, 16),
    Case("parallel", 512, 512, 1),
    Case("parallel", 512, 512, 32, torch.float16),
    Case("parallel", 512, 512, 32, torch.bfloat16),
    Case("fan", 512, 512, 32),
    Case("fan", 512, 512, 32, torch.float16),
    Case("fan", 512, 512, 32, torch.bfloat16),
)

# So little work that a call costs what the host does for it.
SMALL_CASE = Case("parallel", 64, 64, 1)
