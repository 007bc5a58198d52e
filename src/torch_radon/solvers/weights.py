"""Row and column sums, Poisson weights, and the diagonal preconditioner made of them."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_length, check_real
from torch_radon.linear import LinearOperator
from torch_radon.linear.dot_test import operator_device
from torch_radon.linear.operator import check_operator
from torch_radon.solvers.arithmetic import divide

# Sums below so many units of rounding of the largest are zeros in disguise.
_ROUNDING = 16


def row_weights(A: LinearOperator, like: Tensor) -> Tensor:
    """One over the row sums of an operator, in the type of `like`, on its device.

    The sum of a row is the length of its ray inside the image. Rows that sum to zero but
    for rounding get zero: such rays see nothing.

    Parameters
    ----------
    A : LinearOperator
        With entries that are not negative.
    like : Tensor
        Its type and device are taken.

    Returns
    -------
    Tensor, shape A.range_shape
    """
    return reciprocal(A(like.new_ones(A.domain_shape)))


def column_weights(A: LinearOperator, like: Tensor) -> Tensor:
    """One over the column sums of an operator, as `row_weights` does it for rows.

    Parameters
    ----------
    A : LinearOperator
        With entries that are not negative.
    like : Tensor
        Its type and device are taken.

    Returns
    -------
    Tensor, shape A.domain_shape
    """
    return reciprocal(A.T(like.new_ones(A.range_shape)))


def reciprocal(sums: Tensor) -> Tensor:
    """One over sums, and zero where they are negligible beside the largest."""
    small = (
        sums <= _ROUNDING * torch.finfo(sums.dtype).eps * sums.amax() if sums.numel() else sums <= 0
    )
    return divide(torch.ones_like(sums), sums.masked_fill(small, 0))


def diagonal_preconditioner(
    A: LinearOperator,
    weights: Tensor | None = None,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    r"""Diagonal approximation of the inverse of :math:`A^T W A`.

    .. math:: P = \operatorname{diag}(A^T W A \mathbf 1)^{-1}

    For operators without negative entries :math:`P^{-1}` is at least as large as
    :math:`A^T W A` [1]_, so that gradient steps of size 1 always converge.

    Parameters
    ----------
    A : LinearOperator
    weights : Tensor, optional
        W, factors ``(..., *A.range_shape)``.
    dtype : torch.dtype, default torch.float32
        Of the result where there are no weights.
    device : torch.device or str, optional
        Of the result where there are no weights; by default that of the operator's buffers.

    Returns
    -------
    Tensor
        Shape ``(..., *A.domain_shape)``; pixels that no ray sees get the largest factor of others.

    References
    ----------
    .. [1] H. Erdogan and J. A. Fessler, "Ordered subsets algorithms for transmission tomography",
       Physics in Medicine and Biology 44(11), 1999.

    Examples
    --------
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((4, 4)), tr.parallel_beam([0.0], columns=4))
    >>> solvers.diagonal_preconditioner(A)[0]
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    check_operator("A", A)
    if weights is not None:
        dtype, device = weights.dtype, weights.device
    ones = torch.ones(A.domain_shape, dtype=dtype, device=device or operator_device(A))
    image = A(ones)
    factors = reciprocal(A.T(image if weights is None else weights * image))
    # Not zero: a preconditioner is positive definite.
    return torch.where(factors == 0, factors.amax() if factors.numel() else factors, factors)


def poisson_weights(y: Tensor, photons: float | Tensor = 1.0) -> Tensor:
    r"""Inverse variances of line integrals measured by counting photons.

    .. math:: w = I_0 e^{-y}

    is the expected count of a ray with line integral y, and to first order the inverse of the
    variance of :math:`-\log(\text{count} / I_0)` [1]_. Weights for `cgls`, `landweber` and
    `weighted_least_squares`.

    Parameters
    ----------
    y : Tensor
        Line integrals.
    photons : float or Tensor, default 1.0
        :math:`I_0`, the photons of an unattenuated ray; a tensor broadcasts to `y`. A common
        factor changes nothing but the meaning of `damping`.

    Returns
    -------
    Tensor
        Shape, type (at least float32) and device of `y`.

    References
    ----------
    .. [1] K. Sauer and C. Bouman, "A local update strategy for iterative reconstruction from
       projections", IEEE Transactions on Signal Processing 41(2), 1993.

    Examples
    --------
    >>> import torch
    >>> from torch_radon import solvers
    >>> solvers.poisson_weights(torch.tensor([0.0, 2.0]), photons=1e4)
    tensor([10000.00,  1353.35])
    """
    check_real("y", y)
    count = photons if isinstance(photons, Tensor) else as_length("photons", photons)
    return count * torch.exp(-y.to(torch.promote_types(y.dtype, torch.float32)))
