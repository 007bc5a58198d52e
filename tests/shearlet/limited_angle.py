"""Shearlet-regularised reconstruction from a wedge of angles, as the TorchRadon paper has it.

The paper's set-up, with what it leaves open: 512 columns of spacing 1, no weight on the low-pass
filter, a split for f >= 0 with unit penalty, inner conjugate gradients that start from the last
image.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

import torch_radon as tr
from torch_radon.linear import Identity
from torch_radon.shearlet import ShearletTransform, soft_threshold
from torch_radon.solvers import conjugate_gradient

P0, P1 = 0.02, 0.1


class Experiment(NamedTuple):
    truth: Tensor
    A: tr.Projector
    S: ShearletTransform
    weights: Tensor


def experiment(side: int, scales: int, views: int, device: str, dtype: torch.dtype) -> Experiment:
    """A disc seen from 100 degrees, at any size."""
    at = torch.arange(side) - (side - 1) / 2
    truth = (at[:, None] ** 2 + at**2 <= (100 * side / 512) ** 2).to(device, dtype)
    angles = math.radians(100) * (torch.arange(views, dtype=torch.float64) / views - 0.5)
    scan = tr.parallel_beam(angles, columns=side)
    A = tr.Projector(tr.Volume((side, side)), scan).to(device)
    S = ShearletTransform(side, side, [0.5] * scales).to(device)
    weights = S.per_filter([0.0, *(3**scale / 400 for scale in range(scales))])
    return Experiment(truth, A, S, weights.to(dtype))


def reconstruct(problem: Experiment, iterations: int) -> Tensor:
    """The image after so many iterations of ADMM, from the projections of the truth."""
    truth, A, S, weights = problem
    system = P0 * (A.T @ A) + (1 + P1) * Identity(A.domain_shape)
    seen = P0 * A.T(A(truth))
    image = torch.zeros_like(truth)
    coefficients = torch.zeros(S.range_shape, dtype=truth.dtype, device=truth.device)
    z, u = coefficients, coefficients
    positive, v = image, image
    for _ in range(iterations):
        target = seen + P1 * S.T(z - u) + positive - v
        image = conjugate_gradient(
            system, target, iterations=50, x0=image, tolerance=1e-5, check_every=4
        ).x
        coefficients = S(image)
        z = soft_threshold(coefficients + u, P0 / P1 * weights)
        u = u + coefficients - z
        positive = (image + v).clamp_min(0)
        v = v + image - positive
    return image
