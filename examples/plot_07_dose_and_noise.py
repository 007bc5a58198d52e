"""
Dose and noise
==============

An X-ray image is made of photons, and few photons make a noisy one: of :math:`\\lambda` that are
expected, :math:`\\lambda \\pm \\sqrt\\lambda` arrive. Behind the logarithm this is a standard
deviation of :math:`1 / \\sqrt\\lambda` of the line integral [1]_, so that rays through bone are
noisy while rays beside the object hardly are. This page scans a head with less and less dose, looks
at what a detector adds, and fits an image to the counts themselves.

.. [1] T. M. Buzug, Computed Tomography, Springer, 2008, section 9.
"""

# %%
# Less dose, more noise
# ---------------------
# The closed form of the head's projections stands for the head. ``photons`` is what a detector
# pixel would count with nothing in the beam. Ten times fewer make the error
# :math:`\sqrt{10}` times larger, until rays die out and the image is streaked and wrong.

import math

import matplotlib.pyplot as plt
import torch

import torch_radon as tr
from torch_radon import physics

device = "cuda" if torch.cuda.is_available() else "cpu"
generator = torch.Generator(device).manual_seed(0)
WATER = 0.019  # attenuation per mm at 70 keV

volume = tr.Volume((192, 192), spacing=1.3)
scan = tr.fan_beam(
    torch.linspace(0, 2 * math.pi, 361)[:-1],
    320,
    1.4,
    source_distance=600.0,
    detector_distance=450.0,
)
A = tr.Projector(volume, scan).to(device)
head = tr.phantoms.forbild_head(size=240.0) * WATER
truth = head.rasterize(volume, device=device)
lines = head.project(scan, device=device)


def hounsfield(panel, image, title):
    """Show a narrow window around water."""
    values = physics.to_hounsfield(image, WATER).cpu()
    panel.imshow(values, cmap="gray", vmin=-100, vmax=200)
    panel.set_title(title, fontsize=9)
    panel.axis("off")


exact = tr.fbp(A, lines, filter="hann")
doses = (1e6, 1e5, 1e4, 1e3)
figure, panels = plt.subplots(1, 4, figsize=(13, 3.6), layout="constrained")
for panel, dose in zip(panels, doses, strict=True):
    counts = physics.poisson_noise(physics.lines_to_counts(lines, dose), generator=generator)
    image = tr.fbp(A, physics.counts_to_lines(counts, dose), filter="hann")
    noise = physics.rmse_hu(image, exact, WATER)
    hounsfield(panel, image, f"{dose:.0e} photons: noise of {noise:.0f} HU")
    print(f"{dose:9.0f} photons: noise {noise:6.1f} HU, SSIM {physics.ssim(image, truth):.3f}")

# %%
# What a detector counts
# ----------------------
# With ten photons the Poisson distribution is skew. A normal distribution of the same mean and
# variance is what gradients can pass through, but it has negative counts. A detector that adds up
# energies and has electronic noise spreads wider than both: no two photons count alike (the Swank
# factor), and what the electronics add is there without any photon.

expected = torch.full((200_000,), 10.0, device=device)
samples = {
    "Poisson": physics.poisson_noise(expected, generator=generator),
    "normal": physics.gaussian_noise(expected, generator=generator),
    "energies and electronics": physics.compound_noise(
        expected, swank=0.8, electronic_noise=2.0, generator=generator
    ),
}
figure, panel = plt.subplots(figsize=(7, 3.2), layout="constrained")
for name, sample in samples.items():
    panel.hist(sample.cpu(), bins=torch.arange(-8.5, 35).tolist(), histtype="step", label=name)
    print(f"{name:>25}: mean {sample.mean():.2f}, variance {sample.var():.2f}")
panel.set(xlabel="signal in photons", yticks=[])
panel.legend()

# %%
# From photons to readings
# ------------------------
# A detector does more: light leaks into neighbouring pixels and into later views, and the converter
# rounds. Cross-talk makes the noise of neighbours alike, so that it looks coarser and smaller; it
# blurs the object just as much. The variance map knows.

detector = physics.Detector(
    gain=0.2, electronic_noise=2.0, dark=100.0, cross_talk=0.12, afterglow=[(0.05, 3.0)], step=1.0
)
mean = physics.lines_to_counts(lines, 2e3)
readings = detector.read(mean.expand(20, -1, -1), before=2e3, generator=generator)
found, theory = readings.var(0).mean(), detector.variance(mean).mean()
print(f"variance of readings: {found:.2f}, expected {theory:.2f}")

# %%
# Fit the counts
# --------------
# At so low a dose the logarithm is the weak point: it needs photons, and what it makes of two or
# three is biased. The shifted Poisson likelihood compares expected and measured counts instead,
# electronic noise included. Some steps of Adam from the analytic image are enough to see it; a
# penalty on differences of neighbours keeps the image smooth.

dose, electronic = 1e3, 5.0
mean = physics.lines_to_counts(lines, dose)
counts = physics.compound_noise(mean, electronic_noise=electronic, generator=generator)
analytic = tr.fbp(A, physics.counts_to_lines(counts, dose), filter="hann")

fitted = analytic.clamp_min(0).requires_grad_()
optimizer = torch.optim.Adam([fitted], lr=5e-4)
for _ in range(40):
    optimizer.zero_grad()
    model = physics.lines_to_counts(A(fitted), dose, check=False)
    misfit = physics.shifted_poisson_nll(
        model, counts, electronic_noise=electronic, reduction="sum"
    )
    roughness = (fitted.diff(dim=0).square().sum() + fitted.diff(dim=1).square().sum()) * 1e6
    (misfit + roughness).backward()
    optimizer.step()
    fitted.data.clamp_min_(0)
fitted = fitted.detach()

figure, panels = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
hounsfield(panels[0], truth, "truth")
for panel, (name, image) in zip(
    panels[1:], {"FBP": analytic, "likelihood": fitted}.items(), strict=True
):
    error = physics.rmse_hu(image, truth, WATER)
    hounsfield(panel, image, f"{name}: {error:.0f} HU")
    print(
        f"{name:>10}: {error:5.0f} HU, {physics.psnr(image, truth):.1f} dB, "
        f"SSIM {physics.ssim(image, truth):.3f}"
    )
plt.show()

# %%
# On the command line ``torch-radon simulate`` writes such scans as raw counts with dark and flat
# fields::
#
#     torch-radon simulate -o scan.h5 --photons 1e3 --gain 0.2 --electronic-noise 2 --swank 0.9
