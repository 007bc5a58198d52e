"""
Removing rings from a scan
==========================

A detector pixel that answers a little more or less than its flat field says draws a line along all
views of the sinogram, a *stripe*, and filtered backprojection turns each stripe into a ring about
the rotation axis. Two published methods take stripes out of a sinogram: sorting [1]_ and
wavelet-Fourier filtering [2]_.

The scan is that of a tooth, sample data of TomoPy, if the environment variable
``TORCH_RADON_DATA`` names a folder with ``tooth.h5`` or the folder ``../shared/data`` beside the
checkout has it; else a simulated one with the same trouble.

.. [1] N. T. Vo, R. C. Atwood and M. Drakopoulos, Opt. Express 26 (2018) 28396.
.. [2] B. Münch, P. Trtik, F. Marone and M. Stampanoni, Opt. Express 17 (2009) 8567.
"""

# %%
# From counts to a sinogram
# -------------------------
# A real scan has a few defects more. Dead pixels are interpolated and single readings that are far
# too bright replaced, before the logarithm.

import math
import os
from pathlib import Path

import matplotlib.pyplot as plt
import torch

import torch_radon as tr
from torch_radon.data import (
    axis_offset,
    find_center,
    line_integrals,
    open_data_exchange,
    remove_stripes_sorting,
    remove_stripes_wavelet,
    remove_zingers,
    repair_dead,
)

device = "cuda" if torch.cuda.is_available() else "cpu"


def simulated():
    """Counts of a phantom on a detector whose pixels drifted by 2 % since the flat fields."""
    generator = torch.Generator().manual_seed(0)
    angles = torch.linspace(0, math.pi, 361, dtype=torch.float64)[:-1]
    rays = tr.parallel_beam(angles, 400, axis_offset=axis_offset(203.0, 400))
    lines = 0.01 * tr.phantoms.random_ellipses(seed=3, size=350.0).project(rays)
    beam = 1e4 * (1 + 0.05 * torch.randn(400, generator=generator))
    drift = 1 + 0.02 * torch.randn(400, generator=generator)
    counts = torch.poisson(beam * drift * torch.exp(-lines), generator=generator)
    flat = torch.poisson(beam.expand(20, 1, 400), generator=generator)
    return tr.data.Readings(counts[:, None], flat, torch.zeros(20, 1, 400), angles)


places = [Path(os.environ.get("TORCH_RADON_DATA", "."))]
places += [folder / "shared" / "data" for folder in Path.cwd().parents]
found = [place / "tooth.h5" for place in places if (place / "tooth.h5").is_file()]
if found:
    with open_data_exchange(found[0]) as file:
        readings = file.read(slice(0, 1))
else:
    readings = simulated()
print("a scan of a tooth" if found else "a simulated scan", readings.shape)

readings, dead = repair_dead(readings.to(device))
readings, zingers = remove_zingers(readings)
print(f"{dead} dead pixels, {zingers} zingers")
plain = line_integrals(readings).sinograms[0]

# %%
# Stripes
# -------
# Both methods look for what changes from column to column but not from view to view. What they take
# away should be stripes and nothing else.

sinograms = {
    "plain": plain,
    "sorting": remove_stripes_sorting(plain),
    "wavelet": remove_stripes_wavelet(plain),
}
figure, panels = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
for panel, (name, sinogram) in zip(panels, sinograms.items(), strict=True):
    shown = plain if name == "plain" else plain - sinogram
    limits = {"vmin": -0.05, "vmax": 0.05} if name != "plain" else {}
    panel.imshow(shown.cpu(), cmap="gray", aspect="auto", **limits)
    panel.set_title("sinogram" if name == "plain" else f"taken out by {name}")
    panel.set(xlabel="column", ylabel="view")

# %%
# Rings
# -----
# The centre of rotation is found once, and every sinogram is reconstructed with it. Rings are what
# is left of the mean over all directions at each distance from the axis when everything that
# changes slowly with the distance is taken out.

views, columns = plain.shape
center = find_center(sinograms["sorting"], readings.angles).center
scan = tr.parallel_beam(readings.angles, columns, axis_offset=axis_offset(center, columns))
volume = tr.Volume((columns, columns))
A = tr.Projector(volume, scan).to(device)
images = {name: tr.fbp(A, sinogram).cpu() for name, sinogram in sinograms.items()}


def ring_strength(image):
    """RMS over the distance of what the mean over directions changes from pixel to pixel."""
    x = torch.from_numpy(volume.coordinates(1))
    distance = torch.hypot(x, x[:, None]).round().long().ravel()
    total = torch.bincount(distance, image.ravel().double())
    profile = (total / torch.bincount(distance))[5 : columns // 2 - 5]
    smooth = profile.unfold(0, 9, 1).median(dim=1).values
    return float((profile[4:-4] - smooth).square().mean().sqrt())


figure, rows = plt.subplots(2, 3, figsize=(12, 8), layout="constrained")
middle = slice(3 * columns // 8, 5 * columns // 8)
low, high = torch.quantile(images["plain"], torch.tensor([0.02, 0.99])).tolist()
for column, (name, image) in enumerate(images.items()):
    strength = ring_strength(image)
    print(f"{name:>8}: rings of {strength:.2e} per pixel")
    for panel, part in zip(rows[:, column], (image, image[middle, middle]), strict=True):
        panel.imshow(part, cmap="gray", vmin=low, vmax=high)
        panel.axis("off")
    rows[0, column].set_title(f"{name}\nrings of {strength:.1e} per pixel")
plt.show()

# %%
# Neither is free of cost: what in the object is itself a ring about the axis, an edge of a centred
# cylinder above all, cannot be told from a stripe. Sorting is the safer first choice; the wavelet
# filter blurs less where nothing is concentric. On the command line this page is::
#
#     torch-radon reconstruct tooth.h5 --repair-dead --zingers 0.25 --rings sorting -o tooth.tif
