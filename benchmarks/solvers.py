"""Accuracy and speed of the solvers in the set-up of the TorchRadon paper.

    python benchmarks/solvers.py [--device cpu|cuda] [--iterations 500] [--phantom FILE]

A phantom of 512 x 512 pixels (by default the modified Shepp-Logan head), 512 angles over half a
turn, 725 columns, data without noise from our own projector, as in the paper (arXiv 2009.14788),
which reports a mean squared error of 1.394e-4 for Landweber and 4.422e-5 for conjugate gradients
after 500 iterations. The error is over the full square; the time is that of the whole call, from
data on the device to the image on the device, the best of three on a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
import torch
from harness import save, table

import torch_radon as tr
from torch_radon import solvers
from torch_radon.linear import RampFilter

Solve = Callable[[int], solvers.Result]
T = TypeVar("T")


def calls(A: tr.Projector, y: torch.Tensor) -> dict[str, tuple[float, Solve]]:
    """Each solver, with the part of the iterations that it gets: a sweep of SART does more."""
    ramp = RampFilter(A.domain_shape).to(y.device)
    half = torch.float16
    return {
        "landweber": (1.0, lambda n: solvers.landweber(A, y, iterations=n)),
        "cgls": (1.0, lambda n: solvers.cgls(A, y, iterations=n)),
        "cgls, fp16 projections": (
            1.0,
            lambda n: solvers.cgls(A, y, iterations=n, projection_dtype=half),
        ),
        "cgls, ramp": (0.1, lambda n: solvers.cgls(A, y, iterations=n, preconditioner=ramp)),
        "sirt": (1.0, lambda n: solvers.sirt(A, y, iterations=n)),
        "sirt, x >= 0": (1.0, lambda n: solvers.sirt(A, y, iterations=n, constraint=torch.relu)),
        "os_sart, 32 subsets": (
            0.04,
            lambda n: solvers.os_sart(A, y, iterations=n, subsets=32),
        ),
        "sart": (0.02, lambda n: solvers.sart(A, y, iterations=n)),
        "mlem": (1.0, lambda n: solvers.mlem(A, y, iterations=n)),
        "osem, 32 subsets": (0.04, lambda n: solvers.osem(A, y, iterations=n, subsets=32)),
    }


def timed(call: Callable[[], T], device: str) -> tuple[float, T]:
    """Seconds of a call, and its result."""
    best = float("inf")
    for _ in range(3 if device == "cuda" else 1):
        start = time.perf_counter()
        result = call()
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best, result


def measure(
    image: torch.Tensor, device: str, iterations: int, only: tuple[str, ...]
) -> Iterator[tuple[dict[str, Any], torch.Tensor]]:
    """Reconstruct the image by every solver; yield each one's row and its image."""
    rows, columns = image.shape
    scan = tr.parallel_beam(np.arange(rows) * np.pi / rows, int(np.ceil(np.hypot(rows, columns))))
    A = tr.Projector(tr.Volume((rows, columns)), scan).to(device)
    image = image.to(device, torch.float32)
    y = A(image)
    for name, (part, solve) in calls(A, y).items():
        if only and name not in only:
            continue
        count = max(1, round(part * iterations))
        solve(2)
        seconds, found = timed(lambda solve=solve, count=count: solve(count), device)  # type: ignore[misc]
        row = {
            "solver": name,
            "iterations": count,
            "MSE": float((found.x - image).double().square().mean()),
            "residual": float(found.residuals[-1]),
            "seconds": seconds,
            "ms an iteration": 1e3 * seconds / count,
        }
        click.echo(f"{name}: MSE {row['MSE']:.4g}, {found}, {seconds:.3g} s", err=True)
        yield row, found.x


@click.command()
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--iterations", default=500, show_default=True, help="Of Landweber and CGLS.")
@click.option("--phantom", type=click.Path(path_type=Path), help="A .npy file with an image.")
@click.option("--only", multiple=True, help="A solver's name as in the table; may be repeated.")
@click.option("--name", default="solvers", show_default=True, help="Name of the JSON file.")
def main(
    device: str, iterations: int, phantom: Path | None, only: tuple[str, ...], name: str
) -> None:
    """Measure error and time of every solver on one image."""
    if phantom is None:
        image = tr.phantoms.shepp_logan(512.0).rasterize(tr.Volume((512, 512)))
    else:
        image = torch.from_numpy(np.load(phantom))
    rows = [row for row, _ in measure(image, device, iterations, only)]
    settings = {
        "image": "Shepp-Logan" if phantom is None else phantom.name,
        "device": torch.cuda.get_device_name() if device == "cuda" else "CPU",
        "threads": torch.get_num_threads(),
    }
    path = save(f"{name}_{device}", settings, rows)
    click.echo(table(rows))
    click.echo(f"written to {path}")


if __name__ == "__main__":
    main()
