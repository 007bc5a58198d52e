"""Use an installed wheel: import it, project a disc, differentiate, reconstruct."""

import math
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import torch

import torch_radon as tr


def main() -> None:
    """Raise where the installation is not what the wheel promises."""
    home = Path(tr.__file__).resolve()
    if Path(sys.prefix).resolve() not in home.parents:
        raise SystemExit(f"torch_radon was imported from {home}, not from the clean environment")
    if version("torch-radon") not in sys.argv[1]:
        raise SystemExit(f"{sys.argv[1]} says one version, its metadata {version('torch-radon')}")
    if not files("torch_radon").joinpath("py.typed").is_file():
        raise SystemExit("the wheel lacks py.typed")

    volume = tr.Volume((128, 128), spacing=0.5)
    y, x = (torch.as_tensor(volume.coordinates(axis)).float() for axis in (0, 1))
    disc = (x**2 + y[:, None] ** 2 <= 20.0**2).float()
    angles = torch.linspace(0.0, math.pi, 181)[:-1]
    A = tr.Projector(volume, tr.parallel_beam(angles, columns=192, spacing=0.5))

    sinogram = A(disc)
    centre = sinogram[:, 95:97].mean().item()
    if abs(centre - 40.0) > 0.5:
        raise SystemExit(f"a ray through a disc of diameter 40 measured {centre:.3f}")

    image = disc.clone().requires_grad_()
    A(image).square().sum().backward()
    assert image.grad is not None
    torch.testing.assert_close(image.grad, A.T(2.0 * sinogram))

    inside = x**2 + y[:, None] ** 2 <= 15.0**2
    rms = (tr.fbp(A, sinogram) - disc)[inside].square().mean().sqrt().item()
    if rms > 0.02:
        raise SystemExit(f"FBP misses the inside of the disc by {rms:.4f} RMS")
    print(f"torch_radon {version('torch-radon')} from {home.parent}: FBP of a disc, RMS {rms:.4f}")


if __name__ == "__main__":
    main()
