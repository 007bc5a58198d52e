"""The random numbers of a projector, in TorchRadon's names."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from torch_radon.physics import ReadingsLookup, add_noise, emulate_readings


class Noisy:
    """The methods that draw noise, from generators of the object's own, one a device.

    The seed is at first that of `torch.manual_seed`.
    """

    def __init__(self) -> None:
        self.set_seed()

    def set_seed(self, seed: int = -1) -> None:
        """Start the random numbers anew.

        Parameters
        ----------
        seed : int, default -1
            A negative one stands for the seed of PyTorch's default generator.
        """
        self._seed = int(seed) if seed >= 0 else torch.initial_seed()
        self._generators: dict[torch.device, torch.Generator] = {}

    def noise_generator(self, device: torch.device | str) -> torch.Generator:
        """Return the generator that noise on a device is drawn from.

        Parameters
        ----------
        device : torch.device or str

        Returns
        -------
        torch.Generator
        """
        place = torch.device(device)
        if place not in self._generators:
            self._generators[place] = torch.Generator(place).manual_seed(self._seed)
        return self._generators[place]

    def add_noise(
        self,
        x: Tensor,
        signal: float | Tensor,
        density_normalization: float = 1.0,
        approximate: bool = False,
    ) -> Tensor:
        """Noisy line integrals: `physics.add_noise` with the random numbers of this object.

        Parameters
        ----------
        x : Tensor, shape (..., views, columns)
            Line integrals; they are not changed.
        signal : float or Tensor
            Natural logarithm of the incident photons.
        density_normalization : float, default 1.0
            What one unit of attenuation is in `x`.
        approximate : bool, default False
            Normal numbers in place of Poisson numbers.

        Returns
        -------
        Tensor, shape of `x`
        """
        return add_noise(
            x, signal, density_normalization, approximate, generator=self._generator_of(x)
        )

    def emulate_readings(
        self, x: Tensor, signal: float | Tensor, density_normalization: float = 1.0
    ) -> Tensor:
        """Photon counts: `physics.emulate_readings` with the random numbers of this object.

        Parameters
        ----------
        x, signal, density_normalization
            As in `add_noise`.

        Returns
        -------
        Tensor, shape of `x`, int32
        """
        return emulate_readings(x, signal, density_normalization, generator=self._generator_of(x))

    def emulate_readings_new(
        self, x: Tensor, signal: float, normal_std: float, k: int, bins: int
    ) -> Tensor:
        """Readings of a detector with electronic noise: a level of `ReadingsLookup`.

        Parameters
        ----------
        x : Tensor, shape (..., views, columns)
            Line integrals.
        signal : float
            Natural logarithm of the incident photons.
        normal_std : float
            Electronic noise in photons.
        k : int
            Photons from one reading to the next.
        bins : int
            Numbers that the detector can write.

        Returns
        -------
        Tensor, shape of `x`, int32
        """
        unused = [torch.zeros(bins).numpy()]
        level = ReadingsLookup(self, bins, unused, unused, [k], [signal], [normal_std])
        return level.emulate_readings(x, 0)

    def readings_lookup(self, sensor_readings: Tensor, lookup_table: Tensor) -> Tensor:
        """Replace readings by entries of a table, such as those of `compute_lookup_table`.

        Parameters
        ----------
        sensor_readings : Tensor
            Integers of any shape; those beyond the table count as its ends.
        lookup_table : Tensor, shape (bins,)

        Returns
        -------
        Tensor, shape of `sensor_readings`
            Type of `lookup_table`.
        """
        return lookup_table.take(sensor_readings.long().clamp(0, len(lookup_table) - 1))

    def _generator_of(self, x: Tensor) -> torch.Generator | None:
        # What is no tensor is refused by the function that it goes to.
        return self.noise_generator(x.device) if isinstance(x, Tensor) else None

    def __getstate__(self) -> dict[str, Any]:
        # A generator belongs to a device: a copy starts from the seed.
        return {**self.__dict__, "_generators": {}}
