"""Speed and accuracy of forward projection and adjoint on a GPU.

    python benchmarks/projectors_cuda.py [--repeats 20] [--name projectors_cuda]

Whole calls are timed with CUDA events, packing included, on data that lie on the GPU; "Gs/s" counts
``batch * views * columns * rows`` samples in 10^9 a second. Errors are relative L2 distances of the
first item from the float64 result for the same, rounded input: of uniform random images and
sinograms, and of a normally distributed image.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import click
import numpy as np
import torch
from harness import relative_error, save, table

import torch_radon as tr


class Case(NamedTuple):
    """Work: images of `size` pixels a side in as many views of as many columns."""

    beam: str
    size: int
    batch: int
    dtype: torch.dtype


CASES = (
    Case("parallel", 512, 32, torch.float32),
    Case("parallel", 256, 32, torch.float32),
    Case("parallel", 1024, 16, torch.float32),
    Case("parallel", 512, 1, torch.float32),
    Case("parallel", 512, 32, torch.float16),
    Case("parallel", 512, 32, torch.bfloat16),
    Case("fan", 512, 32, torch.float32),
    Case("fan", 512, 32, torch.float16),
    Case("fan", 512, 32, torch.bfloat16),
)


def projector(case: Case) -> tr.Projector:
    """Half a turn of a parallel beam, or a full one of a fan with source and detector at `size`."""
    size = case.size
    angles = np.arange(size) * np.pi / size
    scan = tr.parallel_beam(angles, size)
    if case.beam == "fan":
        scan = tr.fan_beam(2 * angles, size, 2.0, source_distance=size, detector_distance=size)
    return tr.Projector(tr.Volume((size, size)), scan).to("cuda")


def device_time(call: Callable[[], object], repeats: int) -> float:
    """Median duration on the device in milliseconds, after three calls that warm up."""
    for _ in range(3):
        call()
    durations = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        end.record()
        end.synchronize()
        durations.append(start.elapsed_time(end))
    return statistics.median(durations)


def host_time(call: Callable[[], object], repeats: int = 500) -> float:
    """Mean host time of a call in microseconds, the device left to itself."""
    for _ in range(20):
        call()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    duration = time.perf_counter() - start
    torch.cuda.synchronize()
    return 1e6 * duration / repeats


def measure(case: Case, repeats: int) -> dict[str, Any]:
    """Time a case in both directions."""
    A = projector(case)
    x = torch.rand(case.batch, case.size, case.size, device="cuda").to(case.dtype)
    y = torch.rand(case.batch, case.size, case.size, device="cuda").to(case.dtype)
    noise = torch.randn(1, case.size, case.size, device="cuda").to(case.dtype)
    samples = case.batch * case.size**3
    row: dict[str, Any] = {
        "beam": case.beam,
        "size": case.size,
        "batch": case.batch,
        "dtype": str(case.dtype).removeprefix("torch."),
    }
    for name, operator, data in (("forward", A, x), ("adjoint", A.T, y)):
        milliseconds = device_time(partial(operator, data), repeats)
        row[f"{name} [ms]"] = milliseconds
        row[f"{name} [Gs/s]"] = samples / milliseconds / 1e6
        row[f"{name} error"] = relative_error(operator(data)[:1], operator(data[:1].double()))
    row["error on noise"] = relative_error(A(noise), A(noise.double()))
    return row


@click.command()
@click.option("--repeats", default=20, show_default=True, help="Timed calls of each.")
@click.option("--name", default="projectors_cuda", show_default=True, help="Name of the JSON file.")
def main(repeats: int, name: str) -> None:
    """Time forward projection and adjoint on the current GPU."""
    if not torch.cuda.is_available():
        raise click.ClickException("this benchmark needs an NVIDIA GPU, and PyTorch finds none")
    torch.manual_seed(0)
    rows = [measure(case, repeats) for case in CASES]
    small = projector(Case("parallel", 64, 1, torch.float32))
    image = torch.rand(64, 64, device="cuda")
    settings = {
        "host time of a 64^2 forward call [us]": host_time(lambda: small(image)),
        "gpu": torch.cuda.get_device_name(),
    }
    path = save(name, settings, rows)
    click.echo(table(rows))
    for key, value in settings.items():
        click.echo(f"{key}: {value}")
    click.echo(f"written to {path}")


if __name__ == "__main__":
    main()
