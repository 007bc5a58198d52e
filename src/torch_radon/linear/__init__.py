"""Linear operators: checked application, exact transposes, algebra and their tests."""

from torch_radon.linear.diagonal import Diagonal, Identity
from torch_radon.linear.dot_test import dot_test
from torch_radon.linear.gradient import Gradient
from torch_radon.linear.norm import operator_norm
from torch_radon.linear.operator import LinearOperator
from torch_radon.linear.ramp import RampFilter
from torch_radon.linear.stack import Stack
from torch_radon.linear.subsets import Selection, subset

__all__ = [
    "Diagonal",
    "Gradient",
    "Identity",
    "LinearOperator",
    "RampFilter",
    "Selection",
    "Stack",
    "dot_test",
    "operator_norm",
    "subset",
]
