"""Accuracy and speed of filtered backprojection beside scikit-image's and ASTRA's.

    python benchmarks/fbp.py [--size 255] [--views 360] [--repeats 5] [--name fbp_cpu]

Three tables, all from closed-form projections (exact line integrals through the pixels' middles) in
float32 on one thread:

- parallel beams, every library on the same sinogram of the same phantom. The error is judged within
  the circle that all of them reconstruct: the RMS distance from the image of pixel means, and
  within the uniform disc also the worst mean over a block of 8 x 8 pixels.
- the paper's phantom (if a file `shepp_logan_512.npy` is given), projected by this library:
  mean square error over the full square.
- fan beams, this library alone: ASTRA's FBP on the CPU takes parallel beams only, and scikit-image
  has no fan. The disc again, worst block and RMS, over pixel and column spacings 0.8, 1 and 1.25.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import torch
from harness import device_time, median_time, save, table
from numpy.typing import NDArray
from torch import Tensor

import torch_radon as tr
from torch_radon.analytic.line_filter import Interpolation
from torch_radon.phantoms import Phantom, ellipse

Array = NDArray[np.float64]
INTERPOLATIONS: tuple[Interpolation, ...] = ("linear", "cubic", "spline", "bandlimited")


class Contestant(NamedTuple):
    """A library's way to reconstruct."""

    name: str
    reconstruct: Callable[[], Tensor]


class Problem(NamedTuple):
    """The work: a parallel beam over half a turn, as many columns as the image has."""

    angles: Array
    A: tr.Projector
    sinogram: Tensor
    filter: str


def ours(problem: Problem) -> Iterator[Contestant]:
    """Yield this library with each interpolation."""
    for interpolation in INTERPOLATIONS:

        def reconstruct(interpolation: Interpolation = interpolation) -> Tensor:
            return tr.fbp(problem.A, problem.sinogram, problem.filter, interpolation=interpolation)

        yield Contestant(f"torch_radon, {interpolation}", reconstruct)


def skimage(problem: Problem) -> Iterator[Contestant]:
    """Yield scikit-image's iradon; its y axis points up, and its axis through pixel n // 2."""
    from skimage.transform import iradon

    sinogram = problem.sinogram.mT.contiguous().numpy()
    degrees = np.rad2deg(-problem.angles)
    for interpolation in ("linear", "cubic"):

        def reconstruct(interpolation: str = interpolation) -> Tensor:
            image = iradon(  # type: ignore[no-untyped-call]
                sinogram,
                degrees,
                filter_name=problem.filter,
                interpolation=interpolation,
                circle=True,
            )
            return torch.from_numpy(image)

        yield Contestant(f"scikit-image iradon, {interpolation}", reconstruct)


def astra(problem: Problem) -> Iterator[Contestant]:
    """Yield ASTRA's FBP on the CPU with each of its projectors."""
    from peers.astra_slice import AstraSlice

    names = {"ramp": "ram-lak", "shepp-logan": "shepp-logan", "hann": "hann"}
    for model in ("linear", "line", "strip"):
        reconstruct = partial(
            AstraSlice(problem.A.volume, problem.A.scan, model).reconstruct,
            "FBP",
            problem.sinogram,
            FilterType=names[problem.filter],
        )
        yield Contestant(f"ASTRA FBP, {model}", reconstruct)


PEERS = {"skimage": skimage, "astra": astra}


def circle(volume: tr.Volume, center: tuple[float, float], radius: float) -> Tensor:
    """Pixels whose centre lies in a circle."""
    x, y = np.meshgrid(volume.coordinates(1), volume.coordinates(0))
    return torch.from_numpy(np.hypot(x - center[0], y - center[1]) <= radius)


def worst_block(error: Tensor, inside: Tensor) -> float:
    """Largest mean error of the blocks of 8 x 8 pixels that lie inside, in steps of 4."""
    means = error.unfold(0, 8, 4).unfold(1, 8, 4).mean((-1, -2)).abs()
    whole = inside.unfold(0, 8, 4).unfold(1, 8, 4).all(-1).all(-1)
    return float(means[whole].max())


def parallel_rows(size: int, views: int, repeats: int) -> Iterator[dict[str, Any]]:
    """Measure every library on two phantoms and three filters."""
    volume = tr.Volume((size, size))
    angles = np.arange(views) * np.pi / views
    scan = tr.parallel_beam(angles, size)
    unit = size / 128
    center, radius = (8 * unit, -5 * unit), 44 * unit
    phantoms = {
        "disc": Phantom([ellipse(1.0, center, (radius, radius))]),
        "Shepp-Logan": tr.phantoms.shepp_logan(0.95 * size),
    }
    within = circle(volume, (0.0, 0.0), size // 2 - 1)
    for name, phantom in phantoms.items():
        truth = phantom.rasterize(volume, 32, dtype=torch.float64)
        for filter in ("ramp", "shepp-logan", "hann"):
            problem = Problem(angles, tr.Projector(volume, scan), phantom.project(scan), filter)
            contestants = list(ours(problem))
            for module, peer in PEERS.items():
                if find_spec(module) is not None:
                    contestants += peer(problem)
            for contestant in contestants:
                error = contestant.reconstruct().double() - truth
                inside = circle(volume, center, 0.85 * radius)
                yield {
                    "phantom": name,
                    "filter": filter,
                    "library": contestant.name,
                    "RMS": float(error[within].square().mean().sqrt()),
                    "worst block": worst_block(error, inside) if name == "disc" else "–",
                    "RMS in the disc": (
                        float(error[inside].square().mean().sqrt()) if name == "disc" else "–"
                    ),
                    "time [ms]": 1e3 * median_time(contestant.reconstruct, repeats),
                }


def paper_problem(image: Tensor) -> Problem:
    """Project an image as in the paper: as many angles as rows, columns along the diagonal."""
    rows, columns = image.shape
    angles = np.arange(rows) * np.pi / rows
    scan = tr.parallel_beam(angles, math.ceil(math.hypot(rows, columns)))
    A = tr.Projector(tr.Volume((rows, columns)), scan).to(image.device)
    return Problem(angles, A, A(image), "ramp")


def paper_rows(image: Tensor, repeats: int) -> Iterator[dict[str, Any]]:
    """Measure the paper's FBP with each interpolation: ramp, nothing clipped."""
    clock = device_time if image.is_cuda else median_time
    for contestant in ours(paper_problem(image)):
        yield {
            "library": contestant.name,
            "MSE": float((contestant.reconstruct() - image).double().square().mean()),
            "time [ms]": 1e3 * clock(contestant.reconstruct, repeats),
        }


def scanner(beam: str, kind: str, pixel: float, spacing: float, jitter: bool) -> tr.Scan:
    """Make a scan of the disc: all around, as short as possible, or with half a detector."""
    low, high = (-12.0 if kind == "half-fan" else -60.0) * pixel, 60.0 * pixel
    span = 2 * math.pi
    if kind == "short":
        span = math.pi + (0 if beam == "parallel" else 2 * math.asin(54 / 300) + 0.05)
    views = round(720 * span / (2 * math.pi))
    shift = np.random.default_rng(7).uniform(-0.5, 0.5, views) if jitter else 0.0
    angles = (np.arange(views) + shift) * span / views
    if beam == "parallel":
        columns = math.ceil((high - low) / spacing)
        return tr.parallel_beam(angles, columns, spacing, detector_offset=(low + high) / 2)
    magnification = 500 / 300
    return tr.fan_beam(
        angles,
        math.ceil((high - low) * magnification / spacing),
        spacing,
        source_distance=300 * pixel,
        detector_distance=200 * pixel,
        curved=beam == "fan, curved",
        detector_offset=(low + high) / 2 * magnification,
    )


def fan_rows() -> Iterator[dict[str, Any]]:
    """Measure the disc in every geometry, the worst of nine pairs of spacings."""
    for beam in ("parallel", "fan, flat", "fan, curved"):
        for kind in ("full", "short", "half-fan"):
            row: dict[str, Any] = {"beam": beam, "scan": kind}
            for jitter in (False, True):
                blocks, deviations = [], []
                for pixel in (0.8, 1.0, 1.25):
                    for spacing in (0.8, 1.0, 1.25):
                        scan = scanner(beam, kind, pixel, spacing, jitter)
                        volume = tr.Volume((128, 128), spacing=pixel)
                        center = (8 * pixel, -5 * pixel)
                        disc = Phantom([ellipse(1.0, center, (44 * pixel, 44 * pixel))])
                        image = tr.fbp(tr.Projector(volume, scan), disc.project(scan))
                        inside = circle(volume, center, 0.85 * 44 * pixel)
                        error = image.double() - 1
                        blocks.append(100 * worst_block(error, inside))
                        deviations.append(100 * float(error[inside].square().mean().sqrt()))
                angles = "jittered" if jitter else "even"
                row[f"worst block, {angles} [%]"] = max(blocks)
                row[f"RMS, {angles} [%]"] = max(deviations)
            yield row


@click.command()
@click.option("--size", default=255, show_default=True, help="Pixels a side, odd, and columns.")
@click.option("--views", default=360, show_default=True)
@click.option("--repeats", default=5, show_default=True, help="Timed calls of each.")
@click.option("--phantom", type=click.Path(path_type=Path), help="File shepp_logan_512.npy.")
@click.option("--name", default="fbp_cpu", show_default=True, help="Name of the JSON files.")
def main(size: int, views: int, repeats: int, phantom: Path | None, name: str) -> None:
    """Compare reconstructions with the truth."""
    if size % 2 == 0:
        raise click.BadParameter(
            "scikit-image shares our axis at odd sizes only", param_hint="size"
        )
    torch.set_num_threads(1)
    tables = [("", parallel_rows(size, views, repeats)), ("_fan", fan_rows())]
    if phantom is not None:
        image = torch.from_numpy(np.load(phantom)).float()
        tables.append(("_paper", paper_rows(image, repeats)))
    settings = {"size": size, "views": views, "dtype": "float32", "threads": 1}
    for suffix, measured in tables:
        rows = list(measured)
        path = save(f"{name}{suffix}", settings, rows)
        click.echo(table(rows))
        click.echo(f"written to {path}\n")


if __name__ == "__main__":
    main()
