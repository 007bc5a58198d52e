"""Speed, accuracy and memory of the shearlet transform beside its peers.

    python benchmarks/shearlets.py [--device cpu|cuda] [--size 512] [--scales 5] [--batch 8]
    python benchmarks/shearlets.py --experiment [--device cpu|cuda]

Peers are the plain way of PyTorch (`rfft2`, multiply, `irfft2`, all filters and images at once)
and, on a CPU, AlphaTransform on one thread, an image after the other, by NumPy's FFT and by FFTW.
Errors are relative L2 distances from float64: of the coefficients, of what the adjoint makes of
them, and of the image that comes back. Extra memory is what a call takes beside its result, in
units of the coefficients. The experiment is the limited-angle reconstruction of the TorchRadon
paper (arXiv 2009.14788), which reports an error of 9.275 %.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from harness import device_time, extra_memory, median_time, relative_error, save, table
from torch import Tensor

from torch_radon.phantoms import shepp_logan
from torch_radon.shearlet import ShearletTransform

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

DTYPES = {"float64": torch.float64, "float32": torch.float32, "float16": torch.float16}
Call = Callable[[], Tensor]
Pair = tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]


def plain(transform: ShearletTransform, dtype: torch.dtype) -> Pair:
    """The transform as three lines of PyTorch, in the type of the data or float32."""
    height, width = transform.domain_shape
    wide = torch.promote_types(dtype, torch.float32)
    filters = range(len(transform.shearlets))
    bank = torch.stack([transform.spectrum(i)[:, : width // 2 + 1].to(wide) for i in filters])

    def forward(image: Tensor) -> Tensor:
        spectra = torch.fft.rfft2(image.to(wide))[:, None] * bank
        return torch.fft.irfft2(spectra, s=(height, width)).to(dtype)

    def adjoint(coefficients: Tensor) -> Tensor:
        spectra = (torch.fft.rfft2(coefficients.to(wide)) * bank).sum(dim=1)
        return torch.fft.irfft2(spectra, s=(height, width)).to(dtype)

    return forward, adjoint


def alpha_transform(size: int, scales: int, use_fftw: bool) -> Pair:
    """AlphaTransform in float64, an image after the other."""
    import numexpr  # type: ignore[import-untyped]
    from alpha_transform import AlphaShearletTransform

    # It asks for all cores otherwise.
    numexpr.set_num_threads(1)
    numexpr.detect_number_of_cores = lambda: 1
    peer = AlphaShearletTransform(
        size, size, [0.5] * scales, real=True, parseval=True, use_fftw=use_fftw, verbose=False
    )

    def forward(image: Tensor) -> Tensor:
        results = [np.real(peer.transform(item, do_norm=False)) for item in image.double().numpy()]
        return torch.from_numpy(np.stack(results))

    def adjoint(coefficients: Tensor) -> Tensor:
        items = coefficients.double().numpy()
        results = [np.real(peer.adjoint_transform(item, do_norm=False)) for item in items]
        return torch.from_numpy(np.stack(results))

    return forward, adjoint


def measure(
    name: str, pair: Pair, image: Tensor, exact: Tensor, device: str, repeats: int
) -> dict[str, Any]:
    """Times, errors and memory of a forward and an adjoint transform."""
    forward, adjoint = pair
    coefficients = exact.to(image.dtype)
    calls: dict[str, Call] = {
        "forward": lambda: forward(image),
        "adjoint": lambda: adjoint(coefficients),
    }
    row: dict[str, Any] = {
        "library": name,
        "dtype": str(image.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
    }
    clock = device_time if device == "cuda" else median_time
    references = {"forward": exact, "adjoint": image}
    for what, call in calls.items():
        row[f"{what} [ms]"] = 1e3 * clock(call, repeats)
        row[f"{what} error"] = relative_error(call(), references[what])
        if device == "cuda":
            row[f"{what} extra memory"] = extra_memory(call) / coefficients.nbytes
    row["reconstruction error"] = relative_error(adjoint(forward(image)), image)
    return row


def compare(
    device: str, size: int, scales: int, batch: int, dtype: torch.dtype, repeats: int
) -> list[dict[str, Any]]:
    """A row a library, each for the same phantom."""
    from torch_radon import Volume

    transform = ShearletTransform(size, size, [0.5] * scales).to(device)
    phantom = shepp_logan(size=float(size)).rasterize(Volume((size, size)))
    image = phantom.to(device, dtype).expand(batch, size, size).contiguous()
    exact = plain(transform, torch.float64)[0](image.double())
    ours: Pair = (transform, transform.T)
    rows = []
    most = torch.get_num_threads()
    for threads in sorted({1, most}) if device == "cpu" else [most]:
        torch.set_num_threads(threads)
        rows.append(measure("torch_radon", ours, image, exact, device, repeats))
        pair = plain(transform, dtype)
        rows.append(measure("plain torch.fft", pair, image, exact, device, repeats))
    if device == "cpu" and dtype == torch.float64:
        torch.set_num_threads(1)
        for name, fftw in (("AlphaTransform, NumPy", False), ("AlphaTransform, FFTW", True)):
            pair = alpha_transform(size, scales, fftw)
            rows.append(measure(name, pair, image, exact, device, 3))
    torch.set_num_threads(most)
    return rows


def limited_angle(
    device: str, dtype: torch.dtype, size: int = 512, scales: int = 5, iterations: int = 80
) -> tuple[dict[str, Any], Tensor]:
    """The paper's experiment, once to warm up for two iterations, then in full; with its image."""
    from shearlet.limited_angle import experiment, reconstruct

    problem = experiment(size, scales, 100, device, dtype)
    reconstruct(problem, 2)
    start = time.perf_counter()
    image = reconstruct(problem, iterations)
    error = relative_error(image, problem.truth)
    row = {
        "experiment": f"limited angle, {iterations} iterations",
        "dtype": str(dtype).removeprefix("torch."),
        "seconds": time.perf_counter() - start,
        "relative error [%]": 100 * error,
    }
    return row, image


@click.command(help=__doc__)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")
@click.option("--size", default=512, show_default=True, help="Pixels a side.")
@click.option("--scales", default=5, show_default=True, help="Each with alpha = 1/2.")
@click.option("--batch", default=None, type=int, help="Images; by default 8 on a GPU, else 1.")
@click.option(
    "--dtype",
    "dtypes",
    type=click.Choice(list(DTYPES)),
    multiple=True,
    default=["float32"],
    show_default=True,
    help="Can be given several times; AlphaTransform has float64 only.",
)
@click.option("--repeats", default=15, show_default=True)
@click.option("--experiment", is_flag=True, help="The reconstruction instead.")
@click.option("--write", default=None, help="Name of a file in results, without .json.")
def main(
    device: str,
    size: int,
    scales: int,
    batch: int | None,
    dtypes: tuple[str, ...],
    repeats: int,
    experiment: bool,
    write: str | None,
) -> None:
    batch = (8 if device == "cuda" else 1) if batch is None else batch
    if experiment:
        rows = [limited_angle(device, DTYPES[dtype])[0] for dtype in dtypes]
    else:
        rows = [
            row
            for dtype in dtypes
            for row in compare(device, size, scales, batch, DTYPES[dtype], repeats)
        ]
    print(table(rows))
    if write is not None:
        settings = {"device": device, "size": size, "scales": scales, "batch": batch}
        print(f"written to {save(write, settings, rows)}")


if __name__ == "__main__":
    main()
