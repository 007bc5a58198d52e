"""Seeded generators on any device, and how sample moments are judged."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

# A true model fails a test at this level once in a thousand seeds; ours are fixed.
LEVEL = 1e-3
# Standard errors that a sample moment may be off: once in 15,000 seeds.
ERRORS = 4.0
DOSES = (10.0, 100.0, 1e3, 1e4, 1e5, 1e6)


def seeded(device: str, seed: int = 0) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def check_moments(
    sample: NDArray[np.float64], mean: float, variance: float, kurtosis: float = 3.0
) -> None:
    """Mean and variance of a sample against the true ones; the kurtosis is that of theory too."""
    n = sample.size
    assert abs(sample.mean() - mean) < ERRORS * np.sqrt(variance / n)
    deviation = variance * np.sqrt((kurtosis - 1) / n)
    assert abs(np.mean((sample - mean) ** 2) - variance) < ERRORS * deviation
