"""The import path at which version 2 of TorchRadon has its volumes."""

from torch_radon.compat.volumes import Volume2D

__all__ = ["Volume2D"]
