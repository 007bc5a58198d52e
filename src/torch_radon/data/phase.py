"""Phase retrieval: the projected object from one propagated image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_length

_HC_KEV_NM = 1.239841984


def wavelength(energy: float) -> float:
    r"""Wavelength of X-rays, :math:`\lambda = h c / E`.

    Parameters
    ----------
    energy : float
        Photon energy in keV.

    Returns
    -------
    float
        Metres.

    Raises
    ------
    ValueError
        If `energy` is not positive.

    Examples
    --------
    >>> from torch_radon.data import wavelength
    >>> round(wavelength(20.0) * 1e12, 3)  # picometres
    61.992
    """
    return _HC_KEV_NM * 1e-9 / as_length("energy", energy)


def paganin_length(energy: float, distance: float, delta_beta: float) -> float:
    r"""Length over which `paganin_filter` smooths.

    .. math:: \ell = \sqrt{\frac{z \delta}{\mu}} = \sqrt{\frac{z \lambda}{4 \pi}
              \frac{\delta}{\beta}}

    Parameters
    ----------
    energy : float
        Photon energy in keV.
    distance : float
        Effective propagation distance z in metres: from the object to the detector, divided by
        the magnification if the beam diverges.
    delta_beta : float
        Ratio :math:`\delta / \beta` of the object's refractive index
        :math:`1 - \delta + i \beta`.

    Returns
    -------
    float
        Metres.

    Raises
    ------
    ValueError
        If a number is not positive.

    Examples
    --------
    >>> from torch_radon.data import paganin_length
    >>> round(paganin_length(energy=20.0, distance=0.1, delta_beta=200.0) * 1e6, 2)  # micrometres
    9.93
    """
    z, ratio = as_length("distance", distance), as_length("delta_beta", delta_beta)
    return math.sqrt(z * wavelength(energy) * ratio / (4 * math.pi))


def paganin_filter(transmission: Tensor, length: float, pixel_size: float = 1.0) -> Tensor:
    r"""Retrieve what the object absorbed from images with propagation fringes.

    For an object of one material, and close enough that its fringes are narrow, the image is
    :math:`I = (1 - \ell^2 \nabla^2) e^{-\mu T}` with the projected thickness T [1]_. This inverts
    it:

    .. math:: e^{-\mu T} = \mathcal F^{-1} \left\{ \frac{\mathcal F \{I\}}
              {1 + \ell^2 |k|^2} \right\}

    so that minus its logarithm is the sinogram of the linear attenuation coefficient. Images are
    mirrored at their edges. Where a single detector row is given, the object is taken to be the
    same above and below it.

    Parameters
    ----------
    transmission : Tensor
        Images divided by the open beam, shape ``(..., rows, columns)``, real floating point; see
        `transmission`.
    length : float
        :math:`\ell`, see `paganin_length`; in the unit of `pixel_size`.
    pixel_size : float, default 1.0
        Distance between pixels, divided by the magnification if the beam diverges.

    Returns
    -------
    Tensor
        The transmission without fringes, shape, type and device of the argument; positive if the
        argument is. Differentiable. `attenuation` takes its logarithm.

    Raises
    ------
    TypeError
        If `transmission` is not a tensor of real floating-point numbers.
    ValueError
        If it has no rows or columns, or a length is not positive.

    References
    ----------
    .. [1] D. Paganin et al., "Simultaneous phase and amplitude extraction from a single defocused
       image of a homogeneous object", J. Microscopy 206 (2002) 33-40.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import paganin_filter, paganin_length
    >>> length = paganin_length(energy=20.0, distance=0.1, delta_beta=200.0)
    >>> images = torch.rand(3, 32, 64)
    >>> smooth = paganin_filter(images, length, pixel_size=5e-6)
    >>> bool(smooth.std() < images.std()), bool(smooth.mean() / images.mean() > 0.99)
    (True, True)
    """
    if not isinstance(transmission, Tensor):
        raise TypeError(f"transmission must be a torch.Tensor, got {type(transmission).__name__}")
    if not transmission.is_floating_point():
        raise TypeError(
            f"transmission must be of a real floating-point type, got {transmission.dtype}"
        )
    if transmission.ndim < 2 or 0 in transmission.shape[-2:]:
        raise ValueError(
            "transmission must have shape (..., rows, columns), neither of them 0, got "
            f"{tuple(transmission.shape)}"
        )
    scale = (as_length("length", length) / as_length("pixel_size", pixel_size)) ** 2
    work = torch.promote_types(transmission.dtype, torch.float32)
    wide = _mirrored(transmission.to(work))
    rows, columns = (
        2 * math.pi * torch.fft.fftfreq(n, dtype=work, device=wide.device) for n in wide.shape[-2:]
    )
    columns = columns[: wide.shape[-1] // 2 + 1]
    response = 1 / (1 + scale * (rows[:, None] ** 2 + columns**2))
    spectrum = torch.fft.rfft2(wide) * response
    smooth = torch.fft.irfft2(spectrum, s=wide.shape[-2:])
    return smooth[..., : transmission.shape[-2], : transmission.shape[-1]].to(transmission.dtype)


def _mirrored(images: Tensor) -> Tensor:
    """Images continued by their mirror images, so that they are periodic without a jump."""
    images = torch.cat([images, images.flip(-1)], dim=-1)
    return torch.cat([images, images.flip(-2)], dim=-2)
