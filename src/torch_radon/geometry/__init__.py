"""What was scanned and how: volumes, scans and their constructors. No kernels and no data."""

from torch_radon.geometry.beams import fan_beam, parallel_beam
from torch_radon.geometry.scan import Scan
from torch_radon.geometry.volume import Volume

__all__ = ["Scan", "Volume", "fan_beam", "parallel_beam"]
