"""
Optimise through the projector
==============================

Few views: filtered backprojection leaves streaks. An optimiser that differentiates through the
projector can use what else is known about the image.

The reconstruction minimises

.. math:: \\tfrac12 |Ax - y|^2 + \\lambda \\, \\mathrm{TV}(x), \\qquad x \\ge 0,

with an optimiser of ``torch.optim``. TV is the total variation, smoothed a little so that it has
a gradient [1]_. The same lines train a network: a ``Projector`` is a module like any other.

.. [1] L. I. Rudin, S. Osher and E. Fatemi, Nonlinear total variation based noise removal
   algorithms, Physica D 60, 1992.
"""

# %%
# Forty views
# -----------

import math

import matplotlib.pyplot as plt
import torch

import torch_radon as tr

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)

volume = tr.Volume((128, 128))
scan = tr.parallel_beam(torch.linspace(0, math.pi, 41)[:-1], columns=184)
A = tr.Projector(volume, scan).to(device)

phantom = tr.phantoms.shepp_logan(size=volume.extent[0])
truth = phantom.rasterize(volume, device=device)
sinogram = phantom.project(scan, device=device)
sinogram += 0.3 * torch.randn_like(sinogram)

streaky = tr.fbp(A, sinogram, filter="hann")

# %%
# The objective
# -------------
# A square keeps the image from becoming negative and has a gradient everywhere. It starts from
# the FBP image.


def total_variation(x, smoothing=1e-3):
    """Sum of the lengths of the image's gradient."""
    down = x.diff(dim=-2, append=x[..., -1:, :])
    right = x.diff(dim=-1, append=x[..., :, -1:])
    return torch.sqrt(down**2 + right**2 + smoothing**2).sum()


root = streaky.clamp_min(1e-3).sqrt().requires_grad_()
optimiser = torch.optim.Adam([root], lr=0.02)
losses = []
for _ in range(200):
    optimiser.zero_grad()
    x = root**2
    loss = 0.5 * (A(x) - sinogram).square().sum() + 2.0 * total_variation(x)
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
image = root.detach() ** 2

# %%
# The result
# ----------


def rms(x):
    """Error against the phantom."""
    return (x - truth).square().mean().sqrt().item()


figure, panels = plt.subplots(1, 4, figsize=(13, 3.4), layout="constrained")
for panel, picture, title in zip(
    panels,
    (truth, streaky, image),
    ("phantom", f"FBP, RMS {rms(streaky):.3f}", f"total variation, RMS {rms(image):.3f}"),
    strict=False,
):
    panel.imshow(picture.cpu(), cmap="gray", vmin=0, vmax=0.5)
    panel.set_title(title)
    panel.axis("off")
panels[3].semilogy(losses)
panels[3].set_title("objective")
panels[3].set_xlabel("iteration")
plt.show()

print(f"RMS error: FBP {rms(streaky):.3f}, total variation {rms(image):.3f}")
