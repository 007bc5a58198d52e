"""What a solver is given, checked at the door and brought into one form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch as functorch
from torch.utils._python_dispatch import _get_current_dispatch_mode

from torch_radon.geometry.validation import check_real
from torch_radon.linear import LinearOperator
from torch_radon.linear.operator import check_operator
from torch_radon.solvers.arithmetic import divide, norm, per_item, quotient
from torch_radon.solvers.options import Loop, Options


class Problem:
    """Data ``y`` of an operator ``A``, as one batch ``(N, ...)`` in the type of the iteration.

    Parameters
    ----------
    A : LinearOperator
    y : Tensor, shape (..., *A.range_shape)
    x0 : Tensor, optional
        Shape ``(..., *A.domain_shape)``; its leading dimensions broadcast to those of `y`.
    iterations, options
        See `Loop.checked`.

    Attributes
    ----------
    A, y, x0
        The operator, the data ``(N, *range)`` and the start ``(N, *domain)``, zeros by default.
    warm : bool
        Whether a start was given.
    dtype : torch.dtype
        Type of the iterates: that of the data, at least float32.
    loop : Loop
        The checked options.

    Raises
    ------
    TypeError
        If `A` is no operator, or `y` or `x0` no real floating-point tensor.
    ValueError
        If shapes do not fit, devices differ, or there are NaN or infinite values.
    """

    def __init__(
        self,
        A: LinearOperator,
        y: Tensor,
        x0: Tensor | None,
        iterations: int,
        options: Options,
    ) -> None:
        check_operator("A", A)
        self.loop = Loop.checked(iterations, options)
        check_tensor("y", y, A.range_shape)
        self.A = A
        # A transpose is a module: made once, not once an iteration.
        self._transpose = A.T
        self._leading = tuple(y.shape[: y.ndim - len(A.range_shape)])
        self.dtype = torch.promote_types(y.dtype, torch.float32)
        self._scale: Tensor | None = None
        self._divisor: Tensor
        self.y = y.to(self.dtype).reshape(-1, *A.range_shape).contiguous()
        self.warm = x0 is not None
        items = self.y.shape[0]
        if x0 is None:
            self.x0 = self.y.new_zeros(items, *A.domain_shape)
        else:
            self.x0 = self.batch("x0", x0, A.domain_shape).expand(items, *A.domain_shape)

    def batch(self, name: str, value: Tensor, shape: Sequence[int]) -> Tensor:
        """Check a further tensor ``(..., *shape)`` and bring it into the form of the data.

        Parameters
        ----------
        name : str
            Of the argument, for the errors.
        value : Tensor
            Its leading dimensions broadcast to those of the data.
        shape : sequence of int
            Its trailing shape.

        Returns
        -------
        Tensor, shape (N, *shape) or (1, *shape)
            The latter if it has no leading dimensions.
        """
        check_tensor(name, value, shape)
        if value.device != self.y.device:
            raise ValueError(f"{name} must be on {self.y.device} like y, got {value.device}")
        value = value.to(self.dtype)
        if value.ndim == len(shape):
            return value[None]
        try:
            value = value.broadcast_to((*self._leading, *shape))
        except RuntimeError:
            raise ValueError(
                f"{name} must have leading dimensions that broadcast to {self._leading}, those of "
                f"y, got shape {tuple(value.shape)}"
            ) from None
        return value.reshape(self.y.shape[0], *shape)

    def forward(self, x: Tensor) -> Tensor:
        """Apply ``A`` to ``(N, *domain)`` in the type for projections."""
        return self.apply(self.A, x)

    def adjoint(self, y: Tensor) -> Tensor:
        """Apply ``A.T`` to ``(N, *range)`` in the type for projections."""
        return self.apply(self._transpose, y)

    def apply(self, operator: Callable[[Tensor], Tensor], v: Tensor) -> Tensor:
        """Apply any operator in the type for projections; the result has the type of iterates."""
        low = self.loop.projection_dtype
        if low is None or low == self.dtype:
            result = operator(v)
            return result if result.dtype == self.dtype else result.to(self.dtype)
        if low is not torch.float16:
            return self._in_type(operator, v.to(low))
        # Residuals shrink and would leave the range of float16, so that it is used relatively.
        largest = torch.linalg.vector_norm(v.detach().flatten(1), float("inf"), dim=1)
        largest = largest.masked_fill(largest < torch.finfo(self.dtype).tiny, 0)
        scaled = v * per_item(divide(torch.ones_like(largest), largest), v)
        result = self._in_type(operator, scaled.to(low))
        return result * per_item(largest, result)

    def _in_type(self, operator: Callable[[Tensor], Tensor], v: Tensor) -> Tensor:
        if v.dtype.itemsize > 2:
            return operator(v).to(self.dtype)
        # Under autocast projectors return float32: sums exceed what float16 holds.
        with torch.autocast(v.device.type, dtype=v.dtype, cache_enabled=False):
            return operator(v).to(self.dtype)

    def silent(self) -> Problem:
        """Return the same problem with a loop that calls and shows nothing."""
        other = copy(self)
        other.loop = replace(self.loop, callback=None, progress=False, checkpoint_every=None)
        return other

    def relative(self, size: Tensor, scale: Tensor) -> Tensor:
        """Sizes ``(N,)``, without a graph, relative to a scale; absolute where that is zero."""
        # Called in every iteration with the same scale.
        if self._scale is not scale:
            self._scale, self._divisor = scale, scale.detach().masked_fill(scale == 0, 1)
        return quotient(size, self._divisor, self.dtype)

    @property
    def leading(self) -> tuple[int, ...]:
        """Leading dimensions of the data, which a batch has flattened into one."""
        return self._leading

    def data_norm(self) -> Tensor:
        """Euclidean norm of each item's data, ``(N,)``."""
        return norm(self.y)

    def images(self, x: Tensor) -> Tensor:
        """Give a batch ``(N, *domain)`` the leading dimensions of the data."""
        return x.reshape((*self._leading, *self.A.domain_shape))

    def items(self, values: Tensor) -> Tensor:
        """Give numbers ``(..., N)`` the leading dimensions of the data."""
        return values.reshape((*values.shape[:-1], *self._leading))


def check_tensor(name: str, value: Any, shape: Sequence[int]) -> None:
    """Raise unless `value` is a finite floating-point tensor with this trailing shape."""
    check_real(name, value)
    axes = len(shape)
    if value.ndim < axes or tuple(value.shape[value.ndim - axes :]) != tuple(shape):
        wanted = ", ".join(map(str, shape))
        raise ValueError(f"{name} must have shape (..., {wanted}), got {tuple(value.shape)}")
    if is_readable(value) and not bool(torch.isfinite(value.detach()).all()):
        raise ValueError(f"{name} must be finite, but it has NaN or infinite values")


def refuse_negative(name: str, values: Tensor) -> None:
    """Raise if a value is below zero."""
    if values.numel() and is_readable(values) and bool((values < 0).any()):
        raise ValueError(f"{name} must not be negative, got {float(values.min()):.6g}")


def is_readable(value: Tensor) -> bool:
    """Whether the host may look at values here.

    It may not while something is traced, captured in a CUDA graph or mapped by `torch.func`.
    """
    if torch.compiler.is_compiling() or value.device.type == "meta":
        return False
    if _get_current_dispatch_mode() is not None or functorch.peek_interpreter_stack() is not None:
        return False
    return not (value.device.type == "cuda" and torch.cuda.is_current_stream_capturing())


def as_projection(constraint: Any) -> Callable[[Tensor], Tensor]:
    """Return the function that projects images onto a constraint's set.

    Parameters
    ----------
    constraint : object with a method ``project``, callable, or None
        For example `regularization.NonNegative` or ``torch.relu``.

    Returns
    -------
    callable
        The identity for None.
    """
    if constraint is None:
        return _unchanged
    project = getattr(constraint, "project", constraint)
    if not callable(project):
        raise TypeError(
            "constraint must have a method project(x) or be a function of x, got "
            f"{type(constraint).__name__}"
        )
    return project


def _unchanged(x: Tensor) -> Tensor:
    return x
