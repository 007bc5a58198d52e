"""
Projection, adjoint and gradient
================================

What a scanner measures, the transpose of the measurement, and why the transpose must be exact.

A detector pixel measures the integral of the attenuation along one ray. Collected over all rays
this is a linear map, :math:`y = Ax`. Every method that improves an image step by step needs its
transpose as well: the gradient of :math:`\\tfrac12 |Ax - y|^2` is :math:`A^\\mathsf{T}(Ax - y)`.
"""

# %%
# The scanner
# -----------
# Two objects say what was scanned: the grid of pixels and the rays. All lengths are in one unit
# of our choice, say millimetres. Here a fan beam turns around a head of 200 mm.

import math

import matplotlib.pyplot as plt
import torch

import torch_radon as tr

device = "cuda" if torch.cuda.is_available() else "cpu"

volume = tr.Volume((256, 256), spacing=0.8)
scan = tr.fan_beam(
    torch.linspace(0, 2 * math.pi, 361)[:-1],
    columns=400,
    spacing=1.2,
    source_distance=500.0,
    detector_distance=400.0,
)
print(volume)
print(scan)

axes = scan.draw(volume)
axes.set_title("Some of the 360 views")

# %%
# Forward projection
# ------------------
# The phantom's projections are known in closed form, which shows what the pixel grid costs:
# little, and most of it where rays graze the skull.

phantom = tr.phantoms.shepp_logan(size=volume.extent[0])
image = phantom.rasterize(volume, device=device)

A = tr.Projector(volume, scan).to(device)
sinogram = A(image)
exact = phantom.project(scan, device=device)

figure, panels = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
for panel, picture, title in zip(
    panels,
    (image, sinogram, sinogram - exact),
    ("phantom", "its sinogram", "projected pixels - closed form"),
    strict=True,
):
    drawn = panel.imshow(picture.cpu(), cmap="gray", aspect="auto")
    panel.set_title(title)
    figure.colorbar(drawn, ax=panel)
panels[0].set_aspect("equal")

rms = (sinogram - exact).square().mean().sqrt() / exact.square().mean().sqrt()
print(f"relative RMS difference from the closed form: {rms:.2e}")

# %%
# Adjoint
# -------
# ``A.T`` is the transpose of the matrix that ``A`` applies. The dot test compares both sides of
# :math:`\langle Ax, y\rangle = \langle x, A^\mathsf{T}y\rangle`; in float64 they agree to the
# last digits.

print(f"dot test: {tr.dot_test(A, device=device):.1e}")

# %%
# Gradient
# --------
# So the gradient that PyTorch computes through the projector is the one of the formula.

guess = torch.zeros_like(image, requires_grad=True)
loss = 0.5 * (A(guess) - sinogram).square().sum()
loss.backward()

formula = A.T(A(guess.detach()) - sinogram)
print("gradient equals the formula:", torch.allclose(guess.grad, formula))

figure, panel = plt.subplots(figsize=(4, 3.6), layout="constrained")
panel.imshow(-guess.grad.cpu(), cmap="gray")
panel.set_title("the first step downhill: $A^T y$")
plt.show()
