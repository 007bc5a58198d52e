"""
Landweber's iteration
=====================

The simplest iterative reconstruction walks downhill:

.. math:: x_{k+1} = x_k + \\tau A^\\mathsf{T} (y - A x_k)

This page chooses the step :math:`\\tau`, makes the walk shorter, and shows when to end it
[1]_ [2]_.

.. [1] L. Landweber, An iteration formula for Fredholm integral equations of the first kind,
   American Journal of Mathematics 73(3), 1951.
.. [2] M. Bertero and P. Boccacci, Introduction to Inverse Problems in Imaging, IOP Publishing,
   1998, chapter 6.
"""

# %%
# A scan
# ------

import math
import warnings

import matplotlib.pyplot as plt
import torch

import torch_radon as tr
from torch_radon.linear import RampFilter, operator_norm

device = "cuda" if torch.cuda.is_available() else "cpu"
generator = torch.Generator().manual_seed(0)

volume = tr.Volume((128, 128))
scan = tr.parallel_beam(torch.linspace(0, math.pi, 129)[:-1], columns=182)
A = tr.Projector(volume, scan).to(device)
truth = tr.phantoms.shepp_logan(size=volume.extent[0]).rasterize(volume, device=device)
y = A(truth)

# %%
# The step
# --------
# The iteration converges for steps below :math:`2 / \lambda`, where :math:`\lambda` is the largest
# eigenvalue of :math:`A^\mathsf{T} A`, the square of the operator's norm. The residual cannot rise
# then. By default `landweber` estimates :math:`\lambda` and takes 0.95 of the bound. Beyond
# the bound the residual grows without limit, and the solver warns. Half of it is faster at first,
# since it meets the large eigenvalues exactly, and slower with all the others.

bound = 2 / operator_norm(A, device=device) ** 2
figure, panel = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
for part in (0.1, 0.5, 0.95, 1.05):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tr.solvers.DivergenceWarning)
        result = tr.solvers.landweber(A, y, iterations=60, step=part * bound)
    panel.semilogy(result.residuals.cpu(), label=f"{part:g}")
    print(f"step {part:4g} of the bound: {result}")
panel.set(xlabel="iteration", ylabel="$|y - A x| / |y|$", ylim=(1e-2, 10))
panel.legend(title="step, part of $2 / \\lambda$")

# %%
# Fewer iterations
# ----------------
# Coarse structures converge at once, fine ones slowly: the eigenvalue of a frequency f falls
# like 1 / f. A ramp filter as the weight of the residual evens them out, which is what filtered
# backprojection does in one step. What is known of the image helps as well, here that it is not
# negative. Conjugate gradients choose directions and steps by themselves.


def walks(y):
    """Run every method, and return its last images and the errors on the way."""
    ramp = RampFilter(A.range_shape, axes=1).to(device)
    methods = {
        "Landweber": (tr.solvers.landweber, {}),
        "not negative": (tr.solvers.landweber, {"constraint": torch.relu}),
        "ramp as weight": (tr.solvers.landweber, {"weights": ramp}),
        "CGLS": (tr.solvers.cgls, {}),
    }
    images, errors = {}, {}
    for name, (solve, options) in methods.items():
        history = []

        def remember(iteration, x, residual, history=history):
            history.append((x - truth).square().mean().sqrt())

        images[name] = solve(A, y, iterations=100, callback=remember, **options).x
        errors[name] = torch.stack(history).cpu()
    return images, errors


images, errors = walks(y)

# %%
# When to stop
# ------------
# With noise the error falls and rises again, since the fine structures that come last are mostly
# noise. When to stop is the only parameter, and the faster the walk the sooner it must end.

noisy_images, noisy_errors = walks(y + 0.3 * torch.randn(y.shape, generator=generator).to(device))

figure, panels = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained", sharey=True)
for panel, title, histories in zip(
    panels, ("without noise", "with noise"), (errors, noisy_errors), strict=True
):
    for name, history in histories.items():
        best = int(history.argmin())
        (line,) = panel.loglog(range(1, 101), history, label=name)
        panel.plot(best + 1, history[best], "o", color=line.get_color())
        print(f"{title}, {name}: smallest error {history[best]:.4f} after {best + 1} iterations")
    panel.set(title=title, xlabel="iteration")
panels[0].set_ylabel("RMS error")
panels[0].legend()

# %%
# The images
# ----------
# After 100 iterations, without and with noise.

figure, panels = plt.subplots(2, 4, figsize=(12, 6.4), layout="constrained")
for row, batch, history in zip(panels, (images, noisy_images), (errors, noisy_errors), strict=True):
    for panel, (name, image) in zip(row, batch.items(), strict=True):
        panel.imshow(image.cpu(), cmap="gray", vmin=0, vmax=0.5)
        panel.set_title(f"{name}, RMS {history[name][-1]:.3f}", fontsize=10)
        panel.axis("off")
plt.show()
