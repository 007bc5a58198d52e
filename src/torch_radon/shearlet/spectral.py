"""The transform by PyTorch's own FFT, for every device, size and type.

Both directions run over some images and filters at a time, so that little is needed beside the
coefficients. There are two ways: `filterwise`, which saves arithmetic, and `groupwise`, which saves
launches and is for accelerators.
"""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor

from torch_radon.backends.shearlets import Tables, float_values, runs_of
from torch_radon.shearlet import filterwise, groupwise


def analyse(
    images: Tensor, tables: Tables, shape: tuple[int, int], real: bool, out_dtype: torch.dtype
) -> Tensor:
    """Coefficients of images.

    Parameters
    ----------
    images : Tensor, shape (N, height, width)
    tables : Tables
        On the same device.
    shape : tuple of int
        ``(height, width)``.
    real : bool
        Whether spectra are even and halved, and coefficients real.
    out_dtype : torch.dtype

    Returns
    -------
    Tensor, shape (N, F, height, width) or (N, F, height, width, 2)
    """
    values, runs = float_values(tables.values), runs_of(tables.runs)
    pair = () if real else (2,)
    result = images.new_empty((len(images), len(runs), *shape, *pair), dtype=out_dtype)
    way = _way(images)
    step = way.images_at_once(shape)
    for first in range(0, len(images), step):
        batch = images[first : first + step].to(values.dtype)
        spectrum = torch.fft.rfft2(batch) if real else torch.fft.fft2(batch)
        way.analyse(spectrum, tables, values, runs, result[first : first + step])
    return result


def synthesise(
    coefficients: Tensor, tables: Tables, shape: tuple[int, int], real: bool, out_dtype: torch.dtype
) -> Tensor:
    """The transpose of `analyse`; arguments and result exchange their shapes."""
    values, runs = float_values(tables.values), runs_of(tables.runs)
    result = coefficients.new_empty((len(coefficients), *shape), dtype=out_dtype)
    height, width = shape
    columns = width // 2 + 1 if real else width
    way = _way(coefficients)
    step = way.images_at_once(shape)
    for first in range(0, len(result), step):
        batch = coefficients[first : first + step]
        spectrum = torch.zeros(
            (len(batch), height, columns), dtype=values.dtype.to_complex(), device=batch.device
        )
        way.synthesise(batch, tables, values, runs, spectrum)
        if real:
            result[first : first + step] = torch.fft.irfft2(spectrum, s=shape)
        else:
            # The transpose on real images: the real part of the complex adjoint.
            result[first : first + step] = torch.fft.ifft2(spectrum).real
    return result


def _way(data: Tensor) -> ModuleType:
    return filterwise if data.device.type == "cpu" else groupwise
