"""Iterative reconstruction: one function a solver, all on one loop."""

from torch_radon.solvers.admm import admm
from torch_radon.solvers.cgls import cgls
from torch_radon.solvers.conjugate_gradient import conjugate_gradient
from torch_radon.solvers.data_terms import DataTerm, LeastAbsolute, LeastSquares, Poisson
from torch_radon.solvers.em import mlem, osem
from torch_radon.solvers.fista import fista
from torch_radon.solvers.landweber import landweber
from torch_radon.solvers.options import Options
from torch_radon.solvers.ordering import subset_orders
from torch_radon.solvers.pdhg import pdhg
from torch_radon.solvers.result import DivergenceWarning, Result, Stop
from torch_radon.solvers.sart import os_sart, sart
from torch_radon.solvers.sirt import sirt
from torch_radon.solvers.torchradon import Landweber, cg, cgne
from torch_radon.solvers.weighted import weighted_least_squares
from torch_radon.solvers.weights import (
    column_weights,
    diagonal_preconditioner,
    poisson_weights,
    row_weights,
)

__all__ = [
    "DataTerm",
    "DivergenceWarning",
    "Landweber",
    "LeastAbsolute",
    "LeastSquares",
    "Options",
    "Poisson",
    "Result",
    "Stop",
    "admm",
    "cg",
    "cgls",
    "cgne",
    "column_weights",
    "conjugate_gradient",
    "diagonal_preconditioner",
    "fista",
    "landweber",
    "mlem",
    "os_sart",
    "osem",
    "pdhg",
    "poisson_weights",
    "row_weights",
    "sart",
    "sirt",
    "subset_orders",
    "weighted_least_squares",
]
