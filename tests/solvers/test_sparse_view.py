"""Few views and few photons: total variation against the best filtered backprojection."""

from __future__ import annotations

import numpy as np
import torch

import torch_radon as tr
from torch_radon import solvers
from torch_radon.analytic.filters import FILTER_NAMES
from torch_radon.regularization import TV, NonNegative


def test_total_variation_is_six_decibels_better(generator: torch.Generator, device: str) -> None:
    """FORBILD head in 256 x 256 pixels, 40 views, 1e5 photons a ray, closed-form data."""
    volume = tr.Volume((256, 256))
    scan = tr.parallel_beam(np.arange(40) * np.pi / 40, 363)
    head = 0.0193 * tr.phantoms.forbild_head(size=256.0)
    truth = head.rasterize(volume, dtype=torch.float64)
    counts = torch.poisson(
        1e5 * torch.exp(-head.project(scan, dtype=torch.float64)), generator=generator
    )
    y = -torch.log(counts.clamp_min(1) / 1e5).float().to(device)
    A = tr.Projector(volume, scan).to(device)

    def psnr(image: torch.Tensor) -> float:
        error = (image.double().cpu() - truth).square().mean()
        return float(10 * torch.log10(truth.max() ** 2 / error))

    best = max(
        psnr(tr.fbp(A, y, filter=name, cutoff=float(cutoff)))
        for name in FILTER_NAMES
        for cutoff in np.linspace(0.1, 1.0, 10)
    )
    found = solvers.pdhg(A, y, iterations=120, regularizer=TV(0.2), constraint=NonNegative())
    assert best > 21
    assert psnr(found.x) >= best + 6
