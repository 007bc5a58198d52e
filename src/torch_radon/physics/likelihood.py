"""Negative log-likelihoods of counts and line integrals, as losses to minimise."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_not_negative
from torch_radon.physics.checks import working

REDUCTIONS = ("none", "mean", "sum")


def poisson_nll(mean: Tensor, counts: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""How unlikely counts are, if they are Poisson distributed.

    .. math:: L(\lambda; N) = \lambda - N + N \ln \frac{N}{\lambda}

    the negative log-likelihood less its smallest value, which is reached at :math:`\lambda = N`:
    half the deviance, never negative, with the same gradient :math:`1 - N / \lambda`. Compute the
    mean with `lines_to_counts` and add what is known of scatter and background.

    Parameters
    ----------
    mean : Tensor, any shape
        Expected photons :math:`\lambda`. Infinite loss where it is 0 but photons were counted;
        NaN where it is negative.
    counts : Tensor, shape of `mean` or one that broadcasts with it
        Measured photons :math:`N`; need not be whole. NaN where they are negative: electronic
        noise calls for `shifted_poisson_nll`.
    reduction : {"mean", "sum", "none"}, default "mean"
        What to do with the losses of all readings. The sum is the log-likelihood ratio.

    Returns
    -------
    Tensor
        A number, or one a reading for "none". Float64 if an argument is, otherwise float32.
        Differentiable twice in `mean`. Nothing waits for a GPU.

    Raises
    ------
    TypeError
        If an argument is not a tensor of real floating-point numbers.
    ValueError
        If `reduction` is unknown or shapes do not fit.

    References
    ----------
    J. A. Fessler, "Statistical image reconstruction methods for transmission tomography",
    Handbook of Medical Imaging, volume 2, SPIE Press, 2000.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import poisson_nll
    >>> poisson_nll(torch.tensor([90.0, 100.0]), torch.tensor([100.0, 100.0]), reduction="none")
    tensor([0.5361, 0.0000])
    """
    expected, seen = _pair("mean", mean, "counts", counts)
    return _reduce(_half_deviance(expected, seen), reduction)


def shifted_poisson_nll(
    mean: Tensor, counts: Tensor, *, electronic_noise: float, reduction: str = "mean"
) -> Tensor:
    r"""How unlikely counts with electronic noise are, by the shifted Poisson model.

    A Poisson number and a normal one of variance :math:`\sigma^2` have no likelihood in closed
    form, but their sum shifted by :math:`\sigma^2` has mean and variance
    :math:`\lambda + \sigma^2`, as a Poisson number has:

    .. math:: L_\sigma(\lambda; N) = L\bigl(\lambda + \sigma^2;\; \max(N + \sigma^2, 0)\bigr)

    with :math:`L` of `poisson_nll`.

    Parameters
    ----------
    mean : Tensor, any shape
        Expected photons :math:`\lambda`.
    counts : Tensor, shape of `mean` or one that broadcasts with it
        Measured photons :math:`N`, negative ones too.
    electronic_noise : float
        :math:`\sigma`, in photons.
    reduction : {"mean", "sum", "none"}, default "mean"
        As in `poisson_nll`.

    Returns
    -------
    Tensor
        As `poisson_nll` returns it.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If `electronic_noise` is negative, `reduction` unknown, or shapes do not fit.

    References
    ----------
    M. Yavuz and J. A. Fessler, "Statistical image reconstruction methods for
    randoms-precorrected PET scans", Medical Image Analysis 2(4), 1998.
    J.-B. Thibault et al., "A recursive filter for noise reduction in statistical iterative
    tomographic imaging", Proc. SPIE 6065, 2006.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import shifted_poisson_nll
    >>> mean, counts = torch.tensor([2.0, 90.0]), torch.tensor([-3.0, 100.0])
    >>> shifted_poisson_nll(mean, counts, electronic_noise=5.0, reduction="none")
    tensor([0.4945, 0.4227])
    """
    shift = as_not_negative("electronic_noise", electronic_noise) ** 2
    expected, seen = _pair("mean", mean, "counts", counts)
    return _reduce(_half_deviance(expected + shift, (seen + shift).clamp_min(0)), reduction)


def gaussian_nll(
    lines: Tensor, measured: Tensor, weights: Tensor, *, reduction: str = "mean"
) -> Tensor:
    r"""How unlikely line integrals are, if they are normally distributed around the true ones.

    .. math:: L(p) = \tfrac12\, w\, (p - \hat p)^2

    the negative log-likelihood less its smallest value: weighted least squares. To second order it
    is the Poisson likelihood, with the weights of `line_weights`.

    Parameters
    ----------
    lines : Tensor, any shape
        Line integrals :math:`p` of an estimate.
    measured : Tensor, shape of `lines` or one that broadcasts with it
        Measured line integrals :math:`\hat p`. Where the weight is 0 they do not matter, whatever
        finite value they have.
    weights : Tensor, likewise
        One over the variance of each, from `line_weights` or `Detector.weights`.
    reduction : {"mean", "sum", "none"}, default "mean"
        As in `poisson_nll`.

    Returns
    -------
    Tensor
        As `poisson_nll` returns it.

    Raises
    ------
    TypeError
        If an argument is not a tensor of real floating-point numbers.
    ValueError
        If `reduction` is unknown or shapes do not fit.

    References
    ----------
    K. Sauer and C. Bouman, "A local update strategy for iterative reconstruction from
    projections", IEEE Transactions on Signal Processing 41(2), 1993.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import gaussian_nll
    >>> lines, measured = torch.tensor([1.0, 2.0]), torch.tensor([1.1, 2.0])
    >>> gaussian_nll(lines, measured, torch.tensor([100.0, 50.0]), reduction="sum")
    tensor(0.5000)
    """
    estimate, data = _pair("lines", lines, "measured", measured)
    weight, estimate = _pair("weights", weights, "lines", estimate)
    return _reduce(weight * (estimate - data).square() / 2, reduction)


def _half_deviance(mean: Tensor, counts: Tensor) -> Tensor:
    """Return ``mean - counts + counts ln(counts / mean)`` without cancellation."""
    positive = counts > 0
    # 1 where nothing was counted, for both: what is not chosen below must have a derivative.
    safe = torch.where(positive, counts, 1.0)
    # For mean near counts both terms of the textbook form are as large as the counts.
    change = (torch.where(positive, mean, 1.0) - safe) / safe
    loss = torch.where(positive, safe * (change - torch.log1p(change)), mean)
    return torch.where((mean >= 0) & (counts >= 0), loss, torch.nan)


def _pair(first_name: str, first: Tensor, name: str, second: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the type to compute in; shapes must broadcast."""
    one, other = working(first_name, first), working(name, second)
    try:
        torch.broadcast_shapes(one.shape, other.shape)
    except RuntimeError:
        raise ValueError(
            f"{first_name} and {name} must have the same shape, got {tuple(one.shape)} and "
            f"{tuple(other.shape)}"
        ) from None
    if one.device != other.device:
        raise ValueError(
            f"{first_name} and {name} must be on one device, got {one.device} and {other.device}"
        )
    dtype = torch.promote_types(one.dtype, other.dtype)
    return one.to(dtype), other.to(dtype)


def _reduce(losses: Tensor, reduction: str) -> Tensor:
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {', '.join(REDUCTIONS)}, got {reduction!r}")
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses
