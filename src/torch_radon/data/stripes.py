"""Stripes in sinograms, which become rings in images: two published ways to remove them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d, conv_transpose1d, pad

from torch_radon.geometry.validation import as_count, as_length

# Blocks of rows in the running median stay below about this much memory.
_BLOCK_BYTES = 2**26


def remove_stripes_sorting(sinograms: Tensor, width: int | None = None) -> Tensor:
    r"""Remove stripes by sorting each column, smoothing across columns, and sorting back.

    Sorted over the views, the values of neighbouring columns are nearly equal whatever the object
    is, because neighbouring columns see it almost alike in the course of a turn. What differs
    from column to column after sorting is the response of the pixels: a median over `width`
    columns takes it out, and each value returns to the view from which it came. This is algorithm
    3 of [1]_. It also corrects pixels whose response is not linear, and blurs nothing along the
    views.

    Parameters
    ----------
    sinograms : Tensor
        Shape ``(..., views, columns)``, real floating point, any device.
    width : int, optional
        Columns of the median, odd; stripes narrower than half of it are removed. By default a
        fiftieth of the columns, from 5 to 31.

    Returns
    -------
    Tensor
        Shape, type and device of `sinograms`.

    Raises
    ------
    TypeError
        If `sinograms` is not a tensor of real floating-point numbers or `width` no integer.
    ValueError
        If there is no view or column, or `width` is even or below 3.

    Notes
    -----
    What in the object is itself a ring about the rotation axis looks the same in every view, and
    no method can tell it from a stripe. A wide median takes more of it away.

    References
    ----------
    .. [1] N. T. Vo, R. C. Atwood and M. Drakopoulos, "Superior techniques for eliminating ring
       artifacts in X-ray micro-tomography", Opt. Express 26 (2018) 28396-28412.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon.data import remove_stripes_sorting
    >>> scan = tr.parallel_beam(np.linspace(0, np.pi, 180, endpoint=False), 256)
    >>> clean = 0.015 * tr.phantoms.random_ellipses(seed=3, size=220.0).project(scan)
    >>> stripes = torch.zeros(256)
    >>> stripes[[60, 94, 104, 156, 180]] = torch.tensor([0.3, -0.3, 0.2, -0.2, 0.4])
    >>> left = remove_stripes_sorting(clean + stripes) - clean
    >>> bool(left.std() < 0.3 * stripes.std())
    True
    """
    _check(sinograms)
    columns = sinograms.shape[-1]
    if width is None:
        width = min(max(5, columns // 50 // 2 * 2 + 1), 31)
    if as_count("width", width) < 3 or width % 2 == 0:
        raise ValueError(f"width must be odd and at least 3, got {width}")
    ordered, order = sinograms.sort(dim=-2)
    smooth = _running_median(ordered, min(width, 2 * columns - 1))
    return torch.empty_like(smooth).scatter_(-2, order, smooth)


def remove_stripes_wavelet(
    sinograms: Tensor, levels: int = 3, sigma: float = 1.0, order: int = 5
) -> Tensor:
    r"""Remove stripes by damping the slow part of wavelet details: wavelet-Fourier filtering.

    A stripe is sharp across columns and constant along views. A wavelet transform across columns
    separates what is sharp at the scales of 2 to :math:`2^\text{levels}` columns; in these
    details a Fourier transform along views gathers the stripes at the lowest frequencies, which
    are multiplied by

    .. math:: 1 - \exp(-k^2 / 2 \sigma^2)

    with the frequency k in cycles over the scan [1]_. Everything coarser stays, so that the mean
    of each view does, and with it the scale of the image.

    Both transforms see the sinogram mirrored at its ends. As the damping leaves all but the
    lowest frequencies along views alone, no wavelet transform is needed along them.

    Of the two methods this is the gentler one where edges of the object are far from concentric
    with the rotation axis, and the worse one where they are not: a shell about the axis is a pair
    of stripes.

    Parameters
    ----------
    sinograms : Tensor
        Shape ``(..., views, columns)``, real floating point, any device.
    levels : int, default 3
        Scales of the wavelet transform; stripes up to about ``2**levels / 2`` columns wide are
        removed. No more are used than the columns allow.
    sigma : float, default 1.0
        Width of the damping, in cycles over the scan. Larger values take out stripes whose
        strength changes during the scan, and more of the object.
    order : int, default 5
        Order of Daubechies' wavelet, from 1 to 20: how many vanishing moments it has.

    Returns
    -------
    Tensor
        Shape, type and device of `sinograms`. The operation is linear and differentiable.

    Raises
    ------
    TypeError
        If `sinograms` is not a tensor of real floating-point numbers or a number is of the wrong
        kind.
    ValueError
        If there is no view or column, or a number is out of range.

    References
    ----------
    .. [1] B. Münch, P. Trtik, F. Marone and M. Stampanoni, "Stripe and ring artifact removal with
       combined wavelet-Fourier filtering", Opt. Express 17 (2009) 8567-8591.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon.data import remove_stripes_wavelet
    >>> scan = tr.parallel_beam(np.linspace(0, np.pi, 180, endpoint=False), 256)
    >>> clean = 0.015 * tr.phantoms.random_ellipses(seed=3, size=220.0).project(scan)
    >>> stripes = torch.zeros(256)
    >>> stripes[[60, 94, 104, 156, 180]] = torch.tensor([0.3, -0.3, 0.2, -0.2, 0.4])
    >>> left = remove_stripes_wavelet(clean + stripes) - clean
    >>> bool(left.std() < 0.5 * stripes.std())
    True
    """
    _check(sinograms)
    if not 1 <= as_count("order", order) <= 20:
        raise ValueError(f"order must be from 1 to 20, got {order}")
    width = as_length("sigma", sigma)
    work = torch.promote_types(sinograms.dtype, torch.float32)
    y = sinograms.to(work)
    views, columns = y.shape[-2:]
    levels = min(as_count("levels", levels), max(1, int(math.log2(columns))))
    if y.numel() == 0:
        return sinograms.clone()
    # Mirrored, k half cycles fit into the scan.
    mirrored = torch.cat([y, y.flip(-2)], dim=-2)
    k = torch.arange(views + 1, dtype=work, device=y.device) / 2
    slow = torch.exp(-(k**2) / (2 * width**2))[:, None]
    along_views = torch.fft.irfft(torch.fft.rfft(mirrored, dim=-2) * slow, n=2 * views, dim=-2)[
        ..., :views, :
    ]
    stripes = along_views - _coarse(along_views, levels, order)
    return (y - stripes).to(sinograms.dtype)


STRIPE_METHODS: dict[str, Callable[[Tensor], Tensor]] = {
    "sorting": remove_stripes_sorting,
    "wavelet": remove_stripes_wavelet,
}
"""Ways to remove stripes, with the settings that suit most scans."""


def _check(sinograms: Tensor) -> None:
    if not isinstance(sinograms, Tensor):
        raise TypeError(f"sinograms must be a torch.Tensor, got {type(sinograms).__name__}")
    if not sinograms.is_floating_point():
        raise TypeError(f"sinograms must be of a real floating-point type, got {sinograms.dtype}")
    if sinograms.ndim < 2 or 0 in sinograms.shape[-2:]:
        raise ValueError(
            "sinograms must have shape (..., views, columns), neither of them 0, got "
            f"{tuple(sinograms.shape)}"
        )


def _running_median(y: Tensor, width: int) -> Tensor:
    """Median over `width` neighbours along the last dimension, mirrored at the ends."""
    half, columns = width // 2, y.shape[-1]
    index = torch.arange(-half, columns + half, device=y.device).abs()
    index = torch.where(index > columns - 1, 2 * (columns - 1) - index, index)
    rows = y.reshape(-1, columns)
    result = torch.empty_like(rows)
    step = max(1, _BLOCK_BYTES // (columns * width * y.element_size()))
    for start in range(0, len(rows), step):
        windows = rows[start : start + step, index].unfold(-1, width, 1)
        result[start : start + step] = windows.median(dim=-1).values
    return result.reshape(y.shape)


def _coarse(y: Tensor, levels: int, order: int) -> Tensor:
    """What is left along the last dimension when the details of so many levels are taken out."""
    low = torch.from_numpy(_daubechies(order)).to(y.device, y.dtype)
    columns, block = y.shape[-1], 2**levels
    # Mirrored on both sides by more than the wavelets reach, as far as there is something.
    margin = min(columns, block * ((2 * order + block - 1) // block + 1))
    wide = y.reshape(-1, 1, columns)
    wide = torch.cat(
        [wide[..., :margin].flip(-1), wide, wide[..., columns - margin :].flip(-1)], dim=-1
    )
    wide = pad(wide, (0, -wide.shape[-1] % block), mode="replicate")
    sizes = []
    for _ in range(levels):
        sizes.append(wide.shape[-1])
        repeats = -(-(len(low) - 1) // wide.shape[-1]) + 1
        around = wide.repeat(1, 1, repeats)[..., : wide.shape[-1] + len(low) - 1]
        wide = conv1d(around, low[None, None], stride=2)[..., : wide.shape[-1] // 2]
    for size in reversed(sizes):
        spread = conv_transpose1d(wide, low[None, None], stride=2)
        spread = pad(spread, (0, -spread.shape[-1] % size))
        wide = spread.unflatten(-1, (-1, size)).sum(dim=-2)
    return wide[..., margin : margin + columns].reshape(y.shape)


@lru_cache(maxsize=20)
def _daubechies(order: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Low-pass filter of Daubechies' wavelet with so many vanishing moments; unit norm.

    Spectral factorisation: of the roots of the polynomial sum_k C(order - 1 + k, k) y^k, where
    y = (2 - z - 1 / z) / 4, the filter takes those inside the unit circle.
    """
    coefficients = [math.comb(order - 1 + k, k) for k in range(order)]
    roots = []
    for y in np.roots(coefficients[::-1]):
        pair = np.roots([1, 4 * y - 2, 1])
        roots.append(pair[np.argmin(abs(pair))])
    low = np.real(np.poly(np.concatenate([-np.ones(order), roots])))
    return np.asarray(low * (math.sqrt(2) / low.sum()), dtype=np.float64)
