"""Operators that act on every entry by itself: the identity and diagonal matrices."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from torch_radon.geometry.validation import as_count, check_real
from torch_radon.linear.operator import LinearOperator


class Identity(LinearOperator):
    """The operator that returns a copy of its input.

    Parameters
    ----------
    shape : sequence of int
        Of an input without batch.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> (2 * tr.linear.Identity((2, 2)))(torch.ones(2, 2))
    tensor([[2., 2.],
            [2., 2.]])
    """

    def __init__(self, shape: Sequence[int]) -> None:
        sizes = tuple(as_count("shape", size) for size in shape)
        super().__init__(sizes, sizes)

    @property
    def T(self) -> LinearOperator:
        """The identity itself."""
        return self

    @property
    def norm_bound(self) -> float:
        """One."""
        return 1.0

    def _apply_batch(self, x: Tensor) -> Tensor:
        return x.clone(memory_format=torch.contiguous_format)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._apply_batch(y)

    def extra_repr(self) -> str:
        """Show the shape in the module's repr."""
        return f"{self.domain_shape}"


class Diagonal(LinearOperator):
    """Multiplication with a tensor, entry by entry.

    Parameters
    ----------
    values : Tensor
        The diagonal, in any floating-point type; it is applied in the type of the input. A
        `torch.nn.Parameter` becomes a parameter of the operator, any other tensor a buffer.
        Derivatives with respect to it exist either way.
    shape : sequence of int, optional
        Of an input without batch, which `values` broadcasts to; by default the shape of `values`.

    Attributes
    ----------
    values : Tensor

    Raises
    ------
    TypeError
        If `values` is no real floating-point tensor.
    ValueError
        If `values` does not broadcast to `shape`.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> W = tr.linear.Diagonal(torch.tensor([[1.0], [2.0]]), shape=(2, 3))
    >>> W(torch.ones(2, 3))
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """

    values: Tensor

    def __init__(self, values: Tensor, shape: Sequence[int] | None = None) -> None:
        check_real("values", values)
        sizes = tuple(values.shape if shape is None else shape)
        try:
            values.broadcast_to(sizes)
        except RuntimeError:
            raise ValueError(
                f"values must broadcast to shape {sizes}, got {tuple(values.shape)}"
            ) from None
        super().__init__(sizes, sizes)
        if isinstance(values, nn.Parameter):
            self.values = values
        else:
            self.register_buffer("values", values)

    @property
    def T(self) -> LinearOperator:
        """The operator itself."""
        return self

    @property
    def norm_bound(self) -> float:
        """The norm, exactly: the largest magnitude on the diagonal."""
        return float(self.values.detach().abs().max()) if self.values.numel() else 0.0

    def _apply_batch(self, x: Tensor) -> Tensor:
        return x * self.values.to(x.dtype)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._apply_batch(y)

    def extra_repr(self) -> str:
        """Show the shape in the module's repr."""
        return f"{self.domain_shape}"
