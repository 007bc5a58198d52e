"""Simulate a noisy scan, reconstruct it on the command line, compare with the truth.

Run it with ``make demo`` or ``python examples/demo.py [FOLDER]``. It leaves in FOLDER (by default
``demo-output``) the scan as a Data Exchange file, the reconstructed volume, the preview that the
command line draws, and a picture of truth, reconstruction and their difference.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

import torch_radon as tr
from torch_radon.data import axis_offset, write_data_exchange
from torch_radon.phantoms import Phantom, shepp_logan
from torch_radon.plot import save_slices

COLUMNS, PIXEL = 320, 0.25  # mm
VIEWS = 450
CENTER = 147.3  # the column onto which the rotation axis projects: the command has to find it
PHOTONS = 30_000  # a pixel and view, where nothing is in the way
DARK = 120  # counts without any beam
HEIGHTS = (1.0, 0.85, 0.7)  # one slice each: the phantom at this fraction of its full size


def phantom(height: float) -> Phantom:
    """A head of 60 mm, attenuation per mm."""
    return (shepp_logan(size=60.0) * 0.06).scale(height).rotate(0.4)


def simulate(path: Path, rng: np.random.Generator) -> None:
    """Write counts as a detector gives them: uneven beam, uneven pixels, dark level, noise."""
    angles = np.linspace(0, np.pi, VIEWS, endpoint=False)
    # A detector pixel counts all rays that meet it: four to a column here.
    rays = tr.parallel_beam(
        angles, 4 * COLUMNS, PIXEL / 4, axis_offset=axis_offset(CENTER, COLUMNS, PIXEL)
    )
    lines = torch.stack([phantom(height).project(rays) for height in HEIGHTS], dim=1)
    transmitted = torch.exp(-lines).unflatten(2, (COLUMNS, 4)).mean(dim=3).numpy()

    beam = 1 - 0.3 * np.linspace(-1, 1, COLUMNS) ** 2
    gain = rng.normal(1, 0.05, (len(HEIGHTS), COLUMNS))
    photons = PHOTONS * beam * gain

    def read_out(mean: NDArray[np.float64]) -> NDArray[np.uint16]:
        """Counts of Poisson-distributed photons on top of the dark level."""
        return (rng.poisson(mean) + rng.poisson(DARK, mean.shape)).astype(np.uint16)

    write_data_exchange(
        path,
        counts=read_out(photons * transmitted),
        flat=read_out(np.broadcast_to(photons, (40, *photons.shape))),
        dark=read_out(np.zeros((40, *photons.shape))),
        angles=angles,
        title="simulated head",
    )


def run(*arguments: str | Path) -> None:
    """Run ``torch-radon`` as a user would, and show the command."""
    words = [str(argument) for argument in arguments]
    print("\n$ torch-radon", *words, flush=True)
    subprocess.run([sys.executable, "-m", "torch_radon", *words], check=True)


def compare(volume_file: Path, picture: Path) -> None:
    """Print errors against the truth and draw it beside the reconstruction."""
    with h5py.File(volume_file) as file:
        images = torch.from_numpy(file["exchange/data"][...])
        found = float(file["exchange/data"].attrs["center"])
    volume = tr.Volume(tuple(images.shape[1:]), spacing=PIXEL)
    truth = torch.stack([phantom(height).rasterize(volume) for height in HEIGHTS])

    print(f"\ncentre of rotation: found {found:.3f}, true {CENTER}, error {found - CENTER:+.3f}")
    for index, (image, true) in enumerate(zip(images, truth, strict=True)):
        rms = (image - true).square().mean().sqrt()
        share = rms / true.max()
        print(f"slice {index}: RMS error {rms:.5f} per mm, {share:.2%} of the largest value")
    save_slices(
        picture,
        [truth[0], images[0], images[0] - truth[0]],
        volume,
        ["truth", "reconstruction", "difference"],
    )


def main() -> None:
    """Do all of it."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output")
    folder.mkdir(parents=True, exist_ok=True)
    scan, volume = folder / "scan.h5", folder / "volume.h5"
    simulate(scan, np.random.default_rng(0))
    run("info", scan)
    run(
        *("reconstruct", scan, "--method", "fbp", "--filter", "hann", "--center", "auto"),
        *("--pixel-size", str(PIXEL), "-o", volume, "--preview", folder / "preview.png"),
    )
    compare(volume, folder / "comparison.png")
    print(f"pictures: {folder / 'preview.png'}, {folder / 'comparison.png'}")


if __name__ == "__main__":
    main()
