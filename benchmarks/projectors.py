"""Speed and accuracy of forward projection and adjoint beside other libraries.

    python benchmarks/projectors.py [--size 512] [--views 180] [--repeats 7] [--name projectors_cpu]

Everything runs in one process on the same random image and sinogram, in float32, one image a call:
this library on one thread and on all of them, ASTRA Toolbox's CPU projector `linear` (the same
model, Joseph's) and scikit-image's `radon`, each if it is installed. The errors are relative L2
distances to this library's float64 result, which the test suite compares with a dense NumPy matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any, NamedTuple

import click
import numpy as np
import torch
from harness import median_time, relative_error, save, table
from torch import Tensor

import torch_radon as tr


class Contestant(NamedTuple):
    """A library's way to project; the adjoint is None where it has none."""

    name: str
    threads: int
    forward: Callable[[], Tensor]
    adjoint: Callable[[], Tensor] | None


class Problem(NamedTuple):
    """The work: a parallel beam over half a turn, as many columns as the image has."""

    angles: np.ndarray
    A: tr.Projector
    image: Tensor
    sinogram: Tensor


def ours(problem: Problem) -> Iterator[Contestant]:
    """Yield this library on 1, 2, 4, ... threads."""
    most = torch.get_num_threads()
    A, image, sinogram = problem.A, problem.image, problem.sinogram
    for threads in sorted({*(2**k for k in range(most.bit_length())), most}):
        yield Contestant("torch_radon", threads, lambda: A(image), lambda: A.T(sinogram))


def astra(problem: Problem) -> Iterator[Contestant]:
    """Yield ASTRA's CPU projector, whose y axis points against the row index."""
    import astra

    size = problem.image.shape[-1]
    volume = astra.create_vol_geom(size, size)
    detector = astra.create_proj_geom("parallel", 1.0, size, problem.angles)
    projector = astra.create_projector("linear", detector, volume)
    image = astra.data2d.create("-vol", volume, problem.image.flip(0).numpy())
    back = astra.data2d.create("-vol", volume)
    sinogram = astra.data2d.create("-sino", detector, problem.sinogram.numpy())
    projection = astra.data2d.create("-sino", detector)

    def algorithm(kind: str, volume_key: str, volume_id: int, sinogram_id: int) -> int:
        settings = astra.astra_dict(kind)
        settings["ProjectorId"] = projector
        settings["ProjectionDataId"] = sinogram_id
        settings[volume_key] = volume_id
        return astra.algorithm.create(settings)

    forward = algorithm("FP", "VolumeDataId", image, projection)
    adjoint = algorithm("BP", "ReconstructionDataId", back, sinogram)

    def run_forward() -> Tensor:
        astra.algorithm.run(forward)
        return torch.from_numpy(astra.data2d.get(projection))

    def run_adjoint() -> Tensor:
        astra.algorithm.run(adjoint)
        return torch.from_numpy(astra.data2d.get(back)).flip(0)

    yield Contestant("ASTRA linear", 1, run_forward, run_adjoint)


def skimage(problem: Problem) -> Iterator[Contestant]:
    """Yield scikit-image's radon, which rotates the image; its y axis points up too."""
    from skimage.transform import radon

    image = problem.image.flip(0).numpy()
    degrees = np.rad2deg(problem.angles)
    yield Contestant(
        "scikit-image radon",
        1,
        lambda: torch.from_numpy(radon(image, degrees, circle=True)).mT.contiguous(),
        None,
    )


PEERS = {"astra": astra, "skimage": skimage}


@click.command()
@click.option("--size", default=512, show_default=True, help="Pixels a side, and columns.")
@click.option("--views", default=180, show_default=True)
@click.option("--repeats", default=7, show_default=True, help="Timed calls of each.")
@click.option("--name", default="projectors_cpu", show_default=True, help="Name of the JSON file.")
def main(size: int, views: int, repeats: int, name: str) -> None:
    """Time forward projection and adjoint beside other libraries."""
    angles = np.arange(views) * np.pi / views
    generator = torch.Generator().manual_seed(0)
    # scikit-image wants zeros outside the inscribed circle.
    axis = torch.linspace(-1, 1, size)
    disc = (axis[:, None] ** 2 + axis**2 < 0.98).float()
    problem = Problem(
        angles,
        tr.Projector(tr.Volume((size, size)), tr.parallel_beam(angles, size)),
        torch.rand(size, size, generator=generator) * disc,
        torch.rand(views, size, generator=generator),
    )
    forward = problem.A(problem.image.double())
    adjoint = problem.A.T(problem.sinogram.double())

    contestants = list(ours(problem))
    for module, peer in PEERS.items():
        if find_spec(module) is not None:
            contestants += peer(problem)
    most = torch.get_num_threads()
    rows: list[dict[str, Any]] = []
    for contestant in contestants:
        torch.set_num_threads(contestant.threads)
        row: dict[str, Any] = {"library": contestant.name, "threads": contestant.threads}
        for what, call, reference in (
            ("forward", contestant.forward, forward),
            ("adjoint", contestant.adjoint, adjoint),
        ):
            row[f"{what} [ms]"] = 1e3 * median_time(call, repeats) if call else "–"
            row[f"{what} error"] = relative_error(call(), reference) if call else "–"
        rows.append(row)
    torch.set_num_threads(most)
    path = save(name, {"size": size, "views": views, "columns": size, "dtype": "float32"}, rows)
    click.echo(table(rows))
    click.echo(f"written to {path}")


if __name__ == "__main__":
    main()
