"""Structural similarity of images."""

from __future__ import annotations

import math

from torch import Tensor

from torch_radon.physics.quality import as_images, range_of

# As in the paper: a Gaussian of 1.5 pixels, cut at 11, and the constants of the two quotients.
_SIGMA, _RADIUS = 1.5, 5
_K1, _K2 = 0.01, 0.03


def ssim(image: Tensor, reference: Tensor, *, data_range: float | None = None) -> Tensor:
    r"""Structural similarity, for each image: 1 if it equals the reference.

    .. math:: \frac{(2 \mu_x \mu_y + c_1)\,(2 \sigma_{xy} + c_2)}
                   {(\mu_x^2 + \mu_y^2 + c_1)\,(\sigma_x^2 + \sigma_y^2 + c_2)},
              \qquad c_i = (K_i L)^2

    averaged over all pixels whose window lies in the image. Means, variances and covariance are
    weighted by a Gaussian of 1.5 pixels in a window of 11 x 11; :math:`K_1 = 0.01` and
    :math:`K_2 = 0.03`. These are the choices of the paper, and of scikit-image's
    `structural_similarity` with ``gaussian_weights=True, use_sample_covariance=False``.

    Parameters
    ----------
    image, reference : Tensor, shape (..., H, W)
        At least 11 x 11 pixels. Any leading dimensions, strides and device.
    data_range : float, optional
        :math:`L`, positive. By default the range of each reference; NaN then for a reference of
        one value.

    Returns
    -------
    Tensor, shape (...)
        Float64 if an argument is, otherwise float32. Differentiable. Means are taken off before
        variances are formed, so that images with a large offset, in HU say, lose no digits.

    Raises
    ------
    TypeError
        If an argument is not a tensor of real floating-point numbers.
    ValueError
        If shapes or devices do not fit, images are too small or `data_range` is not positive.

    References
    ----------
    Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli, "Image quality assessment: from error
    visibility to structural similarity", IEEE Transactions on Image Processing 13(4), 2004.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import ssim
    >>> x = torch.linspace(0, 1, 400).reshape(20, 20)
    >>> ssim(x, x), ssim(x.flip(0), x, data_range=1.0) < 0.5
    (tensor(1.), tensor(True))
    """
    one, other = as_images(image, reference, 2)
    window = 2 * _RADIUS + 1
    if min(one.shape[-2:]) < window:
        raise ValueError(
            f"images must have at least {window} x {window} pixels, got {tuple(one.shape[-2:])}"
        )
    peak = range_of(other, data_range, 2)
    level = other.mean((-2, -1), keepdim=True).detach()
    one, other = one - level, other - level
    mean_one, mean_other, square_one, square_other, product = (
        _smooth(_smooth(values, -1), -2)
        for values in (one, other, one.square(), other.square(), one * other)
    )
    variances = square_one - mean_one.square() + square_other - mean_other.square()
    covariance = product - mean_one * mean_other
    mean_one, mean_other = mean_one + level, mean_other + level
    c1, c2 = (_K1 * peak) ** 2, (_K2 * peak) ** 2
    luminance = (2 * mean_one * mean_other + c1) / (mean_one.square() + mean_other.square() + c1)
    structure = (2 * covariance + c2) / (variances + c2)
    return (luminance * structure).mean((-2, -1))


def _smooth(values: Tensor, axis: int) -> Tensor:
    """Gaussian means along an axis, where the whole window is inside.

    Slices rather than a convolution, which cuDNN would compute in TF32.
    """
    weights = [math.exp(-0.5 * (i / _SIGMA) ** 2) for i in range(-_RADIUS, _RADIUS + 1)]
    size, total = values.shape[axis] - 2 * _RADIUS, sum(weights)
    result = values.narrow(axis, 0, size) * (weights[0] / total)
    for start, weight in enumerate(weights[1:], 1):
        result = result + values.narrow(axis, start, size) * (weight / total)
    return result
