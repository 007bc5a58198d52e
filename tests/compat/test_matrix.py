"""TorchRadon's test matrix, at our tolerances: ASTRA, both directions, half precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compat.setups import ANGLES, FAN, PARALLEL, Indices, Setup
from measures import dot_mismatch, double, entries, relative_l2, relative_max

pytest.importorskip("astra")

# Rays that ASTRA projects, at random; its `linear` takes too long for all of them.
WITNESSED = 80
# Views of the batches and of what is done in float64. Views do not know of each other, and a batch
# of one sees all.
IN_BATCHES, IN_FLOAT64 = 40, 150

matrix = pytest.mark.parametrize("setup", PARALLEL + FAN, ids=str)


@matrix
def test_forward_agrees_with_astra(setup: Setup, device: str, rng: np.random.Generator) -> None:
    batches = (1, 8, 16) if setup.distances is None else (1, 8)
    images = rng.uniform(size=(max(batches), setup.size, setup.size)).astype(np.float32)
    data = torch.from_numpy(images).to(device)
    whole = setup.radon()
    total = len(whole.angles)
    for batch in batches:
        views = np.arange(total)
        if batch > 1:
            views = rng.permutation(total)[:IN_BATCHES]
        radon = whole if batch == 1 else setup.radon(views)
        item = rng.integers(batch)
        sinogram = double(radon.forward(data[:batch])[item])
        seen = (
            rng.integers(len(views), size=WITNESSED),
            rng.integers(radon.det_count, size=WITNESSED),
        )
        expected = setup.astra(images[item], views[seen[0]], seen[1])
        assert relative_max(sinogram[seen], expected) <= 1e-4, batch


def _some_views(setup: Setup, rng: np.random.Generator) -> Indices:
    return rng.permutation(len(ANGLES[setup.angles]))[:IN_FLOAT64]


@matrix
def test_dot_test(
    setup: Setup, device: str, rng: np.random.Generator, generator: torch.Generator
) -> None:
    radon = setup.radon(_some_views(setup, rng))
    assert dot_mismatch(radon, torch.float32, device, generator) <= 1e-6
    assert dot_mismatch(radon, torch.float64, device, generator) <= 1e-13


@matrix
def test_half_precision(
    setup: Setup, device: str, rng: np.random.Generator, generator: torch.Generator
) -> None:
    radon = setup.radon(_some_views(setup, rng))
    image = torch.rand(1, setup.size, setup.size, generator=generator).half().to(device)
    sinogram = radon.forward(image)
    assert sinogram.dtype is torch.float16
    assert relative_l2(sinogram, radon.forward(image.double())) <= 3e-4
    # Divided by the views, or sums over them would exceed what float16 holds.
    rows = (sinogram.float() / len(radon.angles)).half()
    assert relative_l2(radon.backprojection(rows), radon.backprojection(rows.double())) <= 3e-4


def _shapes() -> list[Setup]:
    """Each kind of geometry once, of one size."""
    return [setup for setup in PARALLEL + FAN if setup.size == 128]


@pytest.mark.parametrize("setup", _shapes(), ids=str)
def test_every_entry_of_the_adjoint(setup: Setup, device: str, rng: np.random.Generator) -> None:
    radon = setup.radon(rng.permutation(50)[:6], size=int(rng.integers(9, 20)))
    for dtype, tolerance in ((torch.float32, 2e-6), (torch.float64, 1e-13)):
        matrix = entries(radon, dtype, device)
        assert relative_max(entries(radon.T, dtype, device).T, matrix) <= tolerance
