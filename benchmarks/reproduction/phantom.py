"""The image that is reconstructed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import torch_radon as tr

SIZE = 512


def load(path: Path | None) -> Tensor:
    """Read the paper's image from a ``.npy`` file, or draw our own Shepp-Logan head of its size.

    Ours is the mean over each pixel, so that its edges are softer than the paper's, and errors come
    out smaller.
    """
    if path is None:
        return tr.phantoms.shepp_logan(float(SIZE)).rasterize(tr.Volume((SIZE, SIZE)))
    image = torch.from_numpy(np.load(path)).float()
    if image.shape != (SIZE, SIZE):
        raise ValueError(f"{path.name} must hold {(SIZE, SIZE)} pixels, got {tuple(image.shape)}")
    return image


def resized(image: Tensor, size: int) -> Tensor:
    """Average pixels down to `size` a side."""
    factor = len(image) // size
    return image.unfold(0, factor, factor).unfold(1, factor, factor).mean((-1, -2))
