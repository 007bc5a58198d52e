"""The base class of everything that maps tensors linearly and knows its exact transpose."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from torch_radon.geometry.validation import as_finite

_NUMBERS = (int, float, np.integer, np.floating)

# Where an operator keeps what its transposes share, and where PyTorch keeps a compiled module.
_STATE = "_transpose_state"
_COMPILED = "_compiled_call_impl"

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


class LinearOperator(nn.Module):
    r"""A linear map :math:`A` between tensors of fixed trailing shapes, with its transpose.

    ``A(x)`` applies the operator to a tensor of shape ``(..., *domain_shape)``, with any leading
    dimensions including none, and returns ``(..., *range_shape)``. ``A.T`` is the exact transpose,
    itself an operator; ``A @ B`` is the composition ``x -> A(B(x))``, and ``A + B``, ``A - B``,
    ``2.5 * A`` and ``-A`` are what they say. An operator is an `nn.Module`: it is differentiable,
    and what it holds moves with ``.to(device)``.

    Subclasses implement `_apply_batch` and `_adjoint_batch` on one batch dimension; checking,
    flattening and restoring of leading dimensions happen here.

    Parameters
    ----------
    domain_shape, range_shape : sequence of int
        Trailing shapes of input and output.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> A = tr.Projector(tr.Volume((8, 8)), tr.parallel_beam([0.0, 0.5], columns=12))
    >>> A(torch.ones(3, 8, 8)).shape
    torch.Size([3, 2, 12])
    >>> (A.T @ A)(torch.ones(8, 8)).shape
    torch.Size([8, 8])
    """

    # NumPy's numbers leave products with operators to `__rmul__`.
    __array_ufunc__ = None

    def __init__(self, domain_shape: Sequence[int], range_shape: Sequence[int]) -> None:
        super().__init__()
        self._domain_shape = tuple(domain_shape)
        self._range_shape = tuple(range_shape)

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """Trailing shape of what the operator is applied to."""
        return self._domain_shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """Trailing shape of what the operator returns."""
        return self._range_shape

    @property
    def T(self) -> LinearOperator:
        """The transpose: ``<A(x), y> == <x, A.T(y)>`` up to rounding, for all x and y."""
        if torch.compiler.is_compiling():
            return Transpose(self)
        state = self.__dict__.get(_STATE)
        if state is None:
            # Threads that come here at once agree on one.
            state = self.__dict__.setdefault(_STATE, Transpose(self).__dict__)
        return Transpose.of(self, state)

    @property
    def norm_bound(self) -> float | None:
        """An upper bound of the largest singular value where one is known in closed form."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """Apply the operator; call the operator itself rather than this method.

        Parameters
        ----------
        x : Tensor, shape (..., *domain_shape)
            float64, float32, float16 or bfloat16, with any strides.

        Returns
        -------
        Tensor, shape (..., *range_shape)
            Contiguous, on the device of `x`.

        Raises
        ------
        TypeError
            If `x` is not a tensor of one of these types.
        ValueError
            If its trailing shape is not `domain_shape`, or it is on another device than the
            operator.
        """
        return _apply(self._apply_batch, x, self._domain_shape, self._range_shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        """Apply the transpose: what ``A.T(y)`` comes to."""
        return _apply(self._adjoint_batch, y, self._range_shape, self._domain_shape)

    def __matmul__(self, other: LinearOperator) -> LinearOperator:
        if not isinstance(other, LinearOperator):
            return NotImplemented
        return Composition(self, other)

    def __add__(self, other: LinearOperator) -> LinearOperator:
        # Here and below imported late: sums are operators themselves.
        from torch_radon.linear.sums import Sum

        if not isinstance(other, LinearOperator):
            return NotImplemented
        return Sum(self, other)

    def __sub__(self, other: LinearOperator) -> LinearOperator:
        if not isinstance(other, LinearOperator):
            return NotImplemented
        return self + -other

    def __neg__(self) -> LinearOperator:
        return -1.0 * self

    def __mul__(self, factor: float) -> LinearOperator:
        from torch_radon.linear.sums import Multiple

        if isinstance(factor, bool) or not isinstance(factor, _NUMBERS):
            return NotImplemented
        return Multiple(as_finite("factor", factor), self)

    __rmul__ = __mul__

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[no-untyped-call]
        if _STATE in state:
            # No more than PyTorch does with a module's own compiled form.
            kept = {key: value for key, value in state[_STATE].items() if key != _COMPILED}
            state[_STATE] = kept
        return state

    @abstractmethod
    def _apply_batch(self, x: Tensor) -> Tensor:
        """Map ``(N, *domain_shape)`` to ``(N, *range_shape)``; N may be 0."""
        raise NotImplementedError

    @abstractmethod
    def _adjoint_batch(self, y: Tensor) -> Tensor:
        """Map ``(N, *range_shape)`` to ``(N, *domain_shape)``, the transpose of the other."""
        raise NotImplementedError


class Transpose(LinearOperator):
    """The transpose of an operator, whose tables it shares; made by ``A.T``.

    All transposes of an operator are one module as far as can be seen: they share their hooks and
    whatever else a module has, which the operator keeps for them. So each is made in no time. None
    is kept itself, and no cycle of references puts off the end of an operator's tables.
    """

    # Not in the module's dictionary, which the operator keeps. Nor is the operator registered as a
    # submodule: its transpose has no tables of its own.
    __slots__ = ("_operator",)

    _operator: LinearOperator

    def __init__(self, operator: LinearOperator) -> None:
        super().__init__(operator.range_shape, operator.domain_shape)
        object.__setattr__(self, "_operator", operator)

    @classmethod
    def of(cls, operator: LinearOperator, state: dict[str, Any]) -> Transpose:
        """Make a transpose that shares the state of those made before."""
        transpose = object.__new__(cls)
        object.__setattr__(transpose, "__dict__", state)
        object.__setattr__(transpose, "_operator", operator)
        return transpose

    @property
    def T(self) -> LinearOperator:
        """The operator itself."""
        return self._operator

    @property
    def norm_bound(self) -> float | None:
        """That of the operator."""
        return self._operator.norm_bound

    def forward(self, x: Tensor) -> Tensor:
        """Apply the transpose; see `LinearOperator.forward`."""
        return self._operator._adjoint(x)

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self._operator._adjoint_batch(x)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._operator._apply_batch(y)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Transpose:
        # `.to` and its kin act on the tables, wherever they are asked for.
        self._operator._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _transpose, (self._operator,)

    def __repr__(self) -> str:
        return f"{self._operator!r}.T"


def _transpose(operator: LinearOperator) -> LinearOperator:
    return operator.T


class Composition(LinearOperator):
    """The product ``left @ right``: first `right`, then `left`."""

    def __init__(self, left: LinearOperator, right: LinearOperator) -> None:
        if left.domain_shape != right.range_shape:
            raise ValueError(
                f"A @ B needs what B returns to be what A takes: A takes {left.domain_shape}, "
                f"B returns {right.range_shape}"
            )
        super().__init__(right.domain_shape, left.range_shape)
        self.left, self.right = left, right

    @property
    def T(self) -> LinearOperator:
        """``(A @ B).T`` is ``B.T @ A.T``."""
        return Composition(self.right.T, self.left.T)

    @property
    def norm_bound(self) -> float | None:
        """The product of both bounds, where both are known."""
        left, right = self.left.norm_bound, self.right.norm_bound
        return None if left is None or right is None else left * right

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self.left._apply_batch(self.right._apply_batch(x))

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self.right._adjoint_batch(self.left._adjoint_batch(y))


def check_operator(name: str, value: object) -> None:
    """Raise unless `value` is a `LinearOperator`."""
    if not isinstance(value, LinearOperator):
        raise TypeError(f"{name} must be a LinearOperator, got {type(value).__name__}")


def is_autocast(device_type: str) -> bool:
    """Whether autocast is on; PyTorch has none for meta tensors and refuses to be asked."""
    return device_type != "meta" and torch.is_autocast_enabled(device_type)


def _apply(
    function: Callable[[Tensor], Tensor],
    x: Tensor,
    domain_shape: tuple[int, ...],
    range_shape: tuple[int, ...],
) -> Tensor:
    leading = check_input(x, domain_shape)
    if leading == 1:
        return function(x)
    if leading == 0:
        return function(x.unsqueeze(0)).squeeze(0)
    outer = x.shape[:leading]
    return function(x.reshape(-1, *domain_shape)).reshape(*outer, *range_shape)


def check_input(x: Tensor, domain_shape: tuple[int, ...]) -> int:
    """Raise unless `x` is what an operator takes; return the number of its leading dimensions."""
    if not isinstance(x, Tensor):
        raise TypeError(f"input must be a torch.Tensor, got {type(x).__name__}")
    if x.layout is not torch.strided:
        raise TypeError(f"input must be a dense tensor, got layout {x.layout}: use .to_dense()")
    if x.dtype not in DTYPES:
        names = ", ".join(str(dtype).removeprefix("torch.") for dtype in DTYPES)
        raise TypeError(f"input must be one of {names}, got {x.dtype}")
    shape = x.shape
    leading = len(shape) - len(domain_shape)
    if leading < 0 or shape[leading:] != domain_shape:
        wanted = ", ".join(map(str, domain_shape))
        raise ValueError(f"input must have shape (..., {wanted}), got {tuple(shape)}")
    return leading
