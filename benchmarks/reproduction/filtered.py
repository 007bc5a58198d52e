"""Filtered backprojection of the paper's phantom beside ASTRA's: mean squared error and time."""

from __future__ import annotations

import torch
from fbp import paper_problem, paper_rows
from harness import median_time
from torch import Tensor

import torch_radon as tr
from reproduction.job import Device, Job, Outcome, picture
from reproduction.scale import Scale

# Of an image in [0, 1]. A reconstruction that is further off is none: ASTRA's GPU algorithm does
# not complain where it finds no cuFFT.
NONSENSE = 1e-2


def jobs(scale: Scale, device: Device, image: Tensor) -> list[Job]:
    """Ours, and ASTRA's on the CPU and on the GPU."""
    models = ["linear", *(["cuda"] if device == "cuda" else [])]
    return [
        Job("torch_radon", ours, [(image, device, scale.repeats)]),
        *(Job(f"ASTRA FBP, {model}", astra, [(image, model, scale.repeats)]) for model in models),
    ]


def ours(image: Tensor, device: Device, repeats: int) -> Outcome:
    """Reconstruct with each interpolation."""
    image = image.to(device)
    problem = paper_problem(image)
    return Outcome(
        list(paper_rows(image, repeats)),
        {"phantom": picture(image), "FBP": picture(tr.fbp(problem.A, problem.sinogram))},
    )


def astra(image: Tensor, model: str, repeats: int) -> Outcome:
    """ASTRA on what its own projector measured, from the host's memory to the host's memory."""
    from peers.astra_slice import AstraSlice

    problem = paper_problem(image)
    peer = AstraSlice(problem.A.volume, problem.A.scan, model)
    sinogram = peer.project(image)

    def reconstruct() -> Tensor:
        return peer.reconstruct("FBP", sinogram, FilterType="ram-lak")

    error = float((reconstruct() - image).double().square().mean())
    if not error < NONSENSE:
        raise RuntimeError(f"ASTRA FBP, {model}: mean squared error {error:.3g}, no reconstruction")
    torch.set_num_threads(1)
    row = {
        "library": f"ASTRA FBP, {model}",
        "MSE": error,
        "time [ms]": 1e3 * median_time(reconstruct, repeats),
    }
    return Outcome([row])
