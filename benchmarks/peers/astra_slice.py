"""ASTRA's reconstruction algorithms on one slice, from NumPy arrays to NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

import torch_radon as tr


class AstraSlice:
    """A parallel beam in ASTRA; pixels and columns measure 1, the middle of the volume is 0.

    Parameters
    ----------
    volume : Volume
    scan : Scan
    model : str
        ASTRA's name of a projector: ``"linear"``, ``"line"`` and ``"strip"`` compute on the CPU,
        ``"cuda"`` on a GPU.
    """

    def __init__(self, volume: tr.Volume, scan: tr.Scan, model: str) -> None:
        import astra

        self._volume = astra.create_vol_geom(*volume.shape)
        self._detector = astra.create_proj_geom("parallel", 1.0, scan.columns, scan.angles)
        self._projector = astra.create_projector(model, self._detector, self._volume)
        self._suffix = "_CUDA" if model == "cuda" else ""

    def project(self, image: Tensor) -> Tensor:
        """Project an image ``(H, W)``."""
        import astra

        # ASTRA's y axis points against the row index.
        turned = np.ascontiguousarray(image.cpu().float().flip(0).numpy())
        number, sinogram = astra.create_sino(turned, self._projector)
        astra.data2d.delete(number)
        return torch.from_numpy(np.array(sinogram))

    def reconstruct(
        self, algorithm: str, sinogram: Tensor, iterations: int = 1, **options: Any
    ) -> Tensor:
        """Reconstruct an image ``(H, W)``, with all that it takes from array to array.

        Parameters
        ----------
        algorithm : str
            ASTRA's name without ``_CUDA``: ``"FBP"``, ``"SIRT"``, ``"CGLS"``.
        sinogram : Tensor
            On the host.
        iterations : int, default 1
        **options
            ASTRA's options of the algorithm, ``FilterType`` for instance.

        Returns
        -------
        Tensor
        """
        import astra

        data = astra.data2d.create("-sino", self._detector, sinogram.numpy())
        image = astra.data2d.create("-vol", self._volume)
        settings = astra.astra_dict(algorithm + self._suffix)
        settings["ProjectorId"] = self._projector
        settings["ProjectionDataId"] = data
        settings["ReconstructionDataId"] = image
        settings["option"] = options
        number = astra.algorithm.create(settings)
        try:
            astra.algorithm.run(number, iterations)
            return torch.from_numpy(np.array(astra.data2d.get(image))).flip(0)
        finally:
            astra.algorithm.delete(number)
            astra.data2d.delete([data, image])
