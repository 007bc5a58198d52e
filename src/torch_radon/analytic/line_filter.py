"""How filtered backprojection filters a row: padding, extrapolation, the filter, finer sampling.

Everything after the weights and before the backprojection is one linear convolution a row, from
C columns to k times as many on a grid k times finer, and is written here with its transpose.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import pad

from torch_radon.analytic.filters import padded_size

Interpolation = Literal["linear", "cubic", "spline", "bandlimited"]

INTERPOLATIONS: tuple[str, ...] = get_args(Interpolation)
"""What `fbp` accepts as `interpolation`."""

# Columns beyond the last that the finer grids take into account.
_RIM = 2

# Widest fan on a curved detector that can be filtered, in radians: the kernel has a pole at pi.
_WIDEST_FAN = 0.95 * math.pi


class LineFilter:
    """The sizes and constants of a convolution; it holds no tensors of the user.

    Parameters
    ----------
    columns : int
        Columns of the data.
    before, after : int
        Columns of the result beyond those of the data.
    margin : int
        Columns that the data is extrapolated by at either end that has no further columns.
    interpolation : str
        How the result is sampled between its columns.
    upsampling : int
        Samples of the result a column.
    """

    def __init__(
        self,
        columns: int,
        before: int,
        after: int,
        margin: int,
        interpolation: Interpolation,
        upsampling: int,
    ) -> None:
        self.columns = columns
        # The weighted data of an offset detector end in zeros on the side that is extended.
        self._left, self._right = 0 if before else margin, 0 if after else margin
        self.interpolation = interpolation
        self.factor = 1 if interpolation == "linear" else upsampling
        rim = 0 if self.factor == 1 else _RIM
        self.reach = columns + max(before, after) + margin + rim
        # Half of the transform holds every distance between a sample of the data and of the result.
        self.size = padded_size(self.reach)
        # Where column 0 of the data lies in the transform, and where the result begins: finer
        # grids have samples less than a column beyond the outermost ones, too.
        self._origin = max(before, margin) + rim
        self._start = self.factor * (self._origin - before - 1) + 1
        self.length = self.factor * (columns + before + after + 1) - 1

    def apply(self, rows: Tensor, response: Tensor) -> Tensor:
        """Filter rows ``(..., V, C)`` with a response ``(1 or V, size * factor // 2 + 1)``."""
        k, size = self.factor, self.factor * self.size
        rows = self._extrapolate(rows)
        if k > 1:
            rows = pad(rows[..., None], (0, k - 1)).flatten(-2)
        rows = pad(rows, (k * (self._origin - self._left), 0))
        filtered = torch.fft.irfft(torch.fft.rfft(rows, n=size) * response, n=size)
        return filtered[..., self._start : self._start + self.length]

    def apply_transpose(self, rows: Tensor, response: Tensor) -> Tensor:
        """Do the transpose of `apply`, ``(..., V, length)`` to ``(..., V, C)``."""
        k, size = self.factor, self.factor * self.size
        rows = pad(rows, (self._start, 0))
        # The kernel is even, so that the convolution is its own transpose.
        filtered = torch.fft.irfft(torch.fft.rfft(rows, n=size) * response, n=size)
        first = k * (self._origin - self._left)
        count = self._left + self.columns + self._right
        rows = filtered[..., first : first + k * count : k]
        return self._fold(rows)

    def kernel_correction(self, arc: Tensor) -> Tensor:
        r"""Factor :math:`(n\alpha / \sin n\alpha)^2` of a curved detector's kernel.

        Parameters
        ----------
        arc : Tensor, shape (V,)
            Angle between columns, float64.

        Returns
        -------
        Tensor, shape (V, size)
        """
        widest = float(self.reach * arc.max())
        if widest > _WIDEST_FAN:
            raise ValueError(
                "scan: the fan of a curved detector, with what it is extended by, must be "
                f"narrower than {math.degrees(_WIDEST_FAN):.4g} degrees for filtered "
                f"backprojection, got {math.degrees(widest):.4g}"
            )
        n = torch.arange(self.size, dtype=torch.float64)
        n = torch.minimum(n, self.size - n).clamp_max(self.reach)
        return torch.sinc(n * arc[:, None] / math.pi).square().reciprocal()

    def gain(self) -> Tensor:
        """Frequency response of the interpolation, at the frequencies of the finer transform."""
        k, n = self.factor, self.size
        if self.interpolation == "bandlimited":
            gain = torch.zeros(k * n // 2 + 1, dtype=torch.float64)
            gain[: n // 2] = k
            # Nyquist's sample stands for two frequencies of the finer grid, one half each.
            gain[n // 2] = k / 2 if k > 1 else 1
            return gain
        shape = keys_kernel if self.interpolation == "cubic" else spline_kernel
        kernel = torch.zeros(k * n, dtype=torch.float64)
        taps = torch.arange(-2 * k + 1, 2 * k)
        kernel[taps % (k * n)] = shape(taps.double() / k)
        gain = torch.fft.rfft(kernel).real
        if self.interpolation == "spline":
            # The spline's coefficients: the samples, unmixed from a spline's values at columns.
            turn = 2 * math.pi / n * torch.arange(len(gain), dtype=torch.float64)
            gain = gain / ((2 + torch.cos(turn)) / 3)
        return gain

    def fine_response(
        self, response: Tensor, correction: Tensor | None, gain: Tensor | None
    ) -> Tensor:
        """Turn a filter's response (size // 2 + 1,) into what `apply` takes, in float64."""
        response = response[None]
        if correction is not None:
            kernel = torch.fft.irfft(response, n=self.size) * correction
            response = torch.fft.rfft(kernel).real
        if gain is not None:
            # The spectrum of samples repeats itself on the finer grid's frequencies.
            turn = torch.cat([response, response[..., 1:-1].flip(-1)], dim=-1)
            turns = turn.repeat(1, self.factor // 2 + 1)
            response = turns[..., : gain.shape[-1]] * gain
        return response

    def _extrapolate(self, rows: Tensor) -> Tensor:
        parts = [rows]
        if self._left:
            parts.insert(0, rows[..., :1] * _taper(self._left, rows).flip(0))
        if self._right:
            parts.append(rows[..., -1:] * _taper(self._right, rows))
        return torch.cat(parts, dim=-1) if len(parts) > 1 else rows

    def _fold(self, rows: Tensor) -> Tensor:
        """Do the transpose of `_extrapolate`."""
        inner = rows[..., self._left : self._left + self.columns]
        if self._left:
            share = (rows[..., : self._left] * _taper(self._left, rows).flip(0)).sum(-1, True)
            inner = inner + pad(share, (0, self.columns - 1))
        if self._right:
            share = (rows[..., -self._right :] * _taper(self._right, rows)).sum(-1, True)
            inner = inner + pad(share, (self.columns - 1, 0))
        return inner


def _taper(count: int, like: Tensor) -> Tensor:
    steps = torch.arange(1, count + 1, dtype=torch.float64, device=like.device)
    return torch.cos(steps * (math.pi / 2 / (count + 1))).square().to(like.dtype)


def keys_kernel(x: Tensor) -> Tensor:
    r"""Keys' cubic convolution kernel with a = -1/2.

    .. math:: K(x) = \begin{cases}
                \tfrac32 |x|^3 - \tfrac52 |x|^2 + 1 & |x| \le 1 \\
                -\tfrac12 |x|^3 + \tfrac52 |x|^2 - 4 |x| + 2 & 1 < |x| < 2
              \end{cases}

    Parameters
    ----------
    x : Tensor
        Distances in columns.

    Returns
    -------
    Tensor

    References
    ----------
    .. [1] R. G. Keys, "Cubic convolution interpolation for digital image processing", IEEE
       Transactions on Acoustics, Speech, and Signal Processing 29(6), 1153-1160, 1981.

    Examples
    --------
    >>> import torch
    >>> keys_kernel(torch.tensor([0.0, 0.5, 1.0, 1.5]))
    tensor([ 1.0000,  0.5625,  0.0000, -0.0625])
    """
    x = x.abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x <= 1, near, torch.where(x < 2, far, 0.0))


def spline_kernel(x: Tensor) -> Tensor:
    r"""The cubic B-spline.

    .. math:: B(x) = \begin{cases}
                \tfrac23 - x^2 + \tfrac12 |x|^3 & |x| \le 1 \\
                \tfrac16 (2 - |x|)^3 & 1 < |x| < 2
              \end{cases}

    Parameters
    ----------
    x : Tensor
        Distances in columns.

    Returns
    -------
    Tensor

    References
    ----------
    .. [1] M. Unser, "Splines: a perfect fit for signal and image processing", IEEE Signal
       Processing Magazine 16(6), 22-38, 1999.

    Examples
    --------
    >>> import torch
    >>> spline_kernel(torch.tensor([0.0, 1.0, 2.0]))
    tensor([0.6667, 0.1667, 0.0000])
    """
    x = x.abs()
    near = (0.5 * x - 1) * x * x + 2 / 3
    far = (2 - x) ** 3 / 6
    return torch.where(x <= 1, near, torch.where(x < 2, far, 0.0))
