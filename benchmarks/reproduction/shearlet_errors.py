"""The shearlet transform's distance from AlphaTransform, in single and in double precision."""

from __future__ import annotations

import math

import numpy as np
import torch
from harness import relative_error
from shearlets import alpha_transform
from torch import Tensor

from reproduction.job import Device, Job, Outcome
from reproduction.scale import Scale
from torch_radon.shearlet import ShearletTransform


def jobs(scale: Scale, device: Device, image: Tensor) -> list[Job]:
    """One call for both types, which share AlphaTransform's filters."""
    return [Job("torch_radon", measure, [(image, device, scale.shearlet_scales)])]


def measure(image: Tensor, device: Device, scales: int) -> Outcome:
    """A row a type: relative L2 distances of coefficients, adjoint and reconstruction."""
    size = len(image)
    forward, adjoint = alpha_transform(size, scales, use_fftw=False)
    truth = image.double()[None]
    theirs = forward(truth)[0]
    back = adjoint(theirs[None])[0]
    ours = ShearletTransform(size, size, [0.5] * scales).to(device)
    found: dict[str, tuple[Tensor, Tensor, Tensor]] = {"AlphaTransform": (theirs, back, back)}
    for dtype in (torch.float64, torch.float32):
        coefficients = ours(image.to(device, dtype))
        spread, restored = ours.T(theirs.to(device, dtype)), ours.T(coefficients)
        name = str(dtype).removeprefix("torch.")
        found[name] = (coefficients.cpu(), spread.cpu(), restored.cpu())
    exact = _distances_from_exact(image, ours, {name: each[0] for name, each in found.items()})
    return Outcome(
        [
            {
                "library": name if name == "AlphaTransform" else "torch_radon",
                "dtype": "float64" if name == "AlphaTransform" else name,
                "coefficients": relative_error(coefficients, theirs),
                "adjoint": relative_error(spread, back),
                "reconstruction": relative_error(restored, truth[0]),
                "coefficients, from exact": exact[name],
            }
            for name, (coefficients, spread, restored) in found.items()
        ]
    )


def _distances_from_exact(
    image: Tensor, transform: ShearletTransform, found: dict[str, Tensor]
) -> dict[str, float]:
    """Distances from the same coefficients in NumPy's longest type, a filter after the other."""
    spectrum = np.fft.fft2(image.numpy().astype(np.longdouble))
    total, wrong = 0.0, dict.fromkeys(found, 0.0)
    for number in range(len(transform.shearlets)):
        response = transform.spectrum(number).cpu().double().numpy()
        exact = np.fft.ifft2(spectrum * response).real
        total += float((exact**2).sum())
        for name, coefficients in found.items():
            wrong[name] += float(((coefficients[number].double().numpy() - exact) ** 2).sum())
    return {name: math.sqrt(value / total) for name, value in wrong.items()}
