"""The circle to which TorchRadon's classes clip images."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_radon.geometry import Volume
from torch_radon.linear import LinearOperator


class Circle(LinearOperator):
    """Sets pixels to 0 whose centre is outside a circle about the middle of the image.

    Parameters
    ----------
    volume : Volume
        The image grid.
    radius : float
        In world units. Pixels on the circle are inside.
    """

    _inside: Tensor

    def __init__(self, volume: Volume, radius: float) -> None:
        super().__init__(volume.shape, volume.shape)
        y, x = (torch.from_numpy(volume.coordinates(axis)) for axis in (0, 1))
        self.register_buffer("_inside", torch.hypot(y[:, None], x) <= radius, persistent=False)
        self.radius = radius

    @property
    def T(self) -> LinearOperator:
        """The operator itself."""
        return self

    @property
    def norm_bound(self) -> float:
        """One."""
        return 1.0

    def _apply_batch(self, x: Tensor) -> Tensor:
        return torch.where(self._inside, x, 0)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._apply_batch(y)

    def extra_repr(self) -> str:
        """Show shape and radius in the module's repr."""
        return f"{self.domain_shape}, radius={self.radius:g}"
