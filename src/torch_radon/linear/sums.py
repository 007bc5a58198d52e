"""Sums and multiples of operators: ``A + B``, ``A - B``, ``2.5 * A``, ``-A``."""

from __future__ import annotations

from torch import Tensor

from torch_radon.linear.operator import LinearOperator


class Sum(LinearOperator):
    """The sum ``left + right``."""

    def __init__(self, left: LinearOperator, right: LinearOperator) -> None:
        left_shapes = (left.domain_shape, left.range_shape)
        right_shapes = (right.domain_shape, right.range_shape)
        if left_shapes != right_shapes:
            raise ValueError(
                "A + B needs operators between the same shapes: A maps "
                f"{left_shapes[0]} to {left_shapes[1]}, B {right_shapes[0]} to {right_shapes[1]}"
            )
        super().__init__(*left_shapes)
        self.left, self.right = left, right

    @property
    def T(self) -> LinearOperator:
        """``(A + B).T`` is ``A.T + B.T``."""
        return Sum(self.left.T, self.right.T)

    @property
    def norm_bound(self) -> float | None:
        """The sum of both bounds, where both are known."""
        left, right = self.left.norm_bound, self.right.norm_bound
        return None if left is None or right is None else left + right

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self.left._apply_batch(x) + self.right._apply_batch(x)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self.left._adjoint_batch(y) + self.right._adjoint_batch(y)


class Multiple(LinearOperator):
    """A number times an operator."""

    def __init__(self, factor: float, operator: LinearOperator) -> None:
        super().__init__(operator.domain_shape, operator.range_shape)
        self.factor, self.operator = factor, operator

    @property
    def T(self) -> LinearOperator:
        """``(c A).T`` is ``c A.T``."""
        return Multiple(self.factor, self.operator.T)

    @property
    def norm_bound(self) -> float | None:
        """That of the operator, times the magnitude of the number."""
        bound = self.operator.norm_bound
        return None if bound is None else abs(self.factor) * bound

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self.factor * self.operator._apply_batch(x)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self.factor * self.operator._adjoint_batch(y)

    def extra_repr(self) -> str:
        """Show the number in the module's repr."""
        return f"{self.factor}"
