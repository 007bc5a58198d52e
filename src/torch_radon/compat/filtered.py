"""Filtered backprojection in TorchRadon's two steps.

TorchRadon has one backprojection for two purposes: the transpose of the projector, and the second
half of filtered backprojection. For a parallel beam one operator serves both. For a fan it does
not: the second half of filtered backprojection weights a pixel by the square of its distance from
the source, and the transpose does not. So what a fan's filter returns is a `FilteredSinogram`, and
`backprojection` applies to those the operator that they are made for.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torch_radon.analytic import filter_sinogram, ray_weights
from torch_radon.analytic.filters import Filter
from torch_radon.compat.remember import remember
from torch_radon.geometry import Scan, Volume
from torch_radon.projectors import Backprojector


class FilteredSinogram(Tensor):
    """A sinogram that the `filter_sinogram` of a fan beam returned.

    A tensor like any other; what PyTorch computes from it is one as well.
    """


def filter_parallel(sinogram: Tensor, filter: Filter, volume: Volume) -> Tensor:
    """Filter a parallel beam's sinograms; each view stands for its share of half a turn.

    The transpose multiplies by the area of a pixel over the spacing of the columns. The spacing
    cancels that of the filter, the area is divided by here.
    """
    factor = math.pi / (sinogram.shape[-2] * math.prod(volume.spacing))
    return filter_sinogram(sinogram, filter) * factor


def filter_fan(sinogram: Tensor, filter: Filter, scan: Scan, magnification: float) -> Tensor:
    """Weight a fan's rays and filter them.

    The result is scaled so that its plain transpose would have the scale of the image at the
    rotation axis, as it has in TorchRadon.
    """
    work = torch.promote_types(sinogram.dtype, torch.float32)
    weights = _weights(scan, sinogram.device).to(work) * _scale(scan, magnification)
    filtered = filter_sinogram(sinogram.to(work) * weights, filter)
    return filtered.to(sinogram.dtype).as_subclass(FilteredSinogram)


def reconstruct_fan(
    filtered: FilteredSinogram, volume: Volume, scan: Scan, magnification: float
) -> Tensor:
    """Backproject what `filter_fan` returned, with the distance weights."""
    plain = filtered.as_subclass(Tensor)
    return _backprojector(volume, scan, plain.device)(plain / _scale(scan, magnification))


def _scale(scan: Scan, magnification: float) -> float:
    return magnification * float(scan.spacing[0])


@remember
def _weights(scan: Scan, device: torch.device) -> Tensor:
    return torch.from_numpy(ray_weights(scan, "auto")).to(device)


@remember
def _backprojector(volume: Volume, scan: Scan, device: torch.device) -> Backprojector:
    return Backprojector(volume, scan).to(device)
