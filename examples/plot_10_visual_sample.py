"""
One object, many scanners
=========================

What sinogram, backprojection and reconstruction look like for every beam and range of views.

Backprojection spreads each projection back over the rays that it came from. Their sum is a blurred
image; filtering the projections before takes the blur away. Both work for any scan that sees every
line through the object at least once: half a turn of a parallel beam, a little more of a fan, a
full turn of a fan whose detector covers only half of the object.
"""

# %%
# The scanners
# ------------
# A head of 200 mm. Lengths are in millimetres, angles in radians. Every 45th view is drawn: its
# detector in blue, its source in red, and for the first one the rays to the middle and the edges.

import math

import matplotlib.pyplot as plt
import torch

import torch_radon as tr

device = "cuda" if torch.cuda.is_available() else "cpu"

volume = tr.Volume((200, 200))
phantom = tr.phantoms.shepp_logan(size=200.0)
truth = phantom.rasterize(volume, device=device)


def views(span, count=360):
    """Angles over a range."""
    return torch.arange(count, dtype=torch.float64) / count * span


fan = {"source_distance": 400.0, "detector_distance": 300.0}
turn, short = 2 * math.pi, math.pi + 2 * math.asin(110 / 400)
scans = {
    "parallel": tr.parallel_beam(views(math.pi), 256),
    "fan, full turn": tr.fan_beam(views(turn), 280, 1.5, **fan),
    "fan, short scan": tr.fan_beam(views(short), 280, 1.5, **fan),
    "fan, half detector": tr.fan_beam(views(turn), 150, 1.5, **fan, detector_offset=90.0),
    "fan, curved": tr.fan_beam(views(turn), 280, 1.5, **fan, curved=True),
}

figure, panels = plt.subplots(1, len(scans), figsize=(16, 3.6), layout="constrained")
for panel, (name, scan) in zip(panels, scans.items(), strict=True):
    scan[::45].draw(volume, panel).get_legend().remove()
    panel.set_title(name)

# %%
# What they see, and what comes of it
# -----------------------------------
# A point of the object draws a sine in a parallel beam, hence the name, and a bent one in a fan.
# The closed form of the phantom's projections stands for the object.

figure, panels = plt.subplots(3, len(scans), figsize=(15, 9), layout="constrained")
for column, (name, scan) in zip(panels.T, scans.items(), strict=True):
    A = tr.Projector(volume, scan).to(device)
    sinogram = phantom.project(scan, device=device)
    image = tr.fbp(A, sinogram)
    rms = (image - truth).square().mean().sqrt().item()
    column[0].imshow(sinogram.cpu(), cmap="gray", aspect="auto")
    column[0].set_title(name)
    column[1].imshow(tr.fbp(A, sinogram, filter=None).cpu(), cmap="gray")
    column[2].imshow(image.cpu(), cmap="gray", vmin=0, vmax=0.5)
    column[2].set_title(f"RMS {rms:.3f}", fontsize=10)
    for panel in column:
        panel.set_xticks([])
        panel.set_yticks([])
    print(f"{name:>18}: {scan.shape[0]} views of {scan.columns} columns, RMS {rms:.3f}")
for panel, label in zip(
    panels[:, 0], ("sinogram", "backprojection", "filtered backprojection"), strict=True
):
    panel.set_ylabel(label)

# %%
# Half precision
# --------------
# Sinograms stored in float16 take half the memory and bandwidth, and their rounding is far below
# what the pixels themselves cost: the image hardly differs.

A = tr.Projector(volume, scans["parallel"]).to(device)
wide = tr.fbp(A, A(truth))
half = tr.fbp(A, A(truth.half())).float()
figure, panels = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained")
for panel, picture, title, limits in zip(
    panels,
    (wide, half, half - wide),
    ("float32", "float16", "difference"),
    ((0, 0.5), (0, 0.5), (-2e-3, 2e-3)),
    strict=True,
):
    drawn = panel.imshow(picture.cpu(), cmap="gray", vmin=limits[0], vmax=limits[1])
    panel.set_title(title)
    panel.axis("off")
    figure.colorbar(drawn, ax=panel)
plt.show()

for name, image in (("float32", wide), ("float16", half)):
    print(f"{name}: RMS error {(image - truth).square().mean().sqrt().item():.5f}")
