"""How much of the paper a run repeats."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from workloads import Case

from reproduction.job import Device


@dataclass(frozen=True)
class Scale:
    """Sizes and iterations; the defaults are the paper's.

    Attributes
    ----------
    cases : tuple of Case
        Of the speed table.
    size : int
        Pixels a side for filtered backprojection, half precision and shearlets.
    iterative_size, iterations
        Of Landweber's iteration and conjugate gradients.
    shearlet_scales : int
        Each with alpha = 1/2.
    shearlet_batch : int
    limited_size, limited_scales, limited_iterations
        Of the limited-angle experiment.
    repeats : int
        Timed calls of each, at most.
    limit : float
        Seconds for one call of a part.
    """

    cases: tuple[Case, ...]
    size: int = 512
    iterative_size: int = 512
    iterations: int = 500
    shearlet_scales: int = 5
    shearlet_batch: int = 8
    limited_size: int = 512
    limited_scales: int = 5
    limited_iterations: int = 80
    repeats: int = 10
    limit: float = 90.0


def speed_cases(sizes: dict[int, tuple[int, ...]]) -> tuple[Case, ...]:
    """Both beams and both types for the batches of each size; as many views as pixels a side."""
    return tuple(
        Case(beam, size, size, batch, dtype)
        for beam in ("parallel", "fan")
        for size, batches in sizes.items()
        for batch in batches
        for dtype in (torch.float32, torch.float16)
    )


ON_GPU = speed_cases({128: (1, 32), 256: (1, 32, 128), 512: (1, 32), 1024: (1, 16)})
ON_CPU = speed_cases({128: (1, 8), 256: (1, 8)})

SCALES = {
    # A smoke test: every line runs, no figure means anything.
    "quick": Scale(
        cases=speed_cases({32: (2,)}),
        size=64,
        iterative_size=32,
        iterations=5,
        shearlet_scales=2,
        shearlet_batch=1,
        limited_size=64,
        limited_scales=2,
        limited_iterations=2,
        repeats=1,
    ),
    # Some minutes on a laptop: the paper's sizes where a CPU takes seconds, smaller ones elsewhere.
    "reduced": Scale(
        cases=ON_CPU,
        iterative_size=256,
        iterations=50,
        shearlet_batch=1,
        limited_size=256,
        limited_scales=4,
        limited_iterations=40,
        repeats=3,
        limit=600.0,
    ),
    "whole": Scale(cases=ON_GPU),
}


def scale_of(name: str, device: Device) -> Scale:
    """Return a scale by name; on a CPU the whole paper has a small table of speeds and time."""
    scale = SCALES[name]
    if name == "whole" and device == "cpu":
        return Scale(cases=ON_CPU, shearlet_batch=1, repeats=3, limit=3600.0)
    return scale
