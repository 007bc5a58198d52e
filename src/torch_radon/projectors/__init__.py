"""Projectors: linear operators from images to projections, and backprojection."""

from torch_radon.projectors.backprojector import Backprojector
from torch_radon.projectors.projector import Projector

__all__ = ["Backprojector", "Projector"]
