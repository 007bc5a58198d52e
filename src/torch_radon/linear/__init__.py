"""Linear operators: checked application, exact transposes, composition and their tests."""

from torch_radon.linear.dot_test import dot_test
from torch_radon.linear.operator import LinearOperator

__all__ = ["LinearOperator", "dot_test"]
