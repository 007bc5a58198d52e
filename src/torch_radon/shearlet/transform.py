"""The alpha-shearlet transform as a linear operator."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from torch_radon.backends.shearlets import float_values, runs_of
from torch_radon.linear.library import LinearKernel
from torch_radon.linear.operator import DTYPES, LinearOperator, is_autocast
from torch_radon.shearlet.cache import load_or_make
from torch_radon.shearlet.inverse import Inverse
from torch_radon.shearlet.operators import shearlet_2d
from torch_radon.shearlet.system import ShearletSystem
from torch_radon.shearlet.tables import float_bits, make_tables


class ShearletTransform(LinearOperator):
    r"""The alpha-shearlet transform: what an image contains at each place, scale and direction.

    Coefficients are circular convolutions with filters that are given by their spectra,

    .. math:: (S x)_f = F^{-1} \bigl( B_f \cdot F x \bigr),

    without any subsampling. A direction at the scale j is a window along the axis of its cone
    times one across it, for horizontal frequencies

    .. math:: B_{j,k}(\xi) = \bigl[ \psi_1(s_x \xi_x / 2^j - \tau_x)
              + \psi_1(-s_x \xi_x / 2^j - \tau_x) \bigr] \,
              \psi_2\bigl(2^{(1 - \alpha_j) j} \, \xi_y / \xi_x - k\bigr),
              \qquad |k| \le \lceil 2^{(1 - \alpha_j) j} \rceil,

    and with the axes exchanged for vertical ones; one low-pass filter sees the rest. *Notes* has
    the windows. An alpha of 1 gives wavelets, 1/2 shearlets, 0 ridgelets.

    With ``parseval`` the filters are divided by the root of the sum of their squares. Then
    :math:`S^T S` is the identity and ``S.T`` the inverse; otherwise `inverse` is another operator.

    Parameters
    ----------
    width, height : int
        Size W and H of the images in pixels, even or odd, at least :math:`8 \cdot 2^J` for J
        scales.
    alphas : iterable of float
        For each scale from coarse to fine how elongated its shearlets are, between 0 and 1.
    cache : str or path, optional
        A folder where filters are kept, made if need be, and found again by their definition. None
        computes them: a fifth of a second for 59 filters of 512 x 512 pixels.
    parseval : bool, default True
        Whether to normalise the filters.
    real : bool, default True
        Whether each filter sees both directions of its frequencies, which makes coefficients
        real. The cones of a complex system, right, top, left and bottom, each see one.
    out_dtype : torch.dtype, optional
        Type of the results of ``S``, ``S.T`` and ``S.inverse``. By default that of the input, or
        at least float32 under autocast. Half precision is storage: everything is computed in
        float32.

    Attributes
    ----------
    system : ShearletSystem
        The definition: ``width``, ``height``, ``alphas``, ``parseval``, ``real``.
    shearlets : tuple of Shearlet
        Scale, shear and cone of each filter, in the order of the coefficients.
    domain_shape : tuple of int
        ``(H, W)``.
    range_shape : tuple of int
        ``(F, H, W)`` for F filters; ``(F, H, W, 2)`` in a complex system, real and imaginary part,
        of which `torch.view_as_complex` makes complex numbers without a copy.
    scales : Tensor of int64, shape (F,)
        The scale of each filter, 0 for the low-pass filter as well; moves with ``.to(device)``.
    frame_bounds : tuple of float
        The least and the largest :math:`|S x|^2 / |x|^2`; both 1 with `parseval`.
    out_dtype : torch.dtype or None

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If the image is too small for the number of scales, or an alpha is not in [0, 1].
    OSError
        If `cache` is a folder that cannot be written to.

    Notes
    -----
    With :math:`v(t) = 35 t^4 - 84 t^5 + 70 t^6 - 20 t^7`, t clamped to [0, 1]:
    :math:`\psi_1(u)` is :math:`\sin(\tfrac\pi2 v(u - 1))` on (1, 2],
    :math:`\cos(\tfrac\pi2 v(\tfrac u2 - 1))` on (2, 4) and 0 elsewhere, and
    :math:`\psi_2(t) = \sqrt{v(1 - |t|)}`. With :math:`n_x = \lfloor W / 2 \rfloor`,
    :math:`n_y = \lfloor H / 2 \rfloor`, :math:`R = \min(n_x, n_y)` and :math:`a = R / 2^J`, along
    each axis :math:`s = 1.5 \cdot 2^{J-1} / (n - R/2)` and :math:`\tau = s a - 1.5`. The low-pass
    filter is :math:`\phi(1.5 \xi_x / a) \, \phi(1.5 \xi_y / a)`, :math:`\phi(u) = v(4 - 2 |u|)`.
    What lies beyond the Nyquist frequencies, up to one period, is added as an alias.

    The definition is AlphaTransform's [1]_ [2]_, and so are the values, except where the size is
    even and its filters for real images are not symmetric at the Nyquist frequency, so that they
    lose a little of the image. Here such a filter is the mean of itself and its mirror image, and
    images are reconstructed to rounding at every size.

    Filters are tables of integers that hold the bits of their values, so that no change of the
    module's type rounds them.

    References
    ----------
    .. [1] F. Voigtlaender and A. Pein, "Analysis vs. synthesis sparsity for alpha-shearlets",
       arXiv:1702.03559, 2017.
    .. [2] S. Haeuser and G. Steidl, "Fast finite shearlet transform: a tutorial",
       arXiv:1202.1773, 2012.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.shearlet import ShearletTransform
    >>> S = ShearletTransform(64, 64, [0.5] * 2)
    >>> image = torch.rand(3, 64, 64)
    >>> coefficients = S(image)
    >>> coefficients.shape
    torch.Size([3, 17, 64, 64])
    >>> torch.allclose(S.T(coefficients), image, atol=1e-5)
    True
    >>> S.shearlets[1]
    Shearlet(scale=0, shear=-1, cone='horizontal')
    """

    scales: Tensor
    _values32: Tensor
    _values64: Tensor
    _source: Tensor
    _target: Tensor
    _entries: Tensor
    _starts: Tensor
    _roots: Tensor
    _weight: Tensor | None

    def __init__(
        self,
        width: int,
        height: int,
        alphas: Iterable[float],
        cache: str | os.PathLike[str] | None = None,
        *,
        parseval: bool = True,
        real: bool = True,
        out_dtype: torch.dtype | None = None,
    ) -> None:
        system = ShearletSystem.checked(width, height, alphas, parseval, real)
        if out_dtype is not None and out_dtype not in DTYPES:
            raise TypeError(f"out_dtype must be a floating-point type or None, got {out_dtype!r}")
        shape = (system.height, system.width)
        self.system, self.shearlets = system, system.shearlets
        super().__init__(shape, (len(self.shearlets), *shape, *(() if real else (2,))))
        self.out_dtype = out_dtype
        bank = load_or_make(system, cache)
        tables = make_tables(bank, *shape)
        weight = bank.weight if real else _even_half(bank.weight)
        self._runs = tables.runs
        buffers = {
            "_values32": float_bits(bank.values, torch.float32),
            "_values64": tables.values,
            "_source": tables.source,
            "_target": tables.target,
            "_entries": tables.entries,
            "_starts": tables.starts,
            "_roots": tables.roots,
            "_weight": None if parseval else float_bits(weight, torch.float64),
            "scales": torch.tensor([max(s.scale, 0) for s in self.shearlets], device="cpu"),
        }
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer, persistent=False)
        bounds = (1.0, 1.0) if parseval else (float(weight.min()), float(weight.max()))
        self.frame_bounds: tuple[float, float] = bounds

    @property
    def inverse(self) -> LinearOperator:
        """The pseudo-inverse: the image from its coefficients, from others the nearest image.

        ``S.inverse(c)`` minimises ``|S x - c|``. It is ``S.T`` in a Parseval system.
        """
        return self.T if self._weight is None else Inverse(self)

    def backward(self, coefficients: Tensor) -> Tensor:
        """Reconstruct images, as TorchRadon calls `inverse`.

        Parameters
        ----------
        coefficients : Tensor, shape (..., F, H, W), complex systems (..., F, H, W, 2)

        Returns
        -------
        Tensor, shape (..., H, W)
        """
        return self.inverse(coefficients)

    @property
    def norm_bound(self) -> float:
        """The largest singular value, from the frame bounds."""
        return math.sqrt(self.frame_bounds[1])

    @property
    def redundancy(self) -> int:
        """Coefficients a pixel: the number of filters."""
        return len(self.shearlets)

    def filters_of(self, scale: int) -> slice:
        """Where the filters of a scale are among the coefficients.

        Parameters
        ----------
        scale : int
            From 0, the coarsest; -1 for the low-pass filter.

        Returns
        -------
        slice

        Raises
        ------
        ValueError
            If there is no such scale.

        Examples
        --------
        >>> from torch_radon.shearlet import ShearletTransform
        >>> S = ShearletTransform(64, 64, [0.5] * 2)
        >>> [S.filters_of(scale) for scale in (-1, 0, 1)]
        [slice(0, 1, None), slice(1, 7, None), slice(7, 17, None)]
        """
        where = [i for i, shearlet in enumerate(self.shearlets) if shearlet.scale == scale]
        if not where:
            last = len(self.system.alphas) - 1
            raise ValueError(f"scale must lie between -1 (low-pass) and {last}, got {scale!r}")
        return slice(where[0], where[-1] + 1)

    def per_filter(self, values: Sequence[float]) -> Tensor:
        """Give each filter the number of its scale, in a shape that multiplies coefficients.

        Parameters
        ----------
        values : sequence of float
            For the low-pass filter and then for each scale, coarse to fine.

        Returns
        -------
        Tensor, shape (F, 1, 1) or (F, 1, 1, 1)
            Of the default type, on the operator's device.

        Raises
        ------
        ValueError
            If there is not one number a scale and one for the low-pass filter.

        Examples
        --------
        >>> from torch_radon.shearlet import ShearletTransform
        >>> S = ShearletTransform(64, 64, [0.5] * 2)
        >>> S.per_filter([0.0, 1.0, 3.0]).flatten().tolist()[:8]
        [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0]
        """
        scales = len(self.system.alphas)
        if len(values) != scales + 1:
            raise ValueError(
                f"values must hold {scales + 1} numbers, for the low-pass filter and {scales} "
                f"scales, got {len(values)}"
            )
        numbers = [float(values[shearlet.scale + 1]) for shearlet in self.shearlets]
        shape = (-1,) + (1,) * (len(self.range_shape) - 1)
        return torch.tensor(numbers, device=self._values32.device).view(shape)

    def spectrum(self, number: int) -> Tensor:
        """The spectrum of a filter.

        Parameters
        ----------
        number : int
            Which filter, by its place among `shearlets`.

        Returns
        -------
        Tensor, shape (H, W)
            Real, float64, in the order of `torch.fft.fft2`.

        Raises
        ------
        IndexError
            If there is no such filter.
        """
        height, width = self.domain_shape
        run = runs_of(self._runs)[number]
        entries = slice(run.begin, run.end)
        columns = width // 2 + 1 if self.system.real else width
        values = float_values(self._values64[entries])
        half = values.new_zeros(height * columns)
        half[self._source[entries].long()] = values
        half = half.view(height, columns)
        if not self.system.real:
            return half
        # The other half mirrors the columns between the first and the Nyquist frequency.
        mirrored = half[:, 1 : (width + 1) // 2].flip(0, 1).roll(1, 0)
        return torch.cat([half, mirrored], dim=1)

    def kernel(self, number: int) -> Tensor:
        """A shearlet itself: what an image with a single 1 in its middle turns into.

        Parameters
        ----------
        number : int
            Which filter, by its place among `shearlets`.

        Returns
        -------
        Tensor, shape (H, W)
            Float64, or complex128 in a complex system; centred on pixel ``(H // 2, W // 2)``.

        Raises
        ------
        IndexError
            If there is no such filter.
        """
        kernel = torch.fft.fftshift(torch.fft.ifft2(self.spectrum(number)))
        return kernel.real if self.system.real else kernel

    @property
    def norms(self) -> Tensor:
        """Euclidean norm of each `kernel`, shape (F,), float64.

        White noise of standard deviation 1 has coefficients of these standard deviations.
        """
        squares = [self.spectrum(i).square().mean() for i in range(len(self.shearlets))]
        return torch.stack(squares).sqrt()

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self._call(shearlet_2d, x, self._result_type(x))

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._call(shearlet_2d.adjoint, y, self._result_type(y))

    def _result_type(self, data: Tensor) -> torch.dtype:
        if self.out_dtype is None and is_autocast(data.device.type):
            return torch.promote_types(data.dtype, torch.float32)
        return self.out_dtype or data.dtype

    def _call(self, kernel: LinearKernel, data: Tensor, out_dtype: torch.dtype) -> Tensor:
        if data.device != self._source.device:
            raise ValueError(
                f"input is on {data.device} but the {type(self).__name__} is on "
                f"{self._source.device}: move one of them with .to(device)"
            )
        exact = torch.float64 in (data.dtype, out_dtype)
        return kernel(
            data,
            self._values64 if exact else self._values32,
            self._source,
            self._target,
            self._entries,
            self._starts,
            self._roots,
            self._runs,
            list(self.domain_shape),
            self.system.real,
            out_dtype,
        )

    def extra_repr(self) -> str:
        """Describe the system in the module's repr."""
        system = self.system
        return (
            f"{system.width}, {system.height}, {list(system.alphas)}, parseval={system.parseval}, "
            f"real={system.real}: {len(self.shearlets)} filters"
        )


def _even_half(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
    """The even part of a real spectrum, all that matters to real images, without its mirror."""
    mirrored = np.roll(spectrum[::-1, ::-1], 1, axis=(0, 1))
    return ((spectrum + mirrored) / 2)[:, : spectrum.shape[1] // 2 + 1]
