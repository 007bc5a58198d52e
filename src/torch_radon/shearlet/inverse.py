"""The pseudo-inverse of a shearlet transform that is no Parseval frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from torch_radon.backends.shearlets import float_values
from torch_radon.linear.operator import LinearOperator
from torch_radon.shearlet.operators import shearlet_2d

if TYPE_CHECKING:
    from torch_radon.shearlet.transform import ShearletTransform


class Inverse(LinearOperator):
    r"""The pseudo-inverse :math:`(S^T S)^{-1} S^T`, made by ``S.inverse``.

    :math:`S^T S` multiplies the spectrum of an image with the sum of the squares of all filters
    (its even part, for images are real), so that it is inverted by a division. Tables are those of
    the transform.

    Parameters
    ----------
    transform : ShearletTransform
        A real or complex system, not normalised.
    """

    def __init__(self, transform: ShearletTransform) -> None:
        super().__init__(transform.range_shape, transform.domain_shape)
        # In a tuple, or the transform would be registered as a submodule: its inverse has no
        # state of its own.
        self._inverted = (transform,)

    @property
    def norm_bound(self) -> float:
        """The largest singular value, from the frame bounds of the transform."""
        return 1 / math.sqrt(self._inverted[0].frame_bounds[0])

    def _apply_batch(self, x: Tensor) -> Tensor:
        (transform,) = self._inverted
        out_dtype = transform._result_type(x)
        wide = torch.promote_types(out_dtype, torch.float32)
        return self._divide(transform._call(shearlet_2d.adjoint, x, wide)).to(out_dtype)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        (transform,) = self._inverted
        out_dtype = transform._result_type(y)
        wide = torch.promote_types(torch.promote_types(y.dtype, out_dtype), torch.float32)
        return transform._call(shearlet_2d, self._divide(y.to(wide)), out_dtype)

    def _divide(self, image: Tensor) -> Tensor:
        weight = self._inverted[0]._weight
        assert weight is not None
        if image.shape[0] == 0:
            # Not every FFT library takes an empty batch.
            return image
        spectrum = torch.fft.rfft2(image) / float_values(weight).to(image.dtype)
        return torch.fft.irfft2(spectrum, s=image.shape[-2:])

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Inverse:
        # `.to` and its kin act on the tables, wherever they are asked for.
        self._inverted[0]._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def __repr__(self) -> str:
        return f"{self._inverted[0]!r}.inverse"
