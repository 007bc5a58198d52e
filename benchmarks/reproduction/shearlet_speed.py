"""Speed of the shearlet transform beside plain `torch.fft` and AlphaTransform."""

from __future__ import annotations

import torch
from shearlets import DTYPES, compare
from torch import Tensor

from reproduction.job import Device, Job, Outcome
from reproduction.scale import Scale


def jobs(scale: Scale, device: Device, image: Tensor) -> list[Job]:
    """Both types on the device; AlphaTransform, which is in float64, computes on the CPU."""
    size, scales, batch = len(image), scale.shearlet_scales, scale.shearlet_batch
    calls = [
        (device, size, scales, batch, dtype, scale.repeats) for dtype in ("float32", "float64")
    ]
    if device == "cuda":
        calls.append(("cpu", size, scales, 1, "float64", 1))
    return [Job(f"{call[0]}, {call[4]}", measure, [call]) for call in calls]


def measure(
    device: Device, size: int, scales: int, batch: int, dtype: str, repeats: int
) -> Outcome:
    """A row a library."""
    found = compare(device, size, scales, batch, DTYPES[dtype], repeats)
    where = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    keys = ("forward [ms]", "adjoint [ms]", "forward error", "adjoint error")
    return Outcome(
        [
            {
                "library": row["library"],
                "device": where,
                "threads": row["threads"],
                "dtype": row["dtype"],
                "batch": batch,
                **{key: row[key] for key in (*keys, "reconstruction error")},
                "extra memory": row.get("forward extra memory", "–"),
            }
            for row in found
        ]
    )
