"""Noise on line integrals and emulated readings, with TorchRadon's names and meaning."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_finite, as_length
from torch_radon.physics.checks import check_fits, check_values, working
from torch_radon.physics.noise import gaussian_noise, poisson_noise


def add_noise(
    x: Tensor,
    signal: float | Tensor,
    density_normalization: float = 1.0,
    approximate: bool = False,
    *,
    generator: torch.Generator | None = None,
    check: bool = True,
) -> Tensor:
    r"""Noisy line integrals, as a scan with so many photons would have given them.

    .. math:: \tilde p = d\,\max\bigl(s - \ln \max(N, 1),\; 0\bigr), \qquad
              N \sim \mathrm{Poisson}\bigl(e^{s - p / d}\bigr)

    Parameters
    ----------
    x : Tensor, shape (..., views, columns)
        Line integrals :math:`p`. Any shape, strides and device; it is not changed.
    signal : float or Tensor
        :math:`s`, the natural logarithm of the incident photons: 9.2 for 1e4 photons. A tensor
        broadcasts against `x`.
    density_normalization : float, default 1.0
        :math:`d`: what one unit of attenuation is in `x`. Positive.
    approximate : bool, default False
        Normal numbers in place of Poisson numbers, through which gradients pass.
    generator : torch.Generator, optional
        As in `poisson_noise`.
    check : bool, default True
        As in `poisson_noise`.

    Returns
    -------
    Tensor, shape of `x`
        Type of `x`. Every reading has noise of its own. Clipping at 0 biases rays that pass the
        object by; `lines_to_counts`, `poisson_noise` and `counts_to_lines` do not clip there.

    Raises
    ------
    TypeError
        If `x` is not a tensor of real floating-point numbers.
    ValueError
        If a value is not finite, the mean number of photons exceeds 2**30, or an argument is out
        of range.

    Examples
    --------
    >>> import math
    >>> import torch
    >>> from torch_radon.physics import add_noise
    >>> noisy = add_noise(torch.full((64, 100), 2.0), 9.2,
    ...                   generator=torch.Generator().manual_seed(0))
    >>> abs(noisy.mean() - 2) < 0.001, abs(noisy.std() - math.exp((2 - 9.2) / 2)) < 0.001
    (tensor(True), tensor(True))
    """
    scale = as_length("density_normalization", density_normalization)
    mean = _mean(x, signal, scale, check)
    draw = gaussian_noise if approximate else poisson_noise
    photons = draw(mean, generator=generator, check=check)
    log_signal = signal.to(mean.dtype) if isinstance(signal, Tensor) else float(signal)
    lines = (log_signal - torch.log(photons.clamp_min(1.0))).clamp_min(0.0)
    return (scale * lines).to(x.dtype)


def emulate_readings(
    x: Tensor,
    signal: float | Tensor,
    density_normalization: float = 1.0,
    *,
    generator: torch.Generator | None = None,
    check: bool = True,
) -> Tensor:
    r"""Numbers of photons that an ideal detector counts.

    .. math:: N \sim \mathrm{Poisson}\bigl(e^{s - p / d}\bigr)

    Parameters
    ----------
    x, signal, density_normalization, generator, check
        As in `add_noise`.

    Returns
    -------
    Tensor, shape of `x`, int32

    Raises
    ------
    TypeError, ValueError
        As `add_noise` raises them.

    See Also
    --------
    ReadingsLookup : Detectors with electronic noise and few bits.
    Detector : Detectors with everything.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import emulate_readings
    >>> emulate_readings(torch.zeros(3, 5, 90, 64), 5.0).dtype
    torch.int32
    """
    scale = as_length("density_normalization", density_normalization)
    mean = _mean(x, signal, scale, check)
    return poisson_noise(mean, generator=generator, check=check).to(torch.int32)


def _mean(x: Tensor, signal: float | Tensor, scale: float, check: bool) -> Tensor:
    """Expected photons; signal and line integral are subtracted before the exponential."""
    lines = working("x", x)
    if isinstance(signal, Tensor):
        check_fits("signal", signal, lines)
        if check:
            check_values("signal", signal.to(torch.float64))
        log_signal: float | Tensor = signal.to(lines.dtype)
    else:
        log_signal = as_finite("signal", signal)
    if check:
        check_values("x", lines)
    return torch.exp(log_signal - lines / scale)
