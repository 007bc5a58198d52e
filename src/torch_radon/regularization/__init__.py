"""Regularizers: what solvers minimise beside the data term, with their proximal maps."""

from torch_radon.regularization.bounds import Box, NonNegative
from torch_radon.regularization.penalties import L1, L2, SquaredL2
from torch_radon.regularization.regularizer import Regularizer
from torch_radon.regularization.total_variation import TV

__all__ = ["L1", "L2", "TV", "Box", "NonNegative", "Regularizer", "SquaredL2"]
