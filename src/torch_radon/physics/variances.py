"""Variances of line integrals and the weights that follow from them."""

from __future__ import annotations

from torch import Tensor

from torch_radon.geometry.validation import as_not_negative
from torch_radon.physics.checks import as_swank, check_values, working


def line_variance(
    mean: Tensor, *, swank: float = 1.0, electronic_noise: float = 0.0, check: bool = True
) -> Tensor:
    r"""Variance of the line integrals that are computed from noisy counts.

    .. math:: \mathrm{var}(p) \approx \frac{\lambda / A + \sigma^2}{\lambda^2}

    to first order in the noise: right within some percent from 50 photons on, and too small where
    there are few.

    Parameters
    ----------
    mean : Tensor, any shape
        Expected photons :math:`\lambda`, positive.
    swank, electronic_noise : float
        :math:`A` and :math:`\sigma`, as in `compound_noise`.
    check : bool, default True
        As in `lines_to_counts`.

    Returns
    -------
    Tensor, shape of `mean`
        Without unit. Float64 for float64, otherwise float32. Differentiable.

    Raises
    ------
    TypeError
        If `mean` is not a tensor of real floating-point numbers.
    ValueError
        If a mean is not positive and finite, or another argument is out of range.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import line_variance
    >>> line_variance(torch.tensor([100.0, 1000.0]), electronic_noise=10.0)
    tensor([0.0200, 0.0011])
    """
    factor, deviation = as_swank(swank), as_not_negative("electronic_noise", electronic_noise)
    values = working("mean", mean)
    if check:
        check_values("mean", values, least=1e-30)
    return (values / factor + deviation**2) / values.square()


def line_weights(
    counts: Tensor, *, swank: float = 1.0, electronic_noise: float = 0.0, check: bool = True
) -> Tensor:
    r"""Weights of measured line integrals in a least-squares fit: one over their variance.

    .. math:: w = \frac{N^2}{N / A + \sigma^2}, \qquad N \ge 0

    The measured counts stand for their mean. Where nothing was counted, or electronic noise took
    the signal below 0, the weight is 0.

    Parameters
    ----------
    counts : Tensor, any shape
        Measured photons :math:`N`, after the dark level was taken off and the gain divided out.
    swank, electronic_noise : float
        :math:`A` and :math:`\sigma`, as in `compound_noise`.
    check : bool, default True
        As in `lines_to_counts`.

    Returns
    -------
    Tensor, shape of `counts`
        For `gaussian_nll` and the weighted solvers. Float64 for float64, otherwise
        float32.

    Raises
    ------
    TypeError
        If `counts` is not a tensor of real floating-point numbers.
    ValueError
        If a count is not finite or another argument is out of range.

    References
    ----------
    J.-B. Thibault et al., "A recursive filter for noise reduction in statistical iterative
    tomographic imaging", Proc. SPIE 6065, 2006.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import line_weights
    >>> line_weights(torch.tensor([-2.0, 0.0, 100.0, 1000.0]), electronic_noise=10.0)
    tensor([  0.0000,   0.0000,  50.0000, 909.0909])
    """
    factor, deviation = as_swank(swank), as_not_negative("electronic_noise", electronic_noise)
    values = working("counts", counts)
    if check:
        check_values("counts", values)
    seen = values.clamp_min(0)
    # Divided by N, so that nothing overflows, and 0 / 0 cannot happen without electronic noise.
    if deviation == 0:
        return factor * seen
    return seen * (seen / (seen / factor + deviation**2))
