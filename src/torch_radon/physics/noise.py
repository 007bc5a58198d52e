"""Random numbers of photons: exact, with energies and electronics, and as normal numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_not_negative
from torch_radon.physics.checks import (
    LARGEST_MEAN,
    as_swank,
    check_generator,
    check_means,
    normal,
    working,
)


def poisson_noise(
    mean: Tensor, *, generator: torch.Generator | None = None, check: bool = True
) -> Tensor:
    r"""Counts of photons.

    .. math:: N \sim \mathrm{Poisson}(\lambda)

    Parameters
    ----------
    mean : Tensor, any shape
        Expected photons :math:`\lambda`, as `lines_to_counts` gives them; 0 gives 0.
    generator : torch.Generator, optional
        On the device of `mean`. The same seed gives the same bits on the same device, whatever
        the strides; by default torch's own generator is used.
    check : bool, default True
        Whether to look at the values: a reduction and, on a GPU, a wait for it. Without it what
        is no mean gives NaN; CUDA graphs need that.

    Returns
    -------
    Tensor, shape of `mean`
        Whole numbers in float64 for float64, otherwise float32. Not differentiable: the result is
        detached; `gaussian_noise` is.

    Raises
    ------
    TypeError
        If `mean` is not a tensor of real floating-point numbers.
    ValueError
        If a mean is negative, not finite or above 2**30, or the generator is on another device.

    Notes
    -----
    torch samples on the device. Its CUDA sampler rounds a normal number for means above 4000; the
    distribution functions then differ by about :math:`0.07 / \sqrt\lambda`.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import poisson_noise
    >>> mean = torch.full((3, 90, 128), 50.0)
    >>> counts = poisson_noise(mean, generator=torch.Generator().manual_seed(0))
    >>> abs(counts.mean() - 50) < 0.2, abs(counts.var() - 50) < 2
    (tensor(True), tensor(True))
    """
    rate = working("mean", mean).detach().contiguous()
    check_generator(generator, rate.device)
    if check:
        check_means(rate)
        return torch.poisson(rate, generator=generator)
    # torch's samplers must not see what is no mean: the one on a GPU would end its context.
    usable = (rate >= 0) & (rate <= LARGEST_MEAN)
    counts = torch.poisson(torch.where(usable, rate, 0.0), generator=generator)
    return torch.where(usable, counts, torch.nan)


def compound_noise(
    mean: Tensor,
    *,
    swank: float = 1.0,
    electronic_noise: float = 0.0,
    generator: torch.Generator | None = None,
    check: bool = True,
) -> Tensor:
    r"""Signal of a detector that adds up energies, with the noise of its electronics.

    .. math:: S = \sum_{i=1}^{N} E_i + \varepsilon, \qquad
              N \sim \mathrm{Poisson}(\lambda), \quad
              \varepsilon \sim \mathcal{N}(0, \sigma^2)

    in units of the mean contribution of a photon: the :math:`E_i` have mean 1 and are gamma
    distributed with variance :math:`1 / A - 1`, so that Swank's factor
    :math:`A = \langle E \rangle^2 / \langle E^2 \rangle` describes the spectrum and the
    scintillator. The mean is :math:`\lambda` and the variance :math:`\lambda / A + \sigma^2`,
    exactly.

    Parameters
    ----------
    mean : Tensor, any shape
        Expected photons :math:`\lambda`.
    swank : float, default 1.0
        :math:`A`, above 0 and at most 1; 1 is a detector that counts photons, or photons of one
        energy. Tubes with energy-integrating detectors have about 0.8 to 0.95.
    electronic_noise : float, default 0.0
        :math:`\sigma`, in photons.
    generator : torch.Generator, optional
        As in `poisson_noise`.
    check : bool, default True
        As in `poisson_noise`.

    Returns
    -------
    Tensor, shape of `mean`
        Float64 for float64, otherwise float32; negative where electronics outweigh photons.
        Detached, as that of `poisson_noise` is.

    Raises
    ------
    TypeError
        If `mean` is not a tensor of real floating-point numbers.
    ValueError
        If a mean, `swank` or `electronic_noise` is out of range, or the generator is on another
        device.

    References
    ----------
    B. R. Whiting et al., "Properties of preprocessed sinogram data in x-ray computed tomography",
    Medical Physics 33(9), 2006.
    R. K. Swank, "Absorption and noise in x-ray phosphors", Journal of Applied Physics 44, 1973.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import compound_noise
    >>> g = torch.Generator().manual_seed(0)
    >>> signal = compound_noise(
    ...     torch.full((100, 200), 50.0), swank=0.8, electronic_noise=5.0, generator=g)
    >>> abs(signal.mean() - 50) < 0.2, abs(signal.var() / (50 / 0.8 + 25) - 1) < 0.05
    (tensor(True), tensor(True))
    """
    factor, deviation = as_swank(swank), as_not_negative("electronic_noise", electronic_noise)
    signal = poisson_noise(mean, generator=generator, check=check)
    if factor < 1:
        # The sum of n gamma numbers of shape a is one of shape n a. Under this name torch's sampler
        # takes a generator; for a shape of 0 it gives a tiny positive number.
        shape = factor / (1 - factor)
        energy = torch._standard_gamma(signal * shape, generator=generator) / shape
        signal = torch.where(signal == 0, signal, energy)
    if deviation:
        signal = signal + deviation * normal(signal, generator)
    return signal


def gaussian_noise(
    mean: Tensor,
    *,
    swank: float = 1.0,
    electronic_noise: float = 0.0,
    generator: torch.Generator | None = None,
    check: bool = True,
) -> Tensor:
    r"""Signal as normal numbers of the right mean and variance, differentiable.

    .. math:: S = \lambda + \sqrt{\lambda / A + \sigma^2}\;z, \qquad z \sim \mathcal{N}(0, 1)

    The random number does not depend on the mean (it is reparameterised), so gradients pass from
    the signal to the mean. Good for more than some 20 photons; below, the true distribution is
    skew and never negative.

    Parameters
    ----------
    mean : Tensor, any shape
        Expected photons :math:`\lambda`.
    swank : float, default 1.0
        :math:`A`, as in `compound_noise`.
    electronic_noise : float, default 0.0
        :math:`\sigma`, in photons.
    generator : torch.Generator, optional
        As in `poisson_noise`.
    check : bool, default True
        As in `poisson_noise`; without it negative variances give NaN.

    Returns
    -------
    Tensor, shape of `mean`
        Float64 for float64, otherwise float32. Differentiable; where mean and electronic noise
        are both 0 the derivative of the noise is taken to be 0.

    Raises
    ------
    TypeError
        If `mean` is not a tensor of real floating-point numbers.
    ValueError
        If a mean, `swank` or `electronic_noise` is out of range, or the generator is on another
        device.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import gaussian_noise
    >>> mean = torch.full((2, 3), 100.0, requires_grad=True)
    >>> gaussian_noise(mean, generator=torch.Generator().manual_seed(0)).sum().backward()
    >>> mean.grad.shape
    torch.Size([2, 3])
    """
    factor, deviation = as_swank(swank), as_not_negative("electronic_noise", electronic_noise)
    values = working("mean", mean)
    if check:
        check_means(values)
    variance = values / factor + deviation**2
    nothing = variance == 0
    # The root of 0 has no derivative; keep it out of the graph.
    spread = torch.where(nothing, 0.0, torch.where(nothing, 1.0, variance).sqrt())
    return values + spread * normal(values, generator)
