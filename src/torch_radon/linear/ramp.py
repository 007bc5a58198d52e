"""The ramp filter as a symmetric positive definite operator, for preconditioning."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_count
from torch_radon.linear.operator import LinearOperator


class RampFilter(LinearOperator):
    r"""Multiplication with the magnitude of the frequency along the last axes.

    .. math:: x \mapsto C\, F^{-1} \max(|f|, f_0)\, F\, P\, x, \qquad
              |f|^2 = \sum_a f_a^2

    with zero-padding P to twice the size, cropping C, which is its transpose, and frequencies in
    cycles per sample; :math:`f_0` is half of the lowest one above zero. So the matrix is symmetric
    and positive definite.

    :math:`A^T A` of a parallel beam over half a turn blurs with :math:`1 / |f|`, which this filter
    on the two axes of an image undoes but for a factor: a preconditioner. On the last axis of
    sinograms it is the ramp filter of filtered backprojection, as the weights of a least-squares
    problem.

    Parameters
    ----------
    shape : sequence of int
        Of an input without batch.
    axes : int, default 2
        How many of the last axes are filtered: 2 for images, 1 for the columns of sinograms.

    Raises
    ------
    TypeError
        If a size or `axes` is no integer.
    ValueError
        If `axes` is not from 1 to the number of axes.

    Examples
    --------
    >>> import torch_radon as tr
    >>> P = tr.linear.RampFilter((16, 16))
    >>> tr.dot_test(P) < 1e-13
    True
    """

    _response: Tensor

    def __init__(self, shape: Sequence[int], axes: int = 2) -> None:
        sizes = tuple(as_count("shape", size) for size in shape)
        count = as_count("axes", axes)
        if count > len(sizes):
            raise ValueError(f"axes must be from 1 to {len(sizes)} for shape {sizes}, got {count}")
        super().__init__(sizes, sizes)
        self._filtered = sizes[-count:]
        self._padded = tuple(2 * size for size in self._filtered)
        square = torch.zeros((1,) * count, dtype=torch.float64)
        for axis, size in enumerate(self._padded):
            last = axis == count - 1
            f = (torch.fft.rfftfreq if last else torch.fft.fftfreq)(size, dtype=torch.float64)
            square = square + f.square().reshape(-1, *(1 for _ in range(count - 1 - axis)))
        lowest = 1 / max(self._padded)
        response = square.sqrt().clamp_min(lowest / 2)
        # The bits of float64 in integers: a change of the module's dtype must not round them.
        self.register_buffer("_response", response.view(torch.int64), persistent=False)

    @property
    def T(self) -> LinearOperator:
        """The operator itself."""
        return self

    @property
    def norm_bound(self) -> float:
        """The largest factor."""
        return float(self._response.view(torch.float64).max())

    def _apply_batch(self, x: Tensor) -> Tensor:
        # Half precision has no transforms of every size on every device.
        data = x.to(torch.promote_types(x.dtype, torch.float32))
        dims = tuple(range(-len(self._filtered), 0))
        spectrum = torch.fft.rfftn(data, s=self._padded, dim=dims)
        spectrum = spectrum * self._response.view(torch.float64).to(data.dtype)
        result = torch.fft.irfftn(spectrum, s=self._padded, dim=dims)
        for dim, size in zip(dims, self._filtered, strict=True):
            result = result.narrow(dim, 0, size)
        return result.to(x.dtype).contiguous()

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._apply_batch(y)

    def extra_repr(self) -> str:
        """Show shape and axes in the module's repr."""
        return f"{self.domain_shape}, axes={len(self._filtered)}"
