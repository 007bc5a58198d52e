"""Speed of projector and adjoint beside ASTRA, over sizes, batches, beams and types."""

from __future__ import annotations

import torch
from measure import cpu_rows, gpu_rows
from peers import find
from torch import Tensor
from workloads import Case

from reproduction.job import Device, Job, Outcome
from reproduction.scale import Scale

LIBRARIES = ("torch_radon", "torch_radon-clipped", "astra", "astra-host")


def jobs(scale: Scale, device: Device, image: Tensor) -> list[Job]:
    """One a library, a call a case; ASTRA has float32 only, and on a CPU no linear fan."""

    def takes(library: str, case: Case) -> bool:
        if not library.startswith("astra"):
            return True
        return case.dtype == torch.float32 and (device == "cuda" or case.beam == "parallel")

    return [
        Job(
            name,
            measure,
            [(name, case, device, scale.repeats) for case in scale.cases if takes(name, case)],
        )
        for name in LIBRARIES
        if device in find(name).devices
    ]


def measure(library: str, case: Case, device: Device, repeats: int) -> Outcome:
    """Time one library in one case."""
    if device == "cuda":
        return Outcome(gpu_rows(library, case, repeats))
    what = {
        "case": case.name,
        "beam": case.beam,
        "size": case.size,
        "views": case.views,
        "batch": case.batch,
        "dtype": case.dtype_name,
    }
    return Outcome([what | row for row in cpu_rows(library, case, repeats)])
