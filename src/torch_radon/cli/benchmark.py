"""``torch-radon benchmark``: how fast this machine projects and reconstructs."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

import click
import numpy as np
import torch
from torch import Tensor

from torch_radon.analytic.fbp import fbp
from torch_radon.cli.options import debug_option, device_option
from torch_radon.cli.text import columns as set_columns
from torch_radon.data.acquisition import Acquisition
from torch_radon.geometry.volume import Volume
from torch_radon.linear import dot_test
from torch_radon.phantoms import shepp_logan
from torch_radon.projectors import Projector

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "float16": torch.float16}
# A measurement is repeated until it has taken so long, and at least so often.
_SECONDS, _TIMES = 0.5, 3
# The largest side for which the adjoint is compared in double precision.
_CHECKED = 256


@click.command()
@click.option(
    "--size", "side", type=click.IntRange(8), default=512, show_default=True, help="Pixels a side."
)
@click.option("--views", type=click.IntRange(1), default=180, show_default=True, help="Of them.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Images.")
@click.option(
    "--dtype", type=click.Choice(list(_DTYPES)), default="float32", show_default=True, help="Type."
)
@click.option("--threads", type=click.IntRange(1), help="Of the CPU; default: PyTorch's number.")
@device_option
@debug_option
def benchmark(
    side: int, views: int, batch: int, dtype: str, threads: int | None, device: torch.device
) -> None:
    """Measure the speed of projections and reconstructions on this machine.

    Medians of times for parallel beams and fans, without the first call, which compiles; a sample
    is one pixel row or column that a ray crosses. Errors are relative: of forward projection and
    reconstruction against float64, of the adjoint the mismatch of its dot test at up to 256
    pixels a side.
    """
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        click.echo(_machine(device, side, views, batch, dtype))
        rows = []
        for name, scanner in _scanners(side).items():
            rows += _measure(name, scanner, side, views, batch, _DTYPES[dtype], device)
        click.echo(set_columns(["geometry", "what", "ms", "Gsamples/s", "error"], rows))
    finally:
        torch.set_num_threads(before)


def _machine(device: torch.device, side: int, views: int, batch: int, dtype: str) -> str:
    if device.type == "cuda":
        where = torch.cuda.get_device_name(device)
    else:
        where = f"CPU, {torch.get_num_threads()} threads"
    return f"{where}: {batch} x {side} x {side} {dtype}, {side} columns, {views} views"


def _scanners(side: int) -> dict[str, Acquisition]:
    far = 2.0 * side
    return {
        "parallel": Acquisition(),
        "fan": Acquisition("fan", 1.5, far, far / 2),
        "fan, curved": Acquisition("fan", 1.5, far, far / 2, curved=True),
    }


def _measure(
    name: str,
    scanner: Acquisition,
    side: int,
    views: int,
    batch: int,
    dtype: torch.dtype,
    device: torch.device,
) -> list[list[str]]:
    turn = np.pi if scanner.beam == "parallel" else 2 * np.pi
    angles = np.linspace(0, turn, views, endpoint=False)
    scan, volume = scanner.scan(angles, side), Volume((side, side))
    A = Projector(volume, scan).to(device)
    exact = shepp_logan(size=0.95 * side).rasterize(volume, dtype=torch.float64, device=device)
    x = exact.to(dtype).expand(batch, side, side).contiguous()
    # The rounding of the input is not an error of the operators.
    single = x[:1].double()
    y_exact = A(single) / side
    y = y_exact.to(dtype).expand(batch, *scan.shape).contiguous()
    small = Projector(
        Volume((min(side, _CHECKED),) * 2), scanner.scan(angles[:8], min(side, _CHECKED))
    )
    mismatch = dot_test(
        small,
        dtype=torch.promote_types(dtype, torch.float32),
        device=device,
        generator=torch.Generator().manual_seed(0),
    )
    work: dict[str, tuple[Callable[[], Tensor], Callable[[Tensor], float]]] = {
        "forward": (lambda: A(x), lambda got: _error(got[:1] / side, y_exact)),
        "adjoint": (lambda: A.T(y), lambda got: mismatch),
        "fbp": (lambda: fbp(A, y), lambda got: _error(got[:1], fbp(A, y[:1].double()))),
    }
    rows = []
    for what, (call, error) in work.items():
        seconds, result = _time(call, device)
        samples = batch * side * side * views / seconds / 1e9
        rows.append([name, what, f"{1e3 * seconds:.2f}", f"{samples:.3g}", f"{error(result):.1e}"])
    return rows


def _time(call: Callable[[], Tensor], device: torch.device) -> tuple[float, Tensor]:
    """Median time of a call in seconds, and what it returned."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    with torch.no_grad():
        result = call()
        wait()
        times: list[float] = []
        while len(times) < _TIMES or sum(times) < _SECONDS:
            start = perf_counter()
            result = call()
            wait()
            times.append(perf_counter() - start)
    return statistics.median(times), result


def _error(got: Tensor, expected: Tensor) -> float:
    difference = torch.linalg.vector_norm(got.double() - expected)
    return float(difference / torch.linalg.vector_norm(expected))
