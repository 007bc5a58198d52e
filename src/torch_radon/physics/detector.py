"""A detector, from the photons that reach it on average to the numbers that it writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_finite, as_length, as_not_negative
from torch_radon.physics.checks import as_swank, check_means, normal, working
from torch_radon.physics.noise import compound_noise, gaussian_noise
from torch_radon.physics.response import (
    afterglow,
    as_lags,
    as_shares,
    cross_talk,
    spread_variance,
)
from torch_radon.physics.variances import line_weights

NOISES = ("poisson", "gaussian", "none")


@dataclass(frozen=True)
class Detector:
    r"""A detector that turns photons into grey levels.

    In the order in which it happens: photons arrive at random (`noise`) with random energies
    (`swank`); their light spreads to neighbouring pixels (`cross_talk`) and into later views
    (`afterglow`), which makes the noise of neighbours alike; the read-out multiplies with the
    `gain`, adds the `dark` level and `electronic_noise`; and the converter rounds to multiples of
    `step` and clips to what it can write, 0 to `saturation`.

    It holds numbers only, so that one detector serves tensors on every device.

    Parameters
    ----------
    gain : float, default 1.0
        Grey levels a photon, positive.
    electronic_noise : float, default 0.0
        Standard deviation of the read-out, in grey levels.
    dark : float, default 0.0
        Mean reading without a beam, in grey levels.
    swank : float, default 1.0
        See `compound_noise`.
    cross_talk : float or sequence of float, default 0.0
        Shares that neighbours get, see the function `cross_talk`.
    afterglow : sequence of (float, float), default ()
        Late parts and their time constants in views, see the function `afterglow`.
    step : float, default 0.0
        Grey levels from one number to the next; 1 writes whole numbers, 0 does not round, and
        then readings can be negative.
    saturation : float, default inf
        The largest reading, in grey levels: ``2**16 - 1`` for 16 bits with a step of 1.
    noise : {"poisson", "gaussian", "none"}, default "poisson"
        How photons and read-out are random: exactly; as normal numbers through which gradients
        pass; or not at all.
    axes : {1, 2}, default 1
        1 for sinograms ``(..., views, columns)``, 2 for projections ``(..., views, rows,
        columns)``.

    Raises
    ------
    TypeError
        If an argument is no number.
    ValueError
        If one is out of range.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import Detector, lines_to_counts
    >>> detector = Detector(gain=0.5, dark=100.0, electronic_noise=3.0, step=1.0, saturation=4095.0)
    >>> mean = lines_to_counts(torch.zeros(90, 128), photons=1e4)
    >>> readings = detector.read(mean, generator=torch.Generator().manual_seed(0))
    >>> readings.max()
    tensor(4095.)
    """

    gain: float = 1.0
    electronic_noise: float = 0.0
    dark: float = 0.0
    swank: float = 1.0
    cross_talk: float | Sequence[float] = 0.0
    afterglow: Sequence[tuple[float, float]] = ()
    step: float = 0.0
    saturation: float = math.inf
    noise: str = "poisson"
    axes: int = 1

    def __post_init__(self) -> None:
        """Check all of it, and make sequences tuples so that the detector can be hashed."""
        as_length("gain", self.gain)
        as_not_negative("electronic_noise", self.electronic_noise)
        as_finite("dark", self.dark)
        as_swank(self.swank)
        as_not_negative("step", self.step)
        object.__setattr__(self, "cross_talk", as_shares(self.cross_talk))
        object.__setattr__(self, "afterglow", as_lags(self.afterglow))
        if not self.saturation > self.dark:
            raise ValueError(
                f"saturation must be above the dark level of {self.dark:g}, got {self.saturation}"
            )
        if self.noise not in NOISES:
            raise ValueError(f"noise must be one of {', '.join(NOISES)}, got {self.noise!r}")
        if self.axes not in (1, 2):
            raise ValueError(f"axes must be 1 (columns) or 2 (rows, columns), got {self.axes!r}")

    def read(
        self,
        mean: Tensor,
        *,
        before: Tensor | float | None = None,
        generator: torch.Generator | None = None,
        check: bool = True,
    ) -> Tensor:
        """Readings of a scan.

        Parameters
        ----------
        mean : Tensor, shape (..., views, columns) or (..., views, rows, columns)
            Expected photons, as `lines_to_counts` gives them. Any leading dimensions, strides
            and device.
        before : Tensor or float, optional
            Expected photons before the first view, for the afterglow; by default none.
        generator : torch.Generator, optional
            On the device of `mean`. The same seed gives the same bits on the same device.
        check : bool, default True
            As in `poisson_noise`.

        Returns
        -------
        Tensor, shape of `mean`
            Grey levels, float64 for float64, otherwise float32. With ``noise="gaussian"`` or
            ``"none"`` differentiable: rounding passes gradients on as they are, clipping stops
            them.

        Raises
        ------
        TypeError
            If `mean` is not a tensor of real floating-point numbers.
        ValueError
            If a mean is negative, not finite or above 2**30, its shape does not fit the detector,
            or the generator is on another device.
        """
        self._check_shape(mean)
        signal = self._photons(mean, generator, check)
        if self.cross_talk:
            signal = cross_talk(signal, self.cross_talk, axes=self.axes)
            if isinstance(before, Tensor) and before.ndim >= self.axes:
                before = cross_talk(before, self.cross_talk, axes=self.axes)
        if self.afterglow:
            signal = afterglow(signal, self.afterglow, axis=-1 - self.axes, before=before)
        levels = self.gain * signal + self.dark
        if self.electronic_noise and self.noise != "none":
            levels = levels + self.electronic_noise * normal(levels, generator)
        return self._convert(levels)

    def photons(self, readings: Tensor) -> Tensor:
        """Photons that readings stand for: without the dark level and the gain.

        Parameters
        ----------
        readings : Tensor, any shape
            Grey levels.

        Returns
        -------
        Tensor
            For `counts_to_lines` and `weights`; negative where the reading is below the dark
            level.
        """
        return (working("readings", readings) - self.dark) / self.gain

    def variance(self, mean: Tensor, *, check: bool = True) -> Tensor:
        r"""Variance of the readings of a scan.

        .. math:: \mathrm{var} = g^2\, H^{(2)} (\lambda / A) + \sigma^2 + \mathrm{step}^2 / 12

        where :math:`H^{(2)}` is the response of cross-talk and afterglow, squared entry by entry.
        Clipping is left out, and rounding counts as independent noise.

        Parameters
        ----------
        mean : Tensor, shape (..., views, columns) or (..., views, rows, columns)
            Expected photons :math:`\lambda`.
        check : bool, default True
            As in `poisson_noise`.

        Returns
        -------
        Tensor, shape of `mean`
            In grey levels squared.

        Raises
        ------
        TypeError, ValueError
            As `read` does.
        """
        self._check_shape(mean)
        values = working("mean", mean)
        if check:
            check_means(values)
        rounding = self.step**2 / 12
        if self.noise == "none":
            return torch.full_like(values, rounding)
        light = spread_variance(
            values / self.swank,
            as_shares(self.cross_talk),
            self.afterglow,
            self.axes,
            -1 - self.axes,
        )
        return self.gain**2 * light + (self.electronic_noise**2 + rounding)

    def weights(self, readings: Tensor, *, check: bool = True) -> Tensor:
        """Weights of the line integrals that follow from readings, see `line_weights`.

        Parameters
        ----------
        readings : Tensor, any shape
            Grey levels. Saturated ones get the weight 0, for they say only that the line
            integral is small.
        check : bool, default True
            As in `line_weights`.

        Returns
        -------
        Tensor, shape of `readings`
            Pixel by pixel: cross-talk and afterglow are left out.

        Raises
        ------
        TypeError
            If `readings` is not a tensor of real floating-point numbers.
        ValueError
            If a reading is not finite.
        """
        spread = math.sqrt(self.electronic_noise**2 + self.step**2 / 12) / self.gain
        photons = self.photons(readings)
        found = line_weights(photons, swank=self.swank, electronic_noise=spread, check=check)
        # The highest number that the converter can write may be below the saturation.
        return torch.where(readings >= self._highest(), 0.0, found)

    def _check_shape(self, mean: Tensor) -> None:
        if isinstance(mean, Tensor) and mean.ndim <= self.axes:
            wanted = "(..., views, columns)" if self.axes == 1 else "(..., views, rows, columns)"
            raise ValueError(f"mean must have shape {wanted}, got {tuple(mean.shape)}")

    def _photons(self, mean: Tensor, generator: torch.Generator | None, check: bool) -> Tensor:
        """Light in units of a photon's."""
        if self.noise == "poisson":
            return compound_noise(mean, swank=self.swank, generator=generator, check=check)
        if self.noise == "gaussian":
            return gaussian_noise(mean, swank=self.swank, generator=generator, check=check)
        values = working("mean", mean)
        if check:
            check_means(values)
        return values

    def _highest(self) -> float:
        """The largest number that can be read."""
        if not self.step or math.isinf(self.saturation):
            return self.saturation
        return math.floor(self.saturation / self.step) * self.step

    def _convert(self, levels: Tensor) -> Tensor:
        if not self.step:
            return levels.clamp_max(self.saturation)
        rounded = self.step * torch.round(levels.detach() / self.step)
        # Straight through: the derivative of rounding is 0 almost everywhere and of no use.
        whole = rounded + (levels - levels.detach()) if levels.requires_grad else rounded
        return whole.clamp(0.0, self._highest())
