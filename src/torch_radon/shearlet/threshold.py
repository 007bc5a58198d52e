"""Thresholding of coefficients, the proximal maps of sparsity."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_threshold(
    coefficients: Tensor, threshold: float | Tensor, *, pairs: bool = False
) -> Tensor:
    r"""Shrink coefficients towards zero.

    .. math:: c \mapsto c \, \max\bigl(0, 1 - t / |c|\bigr),

    the proximal map of :math:`t |c|`. Coefficients that are NaN stay so.

    Parameters
    ----------
    coefficients : Tensor
        Floating-point or complex, any shape.
    threshold : float or Tensor
        t, not negative; a tensor must broadcast to the coefficients, as
        `ShearletTransform.per_filter` makes it.
    pairs : bool, default False
        Whether the last axis holds real and imaginary parts, as the coefficients of a complex
        system do, whose magnitude is shrunk.

    Returns
    -------
    Tensor
        Shape and type of `coefficients`; differentiable.

    Raises
    ------
    ValueError
        If `threshold` is a negative number, or `pairs` is set and the last axis is not of size 2.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.shearlet import soft_threshold
    >>> soft_threshold(torch.tensor([-3.0, 0.5, 2.0]), 1.0)
    tensor([-2.,  0.,  1.])
    """
    _check(coefficients, threshold, pairs)
    limit = _as_limit(coefficients, threshold)
    if not pairs and not coefficients.is_complex():
        # Two clamps: exact, and NaN passes.
        return coefficients - torch.minimum(torch.maximum(coefficients, -limit), limit)
    size = _magnitude(coefficients, pairs)
    small = size <= limit
    # Divided by 1 where the quotient is not used: it must not bring NaN into the gradient.
    return coefficients * torch.where(small, 0, 1 - limit / torch.where(small, 1, size))


def hard_threshold(
    coefficients: Tensor, threshold: float | Tensor, *, pairs: bool = False
) -> Tensor:
    r"""Set coefficients of magnitude at most t to zero and leave the others as they are.

    Parameters
    ----------
    coefficients, threshold, pairs
        See `soft_threshold`.

    Returns
    -------
    Tensor
        Shape and type of `coefficients`; differentiable almost everywhere.

    Raises
    ------
    ValueError
        See `soft_threshold`.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.shearlet import hard_threshold
    >>> hard_threshold(torch.tensor([-3.0, 0.5, 2.0]), 1.0)
    tensor([-3.,  0.,  2.])
    """
    _check(coefficients, threshold, pairs)
    limit = _as_limit(coefficients, threshold)
    return torch.where(_magnitude(coefficients, pairs) <= limit, 0, coefficients)


def _check(coefficients: Tensor, threshold: float | Tensor, pairs: bool) -> None:
    if not isinstance(coefficients, Tensor):
        raise TypeError(f"coefficients must be a torch.Tensor, got {type(coefficients).__name__}")
    if not isinstance(threshold, Tensor) and not threshold >= 0:
        raise ValueError(f"threshold must not be negative, got {threshold}")
    if pairs and (coefficients.is_complex() or coefficients.shape[-1:] != (2,)):
        raise ValueError(
            "coefficients must be real with a last axis of size 2 where pairs is set, got "
            f"{coefficients.dtype} of shape {tuple(coefficients.shape)}"
        )


def _as_limit(coefficients: Tensor, threshold: float | Tensor) -> Tensor:
    real = coefficients.real.dtype if coefficients.is_complex() else coefficients.dtype
    if isinstance(threshold, Tensor):
        return threshold.to(real)
    return torch.full((), threshold, dtype=real, device=coefficients.device)


def _magnitude(coefficients: Tensor, pairs: bool) -> Tensor:
    if pairs:
        return torch.linalg.vector_norm(coefficients, dim=-1, keepdim=True)
    return coefficients.abs()
