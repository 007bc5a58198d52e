"""Filters of filtered backprojection: frequency responses and their application along columns."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from torch_radon.geometry.validation import as_count, as_finite, as_length

Filter = str | Tensor | Callable[[Tensor], Tensor] | None

# Each takes the frequency as a fraction of the cutoff, in [0, 1].
_WINDOWS: dict[str, Callable[[Tensor], Tensor]] = {
    "ramp": torch.ones_like,
    "ram-lak": torch.ones_like,
    "shepp-logan": lambda w: torch.sinc(w / 2),
    "cosine": lambda w: torch.cos(math.pi / 2 * w),
    "hamming": lambda w: 0.54 + 0.46 * torch.cos(math.pi * w),
    "hann": lambda w: 0.5 + 0.5 * torch.cos(math.pi * w),
}

FILTER_NAMES = tuple(_WINDOWS)
"""Names that `fbp` and `filter_response` accept; "ram-lak" is another name of "ramp"."""


def padded_size(columns: int) -> int:
    """Length of the Fourier transform that filters a row of `columns` samples.

    The smallest even number of the form ``2^a 3^b 5^c`` that is at least ``2 * columns``: long
    enough that the circular convolution equals the linear one, and fast to transform.

    Parameters
    ----------
    columns : int
        Samples a row, at least 1.

    Returns
    -------
    int

    Examples
    --------
    >>> padded_size(512), padded_size(725)
    (1024, 1458)
    """
    half = as_count("columns", columns)
    while True:
        rest = half
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return 2 * half
        half += 1


def ramp_filter(
    size: int,
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
) -> Tensor:
    r"""Frequency response of the band-limited ramp.

    The transform of the ramp's samples in space ([1]_, eq. 61, for unit spacing),

    .. math:: h(0) = 1/4, \quad h(n) = 0 \text{ for even } n,
              \quad h(n) = -1 / (\pi n)^2 \text{ for odd } n,

    taken over ``-size/2 < n <= size/2``. It is :math:`|f|` up to the truncation of the kernel,
    which shows mainly at f = 0: a ramp sampled in frequency is zero there and loses the mean of
    the image, this one does not.

    Parameters
    ----------
    size : int
        Length of the transform, even (see `padded_size`).
    dtype : torch.dtype, default torch.float64
        Type of the result; it is computed in float64.
    device : torch.device or str, optional
        Where to compute and return it; the CPU by default.

    Returns
    -------
    Tensor
        Shape ``(size // 2 + 1,)``: real, at the frequencies ``k / size`` cycles per sample.

    Raises
    ------
    ValueError
        If `size` is odd or below 2.

    References
    ----------
    .. [1] A. C. Kak and M. Slaney, *Principles of Computerized Tomographic Imaging*, IEEE Press,
       1988, section 3.3.3.

    Examples
    --------
    >>> response = ramp_filter(1024)
    >>> [round(response[k].item(), 4) for k in (0, 256, 512)]
    [0.0002, 0.25, 0.4998]
    """
    _frequencies(size, device)
    n = torch.arange(size, dtype=torch.float64, device=device)
    n = torch.minimum(n, size - n)
    kernel = torch.where(n % 2 == 1, -1 / (math.pi * n).square(), 0.0)
    kernel = torch.where(n == 0, 0.25, kernel)
    return torch.fft.rfft(kernel).real.to(dtype)


def filter_response(
    filter: Filter,
    size: int,
    cutoff: float = 1.0,
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
) -> Tensor:
    r"""Frequency response of a filter of `fbp`.

    With :math:`w = f / (0.5\,\text{cutoff})` the named filters are the band-limited ramp (see
    `ramp_filter`) times

    =============  ==========================================
    ramp, ram-lak  1
    shepp-logan    :math:`\sin(\pi w / 2) / (\pi w / 2)`
    cosine         :math:`\cos(\pi w / 2)`
    hamming        :math:`0.54 + 0.46 \cos(\pi w)`
    hann           :math:`0.5 + 0.5 \cos(\pi w)`
    =============  ==========================================

    and every filter is zero for :math:`w > 1`.

    Parameters
    ----------
    filter : str, Tensor, callable or None
        A name; or a whole response (the ramp included, in cycles per sample, so that the plain
        ramp is the frequency itself) as

        - a 1-D tensor of n >= 2 values at n equally spaced frequencies from 0 to Nyquist, both
          included; used as it stands if n is ``size // 2 + 1`` and interpolated linearly
          otherwise; gradients flow back to it;
        - a function that maps the frequencies (cycles per sample, float64, Nyquist = 0.5) to
          the response at them;

        or None, a response of 1.
    size : int
        Length of the transform, even.
    cutoff : float, default 1.0
        Largest frequency that passes as a fraction of Nyquist, in (0, 1].
    dtype : torch.dtype, default torch.float64
        Type of the result.
    device : torch.device or str, optional
        Where to compute and return it; the CPU by default.

    Returns
    -------
    Tensor
        Shape ``(size // 2 + 1,)``, at the frequencies ``k / size`` cycles per sample.

    Raises
    ------
    ValueError
        If the name is unknown, a tensor or a function's result has the wrong shape, `size` is
        odd or `cutoff` outside (0, 1].
    TypeError
        If `filter` is something else, or not made of real floating-point numbers.

    References
    ----------
    .. [1] A. C. Kak and M. Slaney, *Principles of Computerized Tomographic Imaging*, IEEE Press,
       1988, chapter 3.
    .. [2] L. A. Shepp and B. F. Logan, "The Fourier reconstruction of a head section", IEEE
       Transactions on Nuclear Science 21(3), 21-43, 1974.

    Examples
    --------
    >>> import torch
    >>> hann = filter_response("hann", 1024)
    >>> mine = filter_response(lambda f: f * torch.exp(-((f / 0.2) ** 2)), 1024, cutoff=0.8)
    >>> hann.shape, mine.shape
    (torch.Size([513]), torch.Size([513]))
    """
    frequency = _frequencies(size, device)
    limit = 0.5 * as_cutoff(cutoff)
    if filter is None:
        response = torch.ones_like(frequency)
    elif isinstance(filter, str):
        window = _WINDOWS.get(filter.lower())
        if window is None:
            raise ValueError(f"filter must be one of {', '.join(FILTER_NAMES)}, got {filter!r}")
        response = ramp_filter(size, device=device) * window(frequency / limit)
    elif isinstance(filter, Tensor):
        response = sampled_response(filter.to(frequency.device), len(frequency))
    elif callable(filter):
        response = _called_response(filter, frequency)
    else:
        raise TypeError(
            "filter must be a name, a tensor, a function of the frequency or None, got "
            f"{type(filter).__name__}"
        )
    # A frequency on the cutoff passes in spite of the rounding of the limit.
    return torch.where(frequency <= limit * (1 + 1e-12), response, 0.0).to(dtype)


def filter_sinogram(
    y: Tensor,
    filter: Filter = "ramp",
    cutoff: float = 1.0,
    *,
    spacing: float | Tensor = 1.0,
) -> Tensor:
    r"""Filter projections along their columns.

    .. math:: q_n = \frac{1}{\tau} \sum_k p_k\, g_{n-k}

    with the spacing :math:`\tau` and the kernel g whose transform, in cycles per sample, is the
    filter's response. For the ramp, q is the projection's filtered backprojection integrand in
    the unit of :math:`1 / \tau`. Rows are padded with zeros to `padded_size`.

    Parameters
    ----------
    y : Tensor
        Shape ``(..., columns)``, real floating point; float16 and bfloat16 are filtered in
        float32.
    filter, cutoff
        As in `filter_response`. None returns `y` as it is, not divided by the spacing.
    spacing : float or Tensor, default 1.0
        Distance between columns in world units, across the rays; a tensor must broadcast
        against `y` (``(views, 1)`` for one a view).

    Returns
    -------
    Tensor
        Shape, type and device of `y`. Differentiable in `y` and in a tensor `filter`.

    Raises
    ------
    TypeError
        If `y` is not a tensor of real floating-point numbers.
    ValueError
        If `y` has no columns; for a bad filter, cutoff or spacing.

    Examples
    --------
    >>> import torch
    >>> filter_sinogram(torch.ones(3, 180, 64), "hann", cutoff=0.9, spacing=0.5).shape
    torch.Size([3, 180, 64])
    """
    if not isinstance(y, Tensor):
        raise TypeError(f"y must be a torch.Tensor, got {type(y).__name__}")
    if not y.is_floating_point():
        raise TypeError(f"y must be of a real floating-point type, got {y.dtype}")
    if y.ndim < 1 or y.shape[-1] == 0:
        raise ValueError(f"y must have shape (..., columns) with columns, got {tuple(y.shape)}")
    if isinstance(spacing, Tensor):
        if not bool((spacing > 0).all()):
            raise ValueError(f"spacing must be positive, got {spacing}")
        steps: float | Tensor = spacing.to(y.device, torch.promote_types(y.dtype, torch.float32))
    else:
        steps = as_length("spacing", spacing)
    if filter is None:
        if as_cutoff(cutoff) != 1:
            raise ValueError(f"cutoff must be 1 where filter is None, got {cutoff}")
        return y
    if y.numel() == 0:
        # Not every FFT library takes an empty batch.
        return y.clone()
    columns = y.shape[-1]
    size = padded_size(columns)
    work = torch.promote_types(y.dtype, torch.float32)
    response = filter_response(filter, size, cutoff, dtype=work, device=y.device)
    spectrum = torch.fft.rfft(y.to(work), n=size)
    filtered = torch.fft.irfft(spectrum * response, n=size)[..., :columns]
    return (filtered / steps).to(y.dtype)


def as_cutoff(cutoff: float) -> float:
    """Return `cutoff` as a float in (0, 1]."""
    value = as_finite("cutoff", cutoff)
    if not 0 < value <= 1:
        raise ValueError(f"cutoff must be a fraction of Nyquist in (0, 1], got {value}")
    return value


def _frequencies(size: int, device: torch.device | str | None) -> Tensor:
    """Frequencies of a real transform of even length, cycles per sample."""
    if as_count("size", size) % 2:
        raise ValueError(f"size must be even, got {size}")
    return torch.arange(size // 2 + 1, dtype=torch.float64, device=device) / size


def sampled_response(values: Tensor, count: int) -> Tensor:
    """Bring a response given as a tensor to `count` frequencies, in float64."""
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(
            "filter must be a 1-D tensor of at least 2 values from frequency 0 to Nyquist, got "
            f"shape {tuple(values.shape)}"
        )
    if not values.is_floating_point():
        raise TypeError(f"filter must be of a real floating-point type, got {values.dtype}")
    values = values.to(torch.float64)
    if len(values) == count:
        return values
    return interpolate(values[None, None], size=count, mode="linear", align_corners=True)[0, 0]


def _called_response(function: Callable[[Tensor], Tensor], frequency: Tensor) -> Tensor:
    response = function(frequency)
    if not isinstance(response, Tensor) or not response.is_floating_point():
        kind = response.dtype if isinstance(response, Tensor) else type(response).__name__
        raise TypeError(f"filter must return a real floating-point tensor, got {kind}")
    if response.shape != frequency.shape:
        raise ValueError(
            f"filter must return shape {tuple(frequency.shape)}, that of its argument, got "
            f"{tuple(response.shape)}"
        )
    return response
