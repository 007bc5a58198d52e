"""How far an image is from a reference: RMSE, PSNR, Hounsfield units."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_finite, as_length
from torch_radon.physics.checks import working


def rmse(image: Tensor, reference: Tensor, *, mask: Tensor | None = None, axes: int = 2) -> Tensor:
    r"""Root of the mean squared error, for each image.

    .. math:: \sqrt{\tfrac1n \sum_i (x_i - y_i)^2}

    Parameters
    ----------
    image, reference : Tensor, shape (..., H, W) or (..., D, H, W)
        Any leading dimensions, strides and device; they broadcast with each other.
    mask : Tensor, optional
        Of booleans; True where pixels count. Broadcasts with the images; by default all count. NaN
        for an image without a pixel that counts.
    axes : int, default 2
        Trailing axes that make an image: 2, or 3 for volumes.

    Returns
    -------
    Tensor, shape (...)
        In the unit of the images. Float64 if an argument is, otherwise float32. Differentiable
        wherever it is not 0.

    Raises
    ------
    TypeError
        If an argument is not a tensor of the right type.
    ValueError
        If shapes or devices do not fit.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import rmse
    >>> rmse(torch.zeros(2, 8, 8), torch.tensor([3.0, 4.0]).reshape(2, 1, 1).expand(2, 8, 8))
    tensor([3., 4.])
    """
    one, other = as_images(image, reference, axes)
    return _mean_square(one - other, mask, axes).sqrt()


def rmse_hu(
    image: Tensor,
    reference: Tensor,
    water: float,
    *,
    air: float = 0.0,
    mask: Tensor | None = None,
    axes: int = 2,
) -> Tensor:
    r"""Root of the mean squared error in Hounsfield units, of images of attenuation.

    .. math:: \frac{1000}{\mu_\text{water} - \mu_\text{air}}\,\mathrm{RMSE}

    Parameters
    ----------
    image, reference : Tensor, shape (..., H, W) or (..., D, H, W)
        Attenuation per unit of length.
    water : float
        Attenuation of water in the same unit: about 0.019 per mm at 70 keV.
    air : float, default 0.0
        Attenuation of air.
    mask, axes
        As in `rmse`.

    Returns
    -------
    Tensor, shape (...)
        In HU.

    Raises
    ------
    TypeError, ValueError
        As `rmse` and `to_hounsfield` raise them.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import rmse_hu
    >>> rmse_hu(torch.full((8, 8), 0.0202), torch.full((8, 8), 0.02), water=0.02)
    tensor(10.0000)
    """
    return rmse(image, reference, mask=mask, axes=axes) * _hounsfield_scale(water, air)


def to_hounsfield(image: Tensor, water: float, air: float = 0.0) -> Tensor:
    r"""Attenuation in Hounsfield units: water is 0 and air is -1000.

    .. math:: 1000\,\frac{\mu - \mu_\text{water}}{\mu_\text{water} - \mu_\text{air}}

    Parameters
    ----------
    image : Tensor, any shape
        Attenuation per unit of length.
    water : float
        Attenuation of water in the same unit.
    air : float, default 0.0
        Attenuation of air.

    Returns
    -------
    Tensor, shape of `image`
        In HU. Float64 for float64, otherwise float32. Differentiable.

    Raises
    ------
    TypeError
        If `image` is not a tensor of real floating-point numbers.
    ValueError
        If water does not attenuate more than air.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import to_hounsfield
    >>> to_hounsfield(torch.tensor([0.0, 0.02, 0.021]), water=0.02)
    tensor([-1000.,     0.,    50.])
    """
    return (working("image", image) - water) * _hounsfield_scale(water, air)


def psnr(
    image: Tensor,
    reference: Tensor,
    *,
    data_range: float | None = None,
    mask: Tensor | None = None,
    axes: int = 2,
) -> Tensor:
    r"""Ratio of peak signal to noise in decibels, for each image.

    .. math:: 20 \log_{10} \frac{L}{\mathrm{RMSE}}

    Parameters
    ----------
    image, reference : Tensor, shape (..., H, W) or (..., D, H, W)
        As in `rmse`.
    data_range : float, optional
        :math:`L`, positive. By default the range of each reference, its maximum less its minimum.
    mask, axes
        As in `rmse`; the range is that of the whole reference.

    Returns
    -------
    Tensor, shape (...)
        In dB; infinite where the images are equal.

    Raises
    ------
    TypeError, ValueError
        As `rmse` raises them, or if `data_range` is not positive.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import psnr
    >>> psnr(torch.full((4, 4), 0.1), torch.zeros(4, 4), data_range=1.0)
    tensor(20.)
    """
    one, other = as_images(image, reference, axes)
    peak = range_of(other, data_range, axes).squeeze(tuple(range(-axes, 0)))
    error = _mean_square(one - other, mask, axes)
    # One logarithm of the quotient would leave what float32 holds for errors of 1e-23 and less.
    return 20 * torch.log10(peak) - 10 * torch.log10(error)


def as_images(image: Tensor, reference: Tensor, axes: int) -> tuple[Tensor, Tensor]:
    """Both in the type to compute in and of one shape; raise if they do not fit."""
    if axes not in (2, 3):
        raise ValueError(f"axes must be 2 (images) or 3 (volumes), got {axes!r}")
    one, other = working("image", image), working("reference", reference)
    if one.shape[-axes:] != other.shape[-axes:] or min(one.ndim, other.ndim) < axes:
        raise ValueError(
            f"image and reference must have the same {axes} trailing axes, got "
            f"{tuple(one.shape)} and {tuple(other.shape)}"
        )
    if one.device != other.device:
        raise ValueError(
            f"image and reference must be on one device, got {one.device} and {other.device}"
        )
    if 0 in one.shape[-axes:]:
        raise ValueError(f"images must have pixels, got shape {tuple(one.shape)}")
    dtype = torch.promote_types(one.dtype, other.dtype)
    try:
        broadcast = torch.broadcast_tensors(one.to(dtype), other.to(dtype))
    except RuntimeError:
        raise ValueError(
            f"image and reference must have leading dimensions that broadcast, got "
            f"{tuple(one.shape)} and {tuple(other.shape)}"
        ) from None
    return broadcast[0], broadcast[1]


def _mean_square(error: Tensor, mask: Tensor | None, axes: int) -> Tensor:
    inner = tuple(range(-axes, 0))
    if mask is None:
        return error.square().mean(inner)
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise TypeError(f"mask must be a tensor of booleans, got {getattr(mask, 'dtype', mask)!r}")
    try:
        chosen = mask.expand_as(error)
    except RuntimeError:
        raise ValueError(
            f"mask must broadcast to {tuple(error.shape)}, got {tuple(mask.shape)}"
        ) from None
    return torch.where(chosen, error, 0.0).square().sum(inner) / chosen.sum(inner)


def range_of(reference: Tensor, data_range: float | None, axes: int) -> Tensor:
    """The range, with axes of length 1 in place of those of the image."""
    inner = tuple(range(-axes, 0))
    if data_range is None:
        return reference.amax(inner, keepdim=True) - reference.amin(inner, keepdim=True)
    shape = (*reference.shape[:-axes], *(1,) * axes)
    return reference.new_full(shape, as_length("data_range", data_range))


def _hounsfield_scale(water: float, air: float) -> float:
    contrast = as_finite("water", water) - as_finite("air", air)
    if contrast <= 0:
        raise ValueError(f"water must attenuate more than air, got {water} and {air}")
    return 1000 / contrast
