"""Alpha-shearlets: an exact, fast, redundant transform that sees edges and their directions."""

from torch_radon.shearlet.plots import show_kernel, show_spectrum, show_tiling
from torch_radon.shearlet.system import Shearlet, ShearletSystem
from torch_radon.shearlet.threshold import hard_threshold, soft_threshold
from torch_radon.shearlet.transform import ShearletTransform

__all__ = [
    "Shearlet",
    "ShearletSystem",
    "ShearletTransform",
    "hard_threshold",
    "show_kernel",
    "show_spectrum",
    "show_tiling",
    "soft_threshold",
]
