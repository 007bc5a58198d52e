"""TorchRadon's solvers, on the loop of the others.

Their operators are whatever has the methods ``forward`` and ``backward``, and their images have two
dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_count, as_finite
from torch_radon.linear import LinearOperator
from torch_radon.linear.norm import largest_eigenvalue
from torch_radon.solvers.arithmetic import norm
from torch_radon.solvers.cgls import cgls
from torch_radon.solvers.conjugate_gradient import conjugate_directions
from torch_radon.solvers.landweber import landweber
from torch_radon.solvers.options import Options
from torch_radon.solvers.problem import Problem

Map = Callable[[Tensor], Tensor]

_SEED = 20200928


class Pair(Protocol):
    """A linear map and its transpose."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply it."""
        ...

    def backward(self, sinogram: Tensor) -> Tensor:
        """Apply its transpose."""
        ...


class Landweber:
    r"""Landweber's iteration with TorchRadon's arguments, see `landweber`.

    .. math:: x_{k+1} = \Pi\bigl(x_k - \alpha A^T (A x_k - y)\bigr)

    Parameters
    ----------
    operator : object
        With the methods ``forward`` and ``backward``, such as `Radon`.
    projection : callable, optional
        :math:`\Pi`, a function of images such as ``torch.relu``.
    grad : bool, default False
        Whether gradients pass through the iteration.

    Examples
    --------
    >>> import torch
    >>> from torch_radon import Radon
    >>> from torch_radon.solvers import Landweber
    >>> radon = Radon(16, torch.arange(40) * 0.08, det_count=24)
    >>> solver = Landweber(radon, projection=torch.relu)
    >>> alpha = 0.95 * solver.estimate_alpha(16, "cpu")
    >>> x = solver.run(torch.zeros(16, 16), radon.forward(torch.ones(16, 16)), alpha)
    >>> bool((x - 1).abs().max() < 0.1)
    True
    """

    def __init__(self, operator: Pair, projection: Map | None = None, grad: bool = False) -> None:
        self.operator, self.projection, self.grad = operator, projection, grad

    @torch.no_grad()
    def estimate_alpha(
        self,
        img_size: int | Sequence[int],
        device: torch.device | str,
        n_iter: int = 50,
        batch_size: int = 8,
    ) -> float:
        r"""Estimate the largest step with which the iteration converges, :math:`2 / \|A\|^2`.

        Parameters
        ----------
        img_size : int or (H, W)
            Size of the images.
        device : torch.device or str
            Where to compute.
        n_iter : int, default 50
            Applications of the operator and its transpose, by the method of Lanczos.
        batch_size : int, default 8
            Random images that it starts from; they are the same in every call.

        Returns
        -------
        float
            A little more than the largest step: take 95 % of it.
        """
        size = (img_size, img_size) if not isinstance(img_size, Sequence) else tuple(img_size)
        shape = (as_count("batch_size", batch_size), *(as_count("img_size", n) for n in size))
        generator = torch.Generator(device).manual_seed(_SEED)
        start = torch.randn(shape, generator=generator, device=device)
        apply = self.operator
        largest = largest_eigenvalue(
            lambda v: apply.backward(apply.forward(v)), start, as_count("n_iter", n_iter)
        )
        return 2 / float(largest.max())

    def run(
        self,
        x_zero: Tensor,
        y: Tensor,
        alpha: float,
        iterations: int = 100,
        callback: Callable[[Tensor], Any] | None = None,
    ) -> Any:
        """Do the iterations.

        Parameters
        ----------
        x_zero : Tensor, shape (..., H, W)
            Where to start; it is not changed.
        y : Tensor, shape (..., views, columns)
            The data.
        alpha : float
            The step.
        iterations : int, default 100
        callback : callable, optional
            Called with the images after each iteration.

        Returns
        -------
        Tensor or tuple
            The images; with `callback` also a list of what it returned.

        Raises
        ------
        TypeError, ValueError
            As `landweber` raises them.
        """
        record = _Record(callback)
        with torch.set_grad_enabled(self.grad):
            result = landweber(
                _as_operator(self.operator, x_zero, y),
                y,
                iterations=iterations,
                step=alpha,
                x0=x_zero,
                constraint=self.projection,
                callback=record.callback,
            )
        return record.with_values(result.x)


def cg(
    forward: Map,
    x: Tensor,
    y: Tensor,
    callback: Callable[[Tensor, Tensor], Any] | None = None,
    max_iter: int = 500,
    tol: float = 1e-5,
) -> Any:
    r"""Solve :math:`A x = y` by conjugate gradients, with TorchRadon's arguments.

    `conjugate_gradient` is the same for operators, with preconditioners and a history.

    Parameters
    ----------
    forward : callable
        A on batches ``(N, H, W)``; symmetric and positive definite.
    x : Tensor, shape (..., H, W)
        Where to start; it is not changed.
    y : Tensor, shape (..., H, W)
        Right-hand sides.
    callback : callable, optional
        Called after each iteration with the images and the residuals ``y - A x``, both
        ``(N, H, W)``. The residuals cost a further application of A.
    max_iter : int, default 500
        Largest number of iterations.
    tol : float, default 1e-5
        An item stops when :math:`|y - A x| \le \mathrm{tol}\,|y|`, by itself.

    Returns
    -------
    Tensor or tuple
        The images; with `callback` also a list of what it returned.

    Raises
    ------
    TypeError, ValueError
        As `conjugate_gradient` raises them.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.solvers import cg
    >>> cg(lambda v: 4 * v, torch.zeros(2, 3), torch.ones(2, 3))
    tensor([[0.2500, 0.2500, 0.2500],
            [0.2500, 0.2500, 0.2500]])
    """

    def with_residual(v: Tensor) -> Any:
        return None if callback is None else callback(v, problem.y - problem.forward(v))

    record = _Record(None if callback is None else with_residual, flatten=True)
    A = _Maps(forward, forward, x, y)
    options = Options(tolerance=tol, check_every=1, callback=record.callback)
    problem: Problem = Problem(A, y, x, max_iter, options)
    start = problem.y - problem.forward(problem.x0)
    result = conjugate_directions(problem, problem.forward, start, problem.x0, lambda v: v)
    return record.with_values(result.x)


def cgne(
    operator: Pair,
    x: Tensor,
    y: Tensor,
    callback: Callable[[Tensor], Any] | None = None,
    max_iter: int = 5000,
    tol: float = 1e-5,
) -> Any:
    r"""Minimise :math:`|A x - y|` by conjugate gradients, with TorchRadon's arguments.

    `cgls` is the same with weights, preconditioners, damping and a history.

    Parameters
    ----------
    operator : object
        With the methods ``forward`` and ``backward``, such as `Radon`.
    x : Tensor, shape (..., H, W)
        Where to start; it is not changed.
    y : Tensor, shape (..., views, columns)
        The data.
    callback : callable, optional
        Called with the images, ``(N, H, W)``, after each iteration.
    max_iter : int, default 5000
        Largest number of iterations.
    tol : float, default 1e-5
        Stop when :math:`|A^T (y - A x)| \le \mathrm{tol}\,|y|` for all items.

    Returns
    -------
    Tensor or tuple
        The images; with `callback` also a list of what it returned.

    Raises
    ------
    TypeError, ValueError
        As `cgls` raises them.

    Examples
    --------
    >>> import torch
    >>> from torch_radon import Radon
    >>> from torch_radon.solvers import cgne
    >>> radon = Radon(16, torch.arange(40) * 0.08, det_count=24)
    >>> x = cgne(radon, torch.zeros(16, 16), radon.forward(torch.ones(16, 16)), max_iter=50)
    >>> bool((x - 1).abs().max() < 0.01)
    True
    """
    record = _Record(callback, flatten=True)
    A = _as_operator(operator, x, y)
    with torch.no_grad():
        # Operators of TorchRadon's version 2 learn the size of images from the first of them.
        A(x.detach().reshape(-1, *A.domain_shape)[:1].to(y))
    result = cgls(
        A,
        y,
        iterations=max_iter,
        x0=x,
        tolerance=_relative(as_finite("tol", tol), A, y),
        check_every=1,
        callback=record.callback,
    )
    return record.with_values(result.x)


@torch.no_grad()
def _relative(tol: float, A: LinearOperator, y: Tensor) -> float:
    """The tolerance of `cgls`, which compares with ``|A.T y|``, that all items need."""
    data = y.detach().reshape(-1, *A.range_shape)
    size, gradient = norm(data), norm(A.T(data))
    seen = gradient > 0
    factor = torch.where(seen, size / gradient.masked_fill(~seen, 1), torch.inf)
    return tol * float(factor.min()) if bool(seen.any()) else tol


class _Record:
    """Calls TorchRadon's callbacks from our loop and collects what they return."""

    def __init__(self, function: Callable[..., Any] | None, flatten: bool = False) -> None:
        self.values: list[Any] = []
        self.function, self.flatten = function, flatten

    @property
    def callback(self) -> Callable[[int, Tensor, Tensor], None] | None:
        return None if self.function is None else self._call

    def _call(self, iteration: int, x: Tensor, residual: Tensor) -> None:
        assert self.function is not None
        images = x.reshape(-1, *x.shape[-2:]) if self.flatten else x
        self.values.append(self.function(images))

    def with_values(self, x: Tensor) -> Any:
        return x if self.function is None else (x, self.values)


class _Maps(LinearOperator):
    """Two functions of batches as an operator."""

    def __init__(self, forward: Map, backward: Map, x: Tensor, y: Tensor) -> None:
        for name, value in (("x", x), ("y", y)):
            if not isinstance(value, Tensor) or value.ndim < 2:
                got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                raise ValueError(f"{name} must be a tensor of two dimensions or more, got {got}")
        super().__init__(x.shape[-2:], y.shape[-2:])
        self._forward, self._backward = (forward,), (backward,)

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self._forward[0](x)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._backward[0](y)


def _as_operator(operator: Pair, x: Tensor, y: Tensor) -> LinearOperator:
    if isinstance(operator, LinearOperator) and not hasattr(operator, "backward"):
        return operator
    return _Maps(operator.forward, operator.backward, x, y)
