"""
Filtered backprojection
=======================

From a sinogram to an image in one step, and how to choose a filter when the data are noisy.

Backprojection alone smears: it counts low frequencies more often than high ones. The ramp filter
undoes this exactly [1]_, and amplifies noise with the frequency. The other filters bend the ramp
down towards the highest frequencies: less noise, less detail.

.. [1] A. C. Kak and M. Slaney, Principles of Computerized Tomographic Imaging, IEEE Press, 1988.
"""

# %%
# A noisy scan
# ------------
# The closed form of the phantom's projections stands for the object, so that nothing of our own
# pixel grid is in the data. Each detector pixel counts photons: 1500 arrive where nothing is in
# the way.

import math

import matplotlib.pyplot as plt
import torch

import torch_radon as tr

device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)

volume = tr.Volume((256, 256), spacing=0.5)
scan = tr.parallel_beam(torch.linspace(0, math.pi, 401)[:-1], columns=368, spacing=0.5)
A = tr.Projector(volume, scan).to(device)

phantom = tr.phantoms.shepp_logan(size=volume.extent[0]) * 0.04  # attenuation per mm
truth = phantom.rasterize(volume, device=device)
clean = phantom.project(scan, device=device)

photons = 1.5e3
counts = torch.poisson(photons * torch.exp(-clean)).clamp_min(1)
noisy = -torch.log(counts / photons)

# %%
# The filters
# -----------
# Without noise the ramp is the sharpest and the most exact. With this much noise it is the worst.

filters = ("ramp", "shepp-logan", "cosine", "hamming", "hann")
figure, panels = plt.subplots(2, 5, figsize=(13, 5.6), layout="constrained")
for row, (name, sinogram) in zip(panels, {"clean": clean, "noisy": noisy}.items(), strict=True):
    for panel, filter_name in zip(row, filters, strict=True):
        image = tr.fbp(A, sinogram, filter=filter_name)
        rms = (image - truth).square().mean().sqrt().item()
        panel.imshow(image.cpu(), cmap="gray", vmin=0, vmax=0.02)
        panel.set_title(f"{name}, {filter_name}\nRMS {rms:.2e} per mm", fontsize=9)
        panel.axis("off")
        print(f"{name:>5} {filter_name:>12}: RMS {rms:.2e} per mm")

# %%
# The cutoff
# ----------
# ``cutoff`` ends the filter at a fraction of the detector's highest frequency. Between too noisy
# and too smooth there is a best one, which depends on the dose.

cutoffs = torch.linspace(0.2, 1.0, 9)
errors = [
    (tr.fbp(A, noisy, filter="hann", cutoff=float(c)) - truth).square().mean().sqrt().item()
    for c in cutoffs
]
figure, panel = plt.subplots(figsize=(5, 3.2), layout="constrained")
panel.plot(cutoffs, errors, "o-")
panel.set_xlabel("cutoff of the Hann filter, relative to the highest frequency")
panel.set_ylabel("RMS error per mm")

# %%
# Where the error is
# ------------------

best = float(cutoffs[errors.index(min(errors))])
error = tr.fbp(A, noisy, filter="hann", cutoff=best) - truth
figure, panel = plt.subplots(figsize=(4.6, 3.8), layout="constrained")
drawn = panel.imshow(error.cpu(), cmap="RdBu", vmin=-0.01, vmax=0.01)
panel.set_title(f"error of hann, cutoff {best:.1f}")
figure.colorbar(drawn, ax=panel)
plt.show()
