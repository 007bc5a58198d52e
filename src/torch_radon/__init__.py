"""Differentiable computed tomography for PyTorch."""

from torch_radon import (
    analytic,
    data,
    linear,
    phantoms,
    physics,
    plot,
    regularization,
    shearlet,
    solvers,
)
from torch_radon._version import __version__
from torch_radon.analytic import FilteredBackprojection, fbp
from torch_radon.compat import FanBeam, ParallelBeam, Radon, RadonFanbeam, Volume2D
from torch_radon.geometry import Scan, Volume, fan_beam, parallel_beam
from torch_radon.linear import LinearOperator, dot_test
from torch_radon.physics import ReadingsLookup, compute_lookup_table
from torch_radon.projectors import Backprojector, Projector

__all__ = [
    "Backprojector",
    "FanBeam",
    "FilteredBackprojection",
    "LinearOperator",
    "ParallelBeam",
    "Projector",
    "Radon",
    "RadonFanbeam",
    "ReadingsLookup",
    "Scan",
    "Volume",
    "Volume2D",
    "__version__",
    "analytic",
    "compute_lookup_table",
    "data",
    "dot_test",
    "fan_beam",
    "fbp",
    "linear",
    "parallel_beam",
    "phantoms",
    "physics",
    "plot",
    "regularization",
    "shearlet",
    "solvers",
]
