"""Differentiable computed tomography for PyTorch."""

from torch_radon import data, phantoms, plot
from torch_radon._version import __version__
from torch_radon.analytic import FilteredBackprojection, fbp
from torch_radon.geometry import Scan, Volume, fan_beam, parallel_beam
from torch_radon.linear import LinearOperator, dot_test
from torch_radon.projectors import Backprojector, Projector

__all__ = [
    "Backprojector",
    "FilteredBackprojection",
    "LinearOperator",
    "Projector",
    "Scan",
    "Volume",
    "__version__",
    "data",
    "dot_test",
    "fan_beam",
    "fbp",
    "parallel_beam",
    "phantoms",
    "plot",
]
