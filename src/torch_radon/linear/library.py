"""Pairs of mutually adjoint kernels as PyTorch operators, differentiable by every route.

A kernel is a function ``kernel(data, *arguments, out_dtype)`` that is linear in `data`, whose first
dimension is a batch. Two kernels that are each other's transposes become

- two `torch.library` operators, for `torch.compile`, export and fake tensors, and
- an `autograd.Function`, for eager mode and `torch.func`, whose transforms a custom operator does
  not support (forward-mode derivatives through one are silently zero).

Each is the other's derivative, so derivatives of every order exist. Where nothing is recorded, both
are bypassed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C import _functorch as functorch
from torch._C import _len_torch_dispatch_stack
from torch.autograd import forward_ad

Kernel = Callable[..., Tensor]
OutputShape = Callable[..., tuple[int, ...]]


class LinearKernel:
    """One kernel of an adjoint pair, called as ``kernel(data, *arguments, out_dtype)``."""

    adjoint: LinearKernel

    def __init__(self, name: str, schema: str, kernel: Kernel, output_shape: OutputShape) -> None:
        self.name = name
        self.short_name = name.rpartition("::")[2]
        self.run = kernel
        self.op = torch.library.custom_op(name, kernel, mutates_args=(), schema=schema)

        @self.op.register_fake
        def _(data: Tensor, *arguments: Any) -> Tensor:
            shape = output_shape(data, *arguments[:-1])
            return data.new_empty((data.shape[0], *shape), dtype=arguments[-1])

        self.op.register_autograd(self._backward, setup_context=_remember)
        self.op.register_vmap(self._vmap)

    def __call__(self, data: Tensor, *arguments: Any) -> Tensor:
        """Apply the kernel by the route that the caller's mode of PyTorch needs."""
        if is_plain(data):
            return self.run(data, *arguments)
        if torch.compiler.is_compiling() or _is_traced(data):
            if forward_ad._current_level >= 0:
                # A custom operator would drop the tangent without a word.
                raise NotImplementedError(
                    f"{self.name} has no forward-mode derivatives inside torch.compile: take them "
                    "in eager mode, or use reverse mode"
                )
            return self.op(data, *arguments)
        if functorch.peek_interpreter_stack() is None and forward_ad._current_level < 0:
            return _Recorded.apply(data, self, arguments)  # type: ignore[no-untyped-call]
        return _Function.apply(data, self, *arguments)  # type: ignore[no-untyped-call]

    def _backward(self, ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        arguments = _recall(ctx)
        back = self.adjoint.op(gradient.contiguous(), *arguments[:-1], ctx.dtype)
        return (back, *(None for _ in arguments))

    def _vmap(
        self, info: Any, in_dims: tuple[Any, ...], data: Tensor, *arguments: Any
    ) -> tuple[Tensor, int]:
        return _map_batch(self.op, in_dims, data, *arguments)


def register_pair(
    name: str,
    schema: str,
    forward: Kernel,
    forward_shape: OutputShape,
    adjoint: Kernel,
    adjoint_shape: OutputShape,
) -> tuple[LinearKernel, LinearKernel]:
    """Register the operators ``name`` and ``name_adjoint`` as each other's transposes.

    Parameters
    ----------
    name : str
        With its namespace, ``torch_radon::...``.
    schema : str
        The same for both: first the data, last ``ScalarType out_dtype``, between them whatever the
        kernels need. Tensors among these are constants.
    forward, adjoint : callable
        The kernels. They get the batch with any strides and return a new, contiguous tensor.
    forward_shape, adjoint_shape : callable
        Shape of the results without the batch, from the same arguments without `out_dtype`.

    Returns
    -------
    tuple of LinearKernel
    """
    pair = (
        LinearKernel(name, schema, forward, forward_shape),
        LinearKernel(f"{name}_adjoint", schema, adjoint, adjoint_shape),
    )
    pair[0].adjoint, pair[1].adjoint = pair[1], pair[0]
    return pair


class _Function(torch.autograd.Function):
    @staticmethod
    def forward(data: Tensor, kernel: LinearKernel, *arguments: Any) -> Tensor:
        return kernel.run(_in_memory(data), *arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        data, ctx.kernel, *arguments = inputs
        _remember(ctx, (data, *arguments), output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        return (_pull_back(ctx, gradient), None, *(None for _ in ctx.arguments))

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_: Any) -> Tensor:
        return ctx.kernel(tangent, *_recall(ctx))

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[Any, ...],
        data: Tensor,
        kernel: LinearKernel,
        *arguments: Any,
    ) -> tuple[Tensor, int]:
        return _map_batch(kernel, (in_dims[0], *in_dims[2:]), data, *arguments)


class _Recorded(torch.autograd.Function):
    """The same for backward derivatives in eager mode alone.

    What torch.func needs of a function costs the host more than launching a kernel.
    """

    @staticmethod
    def forward(ctx: Any, data: Tensor, kernel: LinearKernel, arguments: tuple[Any, ...]) -> Tensor:
        ctx.kernel = kernel
        result = kernel.run(_in_memory(data), *arguments)
        _remember(ctx, (data, *arguments), result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        return _pull_back(ctx, gradient), None, None


def _pull_back(ctx: Any, gradient: Tensor) -> Tensor:
    arguments = _recall(ctx)
    # `sum().backward()` hands over an expanded gradient; this is the one place to unfold it.
    return ctx.kernel.adjoint(gradient.contiguous(), *arguments[:-1], ctx.dtype)


def _in_memory(data: Tensor) -> Tensor:
    """Write out what kernels do not see: a sign that PyTorch keeps in a bit, zeros kept nowhere."""
    data = data.resolve_neg()
    return data.clone() if data._is_zerotensor() else data


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    data, *arguments = inputs
    tensors = [argument for argument in arguments if isinstance(argument, Tensor)]
    ctx.save_for_backward(*tensors)
    if hasattr(ctx, "save_for_forward"):
        ctx.save_for_forward(*tensors)
    ctx.dtype = data.dtype
    ctx.arguments = [None if isinstance(argument, Tensor) else argument for argument in arguments]


def _recall(ctx: Any) -> list[Any]:
    # A transform of torch.func that has ended leaves its wrapper on what was saved under it.
    tensors = iter([functorch.unwrap_if_dead(tensor) for tensor in ctx.saved_tensors])
    return [next(tensors) if argument is None else argument for argument in ctx.arguments]


def _map_batch(
    call: Callable[..., Tensor], in_dims: tuple[Any, ...], data: Tensor, *arguments: Any
) -> tuple[Tensor, int]:
    if any(
        isinstance(argument, Tensor) and dim is not None
        for argument, dim in zip(arguments, in_dims[1:], strict=True)
    ):
        raise NotImplementedError("vmap over the geometry is not supported, only over the data")
    data = data.movedim(in_dims[0] or 0, 0)
    outer, inner = data.shape[:2]
    result = call(data.flatten(0, 1), *arguments)
    return result.unflatten(0, (outer, inner)), 0


def is_plain(data: Tensor) -> bool:
    """Whether `data` are bare numbers in memory and nobody watches what is done with them.

    Then no derivative is asked for, no transform of torch.func, mode or compiler is active, and a
    kernel can be called directly. Whatever is no tensor is not plain either.
    """
    kind = type(data)
    return (
        not torch.compiler.is_compiling()
        and (kind is Tensor or kind is torch.nn.Parameter)
        and not (data.requires_grad and torch.is_grad_enabled())
        and functorch.peek_interpreter_stack() is None
        and forward_ad._current_level < 0
        and not _len_torch_dispatch_stack()
        and not functorch.is_legacy_batchedtensor(data)
        and data.layout is torch.strided
        and not data.is_neg()
        and not data._is_zerotensor()
    )


def _is_traced(data: Tensor) -> bool:
    """Whether `data` stands for other tensors, or a mode records what is done with it."""
    kind = type(data)
    return (
        (kind is not Tensor and kind is not torch.nn.Parameter)
        or _len_torch_dispatch_stack() > 0
        # What torch.autograd's own batched derivatives (`is_grads_batched`) wrap tensors in.
        or functorch.is_legacy_batchedtensor(data)
    )
