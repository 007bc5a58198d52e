"""Reconstruction from few views and few photons: methods and doses, error and time.

    python benchmarks/low_dose.py [--size 256] [--views 40] [--device cpu] [--name low_dose_cpu]

The FORBILD head in 256 x 256 pixels of 1 mm, a parallel beam of 40 views over half a turn,
closed-form line integrals (so that nothing of our own pixel grid is in the data) and Poisson noise.
Each method gets its best parameters, which are searched for by the true error: FBP over all
filters, cutoffs and interpolations, iterations that noise spoils over when to stop, total variation
over its weight. So the table compares methods and not their tuning. PSNR is relative to the largest
value of the truth, the means of the phantom over pixels. Times are for one image, the projector's
tables being there.

With so few views the pixels' own error, which is largest beside edges and knows nothing of photons,
exceeds the noise from about 1e4 photons on: there weights of the readings by their noise do harm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import click
import numpy as np
import torch
from harness import median_time, save, table
from torch import Tensor

import torch_radon as tr
from torch_radon import solvers
from torch_radon.analytic.filters import FILTER_NAMES
from torch_radon.analytic.line_filter import INTERPOLATIONS
from torch_radon.regularization import TV, NonNegative

# Attenuation of water per millimetre at 70 keV.
WATER = 0.0193
CUTOFFS = np.linspace(0.05, 1.0, 20)
WEIGHTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
ITERATIONS = 200


class Scene(NamedTuple):
    """A scan of the phantom."""

    A: tr.Projector
    truth: Tensor
    clean: Tensor

    def psnr(self, image: Tensor) -> float:
        """Peak signal-to-noise ratio in dB."""
        error = (image.double() - self.truth).square().mean()
        return float(10 * torch.log10(self.truth.max() ** 2 / error))


class Best(NamedTuple):
    """A method with its best parameters."""

    psnr: float
    setting: str
    reconstruct: Callable[[], Tensor]


def make_scene(size: int, views: int, device: torch.device) -> Scene:
    """Build geometry, truth and noise-free line integrals."""
    volume = tr.Volume((size, size), spacing=256.0 / size)
    columns = math.ceil(size * math.sqrt(2))
    scan = tr.parallel_beam(np.arange(views) * np.pi / views, columns, 256.0 / size)
    head = WATER * tr.phantoms.forbild_head(size=256.0)
    truth = head.rasterize(volume, dtype=torch.float64, device=device)
    clean = head.project(scan, dtype=torch.float64, device=device)
    return Scene(tr.Projector(volume, scan).to(device), truth, clean)


def measure(scene: Scene, photons: float) -> Tensor:
    """Count photons and take the logarithm, in float32; no count is below one."""
    generator = torch.Generator().manual_seed(0)
    counts = torch.poisson(photons * torch.exp(-scene.clean.cpu()), generator=generator)
    return -torch.log(counts.clamp_min(1) / photons).float().to(scene.truth.device)


def best_fbp(scene: Scene, y: Tensor) -> Best:
    """Search all filters, cutoffs and interpolations."""
    found = []
    for name, cutoff, interpolation in product(FILTER_NAMES, CUTOFFS, INTERPOLATIONS):
        options: dict[str, Any] = {
            "filter": name,
            "cutoff": float(cutoff),
            "interpolation": interpolation,
        }
        reconstruct = partial(tr.fbp, scene.A, y, **options)
        setting = f"{name}, cutoff {cutoff:.2f}, {interpolation}"
        found.append(Best(scene.psnr(reconstruct()), setting, reconstruct))
    return max(found, key=lambda best: best.psnr)


def best_stop(scene: Scene, solve: Callable[..., solvers.Result], most: int) -> Best:
    """Search for the best number of iterations in one run."""
    history: list[float] = []

    def judge(iteration: int, x: Tensor, residual: Tensor) -> None:
        history.append(scene.psnr(x))

    solve(iterations=most, callback=judge)
    count = int(np.argmax(history)) + 1
    return Best(history[count - 1], f"{count} iterations", lambda: solve(iterations=count).x)


def best_weight(scene: Scene, solve: Callable[[float], solvers.Result]) -> tuple[float, Best]:
    """Search for the best weight of total variation."""
    found = []
    for weight in WEIGHTS:

        def reconstruct(weight: float = weight) -> Tensor:
            return solve(weight).x

        setting = f"weight {weight:g} mm, {ITERATIONS} iterations"
        found.append((weight, Best(scene.psnr(reconstruct()), setting, reconstruct)))
    return max(found, key=lambda pair: pair[1].psnr)


def at_weight(
    scene: Scene, solve: Callable[..., solvers.Result], weight: float, iterations: int
) -> Best:
    """Judge another solver of the same problem."""

    def reconstruct() -> Tensor:
        return solve(iterations=iterations, regularizer=TV(weight), constraint=NonNegative()).x

    setting = f"weight {weight:g} mm, {iterations} iterations"
    return Best(scene.psnr(reconstruct()), setting, reconstruct)


def contestants(scene: Scene, y: Tensor, photons: float) -> Iterator[tuple[str, Best]]:
    """Yield every method at its best."""
    A, bounds = scene.A, NonNegative()
    yield "FBP", best_fbp(scene, y)
    yield "SIRT", best_stop(scene, partial(solvers.sirt, A, y, constraint=bounds), 400)
    yield "CGLS", best_stop(scene, partial(solvers.cgls, A, y), 40)
    yield (
        "OS-SART, 10 subsets",
        best_stop(scene, partial(solvers.os_sart, A, y, constraint=bounds), 40),
    )

    def total_variation(weight: float, **options: Any) -> solvers.Result:
        return solvers.pdhg(
            A, y, iterations=ITERATIONS, regularizer=TV(weight), constraint=bounds, **options
        )

    weight, best = best_weight(scene, total_variation)
    yield "TV (pdhg)", best
    yield "TV (fista)", at_weight(scene, partial(solvers.fista, A, y), weight, 100)
    yield "TV (admm)", at_weight(scene, partial(solvers.admm, A, y), weight, 50)
    expected = solvers.poisson_weights(y, photons)
    weighted = solvers.LeastSquares(expected / expected.mean())
    _, best = best_weight(scene, partial(total_variation, data_term=weighted))
    yield "TV, Poisson weights (pdhg)", best


@click.command()
@click.option("--size", default=256, show_default=True, help="Pixels a side.")
@click.option("--views", default=40, show_default=True)
@click.option("--photons", default=(1e4, 1e5, 1e6), multiple=True, show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--repeats", default=3, show_default=True, help="Timed calls of each.")
@click.option("--name", default="low_dose_cpu", show_default=True, help="Name of the JSON file.")
def main(
    size: int, views: int, photons: tuple[float, ...], device: str, repeats: int, name: str
) -> None:
    """Compare methods at their best with the truth."""
    torch.set_num_threads(1)
    where = torch.device(device)
    scene = make_scene(size, views, where)

    def finish() -> None:
        if where.type == "cuda":
            torch.cuda.synchronize(where)

    rows: list[dict[str, Any]] = []
    for dose in photons:
        y = measure(scene, dose)
        reference = 0.0
        for method, best in contestants(scene, y, dose):

            def timed(best: Best = best) -> None:
                best.reconstruct()
                finish()

            reference = best.psnr if method == "FBP" else reference
            rows.append(
                {
                    "photons": f"{dose:.0e}",
                    "method": method,
                    "best with": best.setting,
                    "PSNR [dB]": round(best.psnr, 2),
                    "over FBP [dB]": round(best.psnr - reference, 2),
                    "time [ms]": 1e3 * median_time(timed, repeats),
                }
            )
    settings = {"size": size, "views": views, "device": device, "threads": 1, "dtype": "float32"}
    path = save(name, settings, rows)
    click.echo(table(rows))
    click.echo(f"written to {path}")


if __name__ == "__main__":
    main()
