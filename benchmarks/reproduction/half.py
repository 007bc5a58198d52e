"""What storage in half precision costs: sinogram, filtered backprojection and time, by type.

The paper's table: as many angles as pixels a side and as many columns, the image clipped to the
inscribed circle, a batch of four.
"""

from __future__ import annotations

import math

import torch
from harness import device_time, median_time, relative_error
from torch import Tensor

import torch_radon as tr
from reproduction.job import Device, Job, Outcome
from reproduction.scale import Scale

TYPES = (torch.float32, torch.float16, torch.bfloat16)
BATCH = 4


def jobs(scale: Scale, device: Device, image: Tensor) -> list[Job]:
    """One call for all types."""
    return [Job("torch_radon", measure, [(image, device, scale.repeats)])]


def measure(image: Tensor, device: Device, repeats: int) -> Outcome:
    """A row a type: distances from float32, error of the image, times."""
    size = len(image)
    at = torch.arange(size, device=device) - (size - 1) / 2
    circle = at[:, None] ** 2 + at**2 <= (size / 2) ** 2
    images = (image.to(device) * circle).expand(BATCH, -1, -1).contiguous()
    scan = tr.parallel_beam(math.pi * torch.arange(size, dtype=torch.float64) / size, size)
    A = tr.Projector(tr.Volume((size, size)), scan).to(device)
    # The adjoint of a sinogram can exceed the largest float16.
    adjoint = tr.Projector(A.volume, A.scan, out_dtype=torch.float32).to(device).T
    wide = A(images)
    back = adjoint(wide)
    clock = device_time if device == "cuda" else median_time
    rows = []
    for dtype in TYPES:
        stored = images.to(dtype)
        sinogram = A(stored)
        result = tr.fbp(A, sinogram).float() * circle
        rows.append(
            {
                "dtype": str(dtype).removeprefix("torch."),
                "sinogram, from float32": relative_error(sinogram, wide),
                "adjoint, from float32": relative_error(adjoint(sinogram), back),
                "FBP MSE": float((result - images).double().square().mean()),
                "forward [ms]": 1e3 * clock(lambda x=stored: A(x), repeats),  # type: ignore[misc]
                "adjoint [ms]": 1e3 * clock(lambda y=sinogram: adjoint(y), repeats),  # type: ignore[misc]
                "FBP [ms]": 1e3 * clock(lambda y=sinogram: tr.fbp(A, y), repeats),  # type: ignore[misc]
            }
        )
    return Outcome(rows)
