"""Finite differences of images and volumes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from torch_radon.geometry.validation import as_count, per_axis
from torch_radon.linear.differences import differences
from torch_radon.linear.operator import LinearOperator


class Gradient(LinearOperator):
    r"""Forward differences along every axis of an image or volume.

    .. math:: (D x)_{a, i} = \frac{x_{i + e_a} - x_i}{\mathrm{spacing}_a},

    and 0 at the last index of axis a (Neumann boundary: the image goes on as it ends). ``D.T`` is
    the exact transpose, minus a divergence.

    Parameters
    ----------
    shape : sequence of int
        ``(H, W)`` or ``(D, H, W)``.
    spacing : float or sequence of float, default 1.0
        Distance between neighbouring samples, one number or one an axis in index order, such as
        `Volume.spacing`.

    Attributes
    ----------
    shape : tuple of int
    spacing : tuple of float
    domain_shape : tuple of int
        The same as `shape`.
    range_shape : tuple of int
        ``(axes, *shape)``, the differences along y and x, or z, y and x.

    Raises
    ------
    TypeError
        If a size is no integer or a spacing no number.
    ValueError
        If there are no two or three axes, or a number is not positive.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> D = tr.linear.Gradient((2, 3), spacing=0.5)
    >>> D(torch.tensor([[0.0, 1.0, 3.0], [2.0, 2.0, 2.0]]))
    tensor([[[ 4.,  2., -2.],
             [ 0.,  0.,  0.]],
    <BLANKLINE>
            [[ 2.,  4.,  0.],
             [ 0.,  0.,  0.]]])
    """

    def __init__(self, shape: Sequence[int], spacing: float | Sequence[float] = 1.0) -> None:
        sizes = tuple(as_count("shape", size) for size in shape)
        if len(sizes) not in (2, 3):
            raise ValueError(f"shape must be (H, W) or (D, H, W), got {sizes}")
        super().__init__(sizes, (len(sizes), *sizes))
        self.shape = sizes
        self.spacing = per_axis("spacing", spacing, len(sizes))
        if min(self.spacing) <= 0:
            raise ValueError(f"spacing must be positive, got {self.spacing}")

    @property
    def norm_bound(self) -> float:
        r"""The norm, exactly: :math:`\sum_a (2 \cos(\pi / 2 n_a) / \mathrm{spacing}_a)^2`, rooted.

        On any grid below :math:`2 \sqrt{\sum_a \mathrm{spacing}_a^{-2}}`, the usual bound.
        """
        parts = (
            2 * math.cos(math.pi / (2 * size)) / step
            for size, step in zip(self.shape, self.spacing, strict=True)
        )
        return math.hypot(*parts)

    def _apply_batch(self, x: Tensor) -> Tensor:
        return differences(x, self.spacing, x.dtype)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return differences.adjoint(y, self.spacing, y.dtype)

    def extra_repr(self) -> str:
        """Show shape and spacing in the module's repr."""
        return f"{self.shape}, spacing={self.spacing}"
