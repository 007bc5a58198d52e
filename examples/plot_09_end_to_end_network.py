"""
A network trained end to end
============================

A projector is a layer like any other. Here a network has several of them: it starts from filtered
backprojection with a filter that is learned as well, and then corrects the image in three steps,
each of which sees the image and the gradient :math:`A^\\mathsf{T}(A x - y)` of the data term
[1]_. All of it is trained together, in seconds.

.. [1] J. Adler and O. Öktem, Solving ill-posed inverse problems using iterative deep neural
   networks, Inverse Problems 33(12), 2017.
"""

# %%
# The problem
# -----------
# Twenty views are far too few for 64 pixels a side, and the data are noisy. Every image is a new
# set of random ellipses.

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

import torch_radon as tr

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)

volume = tr.Volume((64, 64))
scan = tr.parallel_beam(torch.linspace(0, math.pi, 21)[:-1], columns=92)
A = tr.Projector(volume, scan).to(device)

endless = np.random.default_rng(0)


def draw(count):
    """Images ``(count, 1, H, W)`` and their noisy sinograms."""
    phantoms = [tr.phantoms.random_ellipses(endless, size=60.0, count=6) for _ in range(count)]
    images = torch.stack([phantom.rasterize(volume) for phantom in phantoms])[:, None].to(device)
    sinograms = A(images)
    return images, sinograms + torch.randn_like(sinograms)


# %%
# The network
# -----------
# Two small convolutions a step. The gradient is divided by the square of the operator's norm, so
# that it has the size of an image.


class Correction(nn.Module):
    """Change an image by what a small network makes of it and of the gradient."""

    def __init__(self, channels=16):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(2, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, 1, 3, padding=1),
        )

    def forward(self, x, gradient):
        return x + self.net(torch.cat([x, gradient], dim=1))


class Network(nn.Module):
    """Learned filtered backprojection and corrections, from sinogram to image."""

    def __init__(self, A, steps=3):
        super().__init__()
        self.A = A
        self.start = tr.FilteredBackprojection(A.volume, A.scan, "hann", learnable=True)
        self.corrections = nn.ModuleList(Correction() for _ in range(steps))
        self.scale = 1 / tr.linear.operator_norm(A, device=device) ** 2

    def forward(self, y):
        x = self.start(y)
        for correction in self.corrections:
            x = correction(x, self.scale * self.A.T(self.A(x) - y))
        return x


network = Network(A).to(device)
print(f"{sum(p.numel() for p in network.parameters())} parameters")

# %%
# Training
# --------
# Derivatives pass through all projectors, and are exact, since ``A.T`` is the exact transpose of
# ``A``. The training data are drawn beforehand, since drawing takes longer than learning.

images, sinograms = draw(256)
optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
steps = 300
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
losses = []
for _ in range(steps):
    chosen = torch.randint(len(images), (8,), device=device)
    loss = (network(sinograms[chosen]) - images[chosen]).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    schedule.step()
    losses.append(loss.detach())
losses = torch.stack(losses).cpu()

# %%
# Images that it never saw
# ------------------------
# The competitors are filtered backprojection with the best of its cutoffs, and total variation,
# which is made for flat regions such as these, with the best of its weights. Both choose by the
# error of these very images, which flatters them. A little training brings the network close to
# total variation, with three projections an image in place of a hundred.

truth, y = draw(8)


def rms(x):
    """Error over all images."""
    return (x - truth).square().mean().sqrt().item()


def total_variation(weight):
    """Least squares with total variation, not negative."""
    return tr.solvers.pdhg(
        A,
        y,
        iterations=100,
        regularizer=tr.regularization.TV(weight),
        constraint=tr.regularization.NonNegative(),
    ).x


with torch.no_grad():
    learned = network(y)
analytic = min((tr.fbp(A, y, "hann", cutoff) for cutoff in (0.2, 0.3, 0.4, 0.6, 1.0)), key=rms)
variation = min((total_variation(weight) for weight in (2.0, 4.0, 8.0)), key=rms)

results = {"truth": truth, "FBP": analytic, "total variation": variation, "network": learned}
figure, panels = plt.subplots(3, 4, figsize=(9, 7), layout="constrained")
for column, (name, batch) in zip(panels.T, results.items(), strict=True):
    for panel, image in zip(column, batch[:, 0], strict=False):
        panel.imshow(image.cpu(), cmap="gray", vmin=0, vmax=1.2)
        panel.axis("off")
    column[0].set_title(name if name == "truth" else f"{name}\nRMS {rms(batch):.3f}")
    print(f"{name:>15}: RMS {rms(batch):.3f}")

# %%
# What it learned
# ---------------

figure, panels = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
panels[0].semilogy(losses)
panels[0].set(xlabel="step", title="mean squared error in training")
fresh = tr.FilteredBackprojection(volume, scan, "hann", learnable=True)
panels[1].plot(fresh.response.detach().cpu(), label="Hann")
panels[1].plot(network.start.response.detach().cpu(), label="learned")
panels[1].set(xlabel="frequency", title="response of the filter")
panels[1].legend()
plt.show()
