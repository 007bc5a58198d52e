"""Dose levels of an emulated detector, as training data for networks need them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol, SupportsIndex, runtime_checkable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from torch_radon.geometry.validation import as_count
from torch_radon.physics.checks import check_values, normal, working
from torch_radon.physics.lookup_table import compute_lookup_table
from torch_radon.physics.noise import poisson_noise

_FIELDS = ("mu", "sigma", "ks", "signals", "normal_stds")


@runtime_checkable
class NoiseSource(Protocol):
    """Something that random numbers come from, as a projector with a seed of its own."""

    def noise_generator(self, device: torch.device) -> torch.Generator:
        """Return the generator for a device."""
        ...


class ReadingsLookup:
    r"""Detector emulation at several dose levels, and the line integrals behind readings.

    Each level is a signal (logarithm of the photons), an electronic noise and the table of
    `compute_lookup_table`. `emulate_readings` draws readings, `lookup` tells what is known of the
    line integral behind them; a network gets both as input.

    Parameters
    ----------
    radon : object, optional
        Where random numbers come from if no generator is given: something with a method
        ``noise_generator(device)``. By default torch's own generators.
    bins : int, default 4096
        Numbers that the detector can write.
    mu, sigma : sequence of array_like, optional
        The tables of levels that are there already, each of `bins` numbers.
    ks, signals, normal_stds : sequence of float, optional
        Their photons a bin, signals and electronic noise.

    Raises
    ------
    TypeError
        If `radon` makes no random numbers.
    ValueError
        If the sequences do not belong together.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import ReadingsLookup
    >>> lines = 2 * torch.rand(8, 60, 64, generator=torch.Generator().manual_seed(0))
    >>> lookup = ReadingsLookup(bins=256)
    >>> for signal in (7.0, 9.0):
    ...     lookup.add_lookup_table(lines, signal, normal_std=5.0)
    >>> level = lookup.random_levels(8, "cpu")
    >>> readings = lookup.emulate_readings(lines, level)
    >>> mu, sigma = lookup.lookup(readings, level)
    >>> readings.dtype, mu.shape, sigma.shape
    (torch.int32, torch.Size([8, 60, 64]), torch.Size([8, 60, 64]))
    """

    def __init__(
        self,
        radon: object = None,
        bins: int = 4096,
        mu: Sequence[ArrayLike] | None = None,
        sigma: Sequence[ArrayLike] | None = None,
        ks: Sequence[float] | None = None,
        signals: Sequence[float] | None = None,
        normal_stds: Sequence[float] | None = None,
    ) -> None:
        if radon is not None and not isinstance(radon, NoiseSource):
            raise TypeError(
                f"radon must have a method noise_generator(device), got {type(radon).__name__}"
            )
        self.radon = radon
        self.bins = as_count("bins", bins)
        self.mu = [np.asarray(table) for table in mu or ()]
        self.sigma = [np.asarray(table) for table in sigma or ()]
        self.ks = [int(k) for k in ks or ()]
        self.signals = [float(signal) for signal in signals or ()]
        self.normal_stds = [float(std) for std in normal_stds or ()]
        if len({len(getattr(self, name)) for name in _FIELDS}) > 1:
            lengths = ", ".join(f"{len(getattr(self, name))} {name}" for name in _FIELDS)
            raise ValueError(f"every level needs one of each, got {lengths}")
        for table in (*self.mu, *self.sigma):
            if table.shape != (self.bins,):
                raise ValueError(
                    f"the tables in mu and sigma must have shape ({self.bins},), got {table.shape}"
                )
        self._packed: dict[torch.device, dict[str, Tensor]] = {}

    def __len__(self) -> int:
        return len(self.mu)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], radon: object = None) -> ReadingsLookup:
        """Read what `save` wrote.

        Parameters
        ----------
        path : path-like
            An ``.npz`` file.
        radon : object, optional
            As for the class.

        Returns
        -------
        ReadingsLookup

        Raises
        ------
        ValueError
            If the file is not one of `save`.
        """
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in (*_FIELDS, "bins") if name not in file]
            if missing:
                raise ValueError(f"{os.fspath(path)}: no lookup tables, {missing} not in the file")
            return cls(radon, int(file["bins"]), *(list(file[name]) for name in _FIELDS))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all levels to an ``.npz`` file.

        Parameters
        ----------
        path : path-like
            NumPy adds ``.npz`` if it has no such ending.
        """
        tables = np.zeros((0, self.bins), np.float32)
        np.savez(
            path,
            mu=np.stack(self.mu) if self.mu else tables,
            sigma=np.stack(self.sigma) if self.sigma else tables,
            ks=np.array(self.ks, np.int32),
            signals=np.array(self.signals, np.float64),
            normal_stds=np.array(self.normal_stds, np.float64),
            bins=self.bins,
        )

    def add_lookup_table(
        self,
        sinogram: Tensor,
        signal: float,
        normal_std: float,
        eps: float = 0.01,
        eps_prob: float = 0.99,
        eps_k: float = 0.01,
        verbose: bool = False,
    ) -> None:
        """Add a dose level; see `compute_lookup_table` for the arguments and what they raise.

        Parameters
        ----------
        sinogram : Tensor
            Typical line integrals.
        signal : float
            Logarithm of the incident photons.
        normal_std : float
            Electronic noise in photons.
        eps, eps_prob, eps_k : float
            How the number of photons a bin is chosen.
        verbose : bool, default False
            Whether to log it.
        """
        table = compute_lookup_table(
            sinogram, signal, normal_std, self.bins, eps, eps_prob, eps_k, verbose
        )
        self.mu.append(table.mean.cpu().numpy())
        self.sigma.append(table.std.cpu().numpy())
        self.ks.append(table.photons_per_bin)
        self.signals.append(float(signal))
        self.normal_stds.append(float(normal_std))
        self._packed.clear()

    def emulate_readings(
        self,
        sinogram: Tensor,
        level: SupportsIndex | Tensor,
        *,
        generator: torch.Generator | None = None,
        check: bool = True,
    ) -> Tensor:
        """Readings of the detector that `compute_lookup_table` describes.

        Parameters
        ----------
        sinogram : Tensor, shape (..., views, columns)
            Line integrals.
        level : int or Tensor
            One level for all, or integers of shape ``(...)`` or as many in one dimension: one for
            each sinogram.
        generator : torch.Generator, optional
            On the device of `sinogram`; by default that of `radon`.
        check : bool, default True
            As in `poisson_noise`; also whether the levels exist.

        Returns
        -------
        Tensor, shape of `sinogram`, int32
            From 0 to ``bins - 1``.

        Raises
        ------
        TypeError
            If `sinogram` or `level` is of the wrong type.
        ValueError
            If a value is not finite, shapes do not fit or the generator is on another device.
        IndexError
            If there is no such level.
        """
        lines = working("sinogram", sinogram).detach()
        pick = self._pick(level, lines, check)
        packed = self._on(lines.device)
        signals, stds, ks = (packed[name][pick] for name in ("signals", "normal_stds", "ks"))
        if generator is None and isinstance(self.radon, NoiseSource):
            generator = self.radon.noise_generator(lines.device)
        if check:
            check_values("sinogram", lines)
        mean = torch.exp(signals.to(lines.dtype) - lines)
        photons = poisson_noise(mean, generator=generator, check=check)
        electrons = (stds.to(lines.dtype) * normal(lines, generator)).round()
        # In float64, as `ks` are: float32 would round some quotients up to the next reading.
        readings = ((photons + electrons).clamp_min(0) / ks).floor()
        # Where `check` is off and something was no number.
        return readings.nan_to_num(0.0).clamp_max(self.bins - 1).to(torch.int32)

    def lookup(
        self, readings: Tensor, level: SupportsIndex | Tensor, *, check: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the line integrals behind readings.

        Parameters
        ----------
        readings : Tensor, shape (..., views, columns)
            Integers; those beyond the table count as its ends.
        level : int or Tensor
            As in `emulate_readings`.
        check : bool, default True
            Whether to look if the levels exist.

        Returns
        -------
        mu, sigma : Tensor, shape of `readings`
            float32.

        Raises
        ------
        TypeError
            If `readings` are no integers or `level` is of the wrong type.
        ValueError
            If shapes do not fit.
        IndexError
            If there is no such level.
        """
        if not isinstance(readings, Tensor) or readings.is_floating_point():
            kind = readings.dtype if isinstance(readings, Tensor) else type(readings).__name__
            raise TypeError(f"readings must be a tensor of integers, got {kind}")
        pick = self._pick(level, readings, check)
        packed = self._on(readings.device)
        place = pick * self.bins + readings.long().clamp(0, self.bins - 1)
        return packed["mu"].take(place), packed["sigma"].take(place)

    def random_levels(
        self,
        size: int,
        device: torch.device | str = "cpu",
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw levels, each as likely.

        Parameters
        ----------
        size : int
            How many.
        device : torch.device or str, default "cpu"
            Where.
        generator : torch.Generator, optional
            On that device.

        Returns
        -------
        Tensor, shape (size,), int32

        Raises
        ------
        ValueError
            If there is no level yet.
        """
        if not len(self):
            raise ValueError("there is no level to draw from: add_lookup_table adds one")
        return torch.randint(
            0, len(self), (size,), device=device, dtype=torch.int32, generator=generator
        )

    def _on(self, device: torch.device) -> dict[str, Tensor]:
        """All levels on a device, in float64 but for the tables."""
        if device not in self._packed:
            packed = {
                name: torch.as_tensor(np.array(getattr(self, name), np.float64), device=device)
                for name in ("ks", "signals", "normal_stds")
            }
            for name in ("mu", "sigma"):
                table = np.array(getattr(self, name), np.float32)
                packed[name] = torch.as_tensor(table, device=device)
            self._packed[device] = packed
        return self._packed[device]

    def _pick(self, level: SupportsIndex | Tensor, data: Tensor, check: bool) -> Tensor:
        """Level of every reading, as indices that broadcast against `data`."""
        if data.ndim < 2:
            raise ValueError(
                f"sinograms must have shape (..., views, columns), got {tuple(data.shape)}"
            )
        if not isinstance(level, Tensor):
            if isinstance(level, bool) or not hasattr(level, "__index__"):
                raise TypeError(f"level must be an integer or a tensor of them, got {level!r}")
            number = level.__index__()
            if not -len(self) <= number < len(self):
                raise IndexError(f"level must be one of the {len(self)} there are, got {number}")
            return torch.full((1, 1), number % len(self), device=data.device)
        if level.is_floating_point() or level.is_complex() or level.dtype == torch.bool:
            raise TypeError(f"level must be of integers, got {level.dtype}")
        if level.device != data.device:
            raise ValueError(f"level must be on {data.device} like the data, got {level.device}")
        batch = data.shape[:-2]
        if level.shape != batch and level.shape != (batch.numel(),):
            raise ValueError(
                f"level must have shape {tuple(batch)}, one for each sinogram, got "
                f"{tuple(level.shape)}"
            )
        if check and level.numel():
            try:
                check_values("level", level.double(), 0, len(self) - 1)
            except ValueError as error:
                raise IndexError(str(error)) from None
        return level.long().clamp(0, len(self) - 1).reshape(*batch, 1, 1)
