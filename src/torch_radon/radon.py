"""The import path at which version 2 of TorchRadon has its projectors."""

from torch_radon.compat.beams import FanBeam, ParallelBeam
from torch_radon.compat.radon import Radon, RadonFanbeam

__all__ = ["FanBeam", "ParallelBeam", "Radon", "RadonFanbeam"]
