"""What a scanner recorded, before any processing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Readings:
    """Raw counts of some detector rows, with what is needed to correct them.

    Every reader makes these; `line_integrals` turns them into sinograms.

    Parameters
    ----------
    counts : Tensor
        Counts with the object in the beam, shape ``(views, rows, columns)``.
    flat : Tensor
        Counts with the beam on and nothing in it, shape ``(frames, rows, columns)``.
    dark : Tensor
        Counts with the beam off, shape ``(frames, rows, columns)``.
    angles : Tensor
        Angle of each view in radians, shape ``(views,)``, float64.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import Readings
    >>> readings = Readings(
    ...     counts=torch.full((90, 1, 64), 500.0),
    ...     flat=torch.full((5, 1, 64), 1000.0),
    ...     dark=torch.zeros(5, 1, 64),
    ...     angles=torch.linspace(0, torch.pi, 91, dtype=torch.float64)[:-1],
    ... )
    >>> readings.shape
    (90, 1, 64)
    """

    counts: Tensor
    flat: Tensor
    dark: Tensor
    angles: Tensor

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(views, rows, columns)``."""
        views, rows, columns = self.counts.shape
        return views, rows, columns

    def to(self, device: torch.device | str) -> Readings:
        """Return the readings with their counts on a device; the angles stay on the CPU.

        Parameters
        ----------
        device : torch.device or str
            Where to move counts, flat and dark fields.

        Returns
        -------
        Readings
        """
        return Readings(
            self.counts.to(device), self.flat.to(device), self.dark.to(device), self.angles
        )
