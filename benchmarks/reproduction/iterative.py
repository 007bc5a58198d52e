"""Landweber's iteration and conjugate gradients beside ASTRA's algorithms: error and time."""

from __future__ import annotations

from fbp import paper_problem
from torch import Tensor

from reproduction.job import Device, Job, Outcome, Row, picture
from reproduction.scale import Scale
from solvers import measure, timed

SOLVERS = {
    "landweber": "Landweber",
    "cgls": "CGNE",
    "cgls, fp16 projections": "CGNE, fp16 projections",
    "sirt": "SIRT",
}


def jobs(scale: Scale, device: Device, image: Tensor) -> list[Job]:
    """Ours, and ASTRA's, which has no Landweber."""
    model = "cuda" if device == "cuda" else "linear"
    return [
        Job("torch_radon", ours, [(image, device, scale.iterations, name) for name in SOLVERS]),
        *(
            Job(f"ASTRA {name}, {model}", astra, [(image, name, model, scale.iterations)])
            for name in ("SIRT", "CGLS")
        ),
    ]


def ours(image: Tensor, device: Device, iterations: int, name: str) -> Outcome:
    """One of this library's solvers, from data on the device to an image on the device."""
    ((row, result),) = measure(image, device, iterations, (name,))
    title = SOLVERS[name]
    pictures = {title: picture(result)} if title in ("Landweber", "CGNE") else {}
    return Outcome(
        [_row("torch_radon", title, row["iterations"], row["MSE"], row["seconds"])], pictures
    )


def astra(image: Tensor, algorithm: str, model: str, iterations: int) -> Outcome:
    """ASTRA on what its own projector measured, from the host's memory to the host's memory."""
    from peers.astra_slice import AstraSlice

    problem = paper_problem(image)
    peer = AstraSlice(problem.A.volume, problem.A.scan, model)
    sinogram = peer.project(image)
    device = "cuda" if model == "cuda" else "cpu"
    seconds, result = timed(lambda: peer.reconstruct(algorithm, sinogram, iterations), device)
    error = float((result - image).double().square().mean())
    title = {"CGLS": "CGNE"}.get(algorithm, algorithm)
    return Outcome([_row(f"ASTRA {algorithm}, {model}", title, iterations, error, seconds)])


def _row(library: str, solver: str, iterations: int, error: float, seconds: float) -> Row:
    return {
        "solver": solver,
        "library": library,
        "iterations": iterations,
        "MSE": error,
        "seconds": seconds,
    }
