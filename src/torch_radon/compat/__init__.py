"""TorchRadon's own classes, as constructors over the general parts."""

from torch_radon.compat.beams import FanBeam, ParallelBeam
from torch_radon.compat.radon import Radon, RadonFanbeam
from torch_radon.compat.volumes import Volume2D

__all__ = ["FanBeam", "ParallelBeam", "Radon", "RadonFanbeam", "Volume2D"]
