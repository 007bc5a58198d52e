"""Draw the picture at the top of the README: `python docs/overview.py`."""

import math
from pathlib import Path

import matplotlib as mpl
import torch

import torch_radon as tr

mpl.use("Agg")

import matplotlib.pyplot as plt

torch.manual_seed(0)
volume = tr.Volume((256, 256), spacing=0.5)
scan = tr.parallel_beam(torch.linspace(0, math.pi, 91)[:-1], columns=368, spacing=0.5)
A = tr.Projector(volume, scan)

phantom = tr.phantoms.shepp_logan(size=volume.extent[0]) * 0.04
truth = phantom.rasterize(volume)
photons = 1e4
counts = torch.poisson(photons * torch.exp(-phantom.project(scan))).clamp_min(1)
sinogram = -torch.log(counts / photons)
analytic = tr.fbp(A, sinogram, filter="ramp")

# Least squares with total variation, by plain gradient descent through the projector.
root = analytic.clamp_min(1e-5).sqrt().requires_grad_()
optimiser = torch.optim.Adam([root], lr=4e-3)
for _ in range(300):
    optimiser.zero_grad()
    x = root**2
    down, right = x.diff(dim=0, append=x[-1:]), x.diff(dim=1, append=x[:, -1:])
    variation = torch.sqrt(down**2 + right**2 + 1e-5**2).sum()
    (0.5 * (A(x) - sinogram).square().sum() + 0.05 * variation).backward()
    optimiser.step()

figure, panels = plt.subplots(1, 4, figsize=(12, 3.3), layout="constrained")
for panel, image, title in zip(
    panels,
    (truth, sinogram, analytic, (root**2).detach()),
    ("phantom", "90 noisy views", "filtered backprojection", "gradients through the projector"),
    strict=True,
):
    top = sinogram.max() if image is sinogram else 0.02
    panel.imshow(image, cmap="gray", vmin=0, vmax=top, aspect="auto")
    panel.set_box_aspect(1)
    panel.set_title(title)
    panel.axis("off")
figure.savefig(Path(__file__).parent / "_static" / "overview.png", dpi=80)
