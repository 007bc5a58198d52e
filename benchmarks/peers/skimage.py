"""scikit-image, on the CPU, one image a call."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from peers.contest import Contestant, Problem


def contestants(problem: Problem) -> Iterator[Contestant]:
    """Yield scikit-image's radon, which rotates the image; its y axis points up. It has no adjoint.

    A batch would only repeat the work that takes longest of all, so it enters for single images.
    """
    case = problem.case
    if case.beam != "parallel" or case.batch != 1 or case.dtype != torch.float32:
        return
    from skimage.transform import radon

    image = problem.image[0].flip(0).cpu().numpy()
    degrees = np.rad2deg(problem.scan.angles)

    def forward() -> Tensor:
        sinogram = radon(image, degrees, circle=True)  # type: ignore[no-untyped-call]
        return torch.from_numpy(sinogram).mT.contiguous()[None]

    yield Contestant(
        name="scikit-image radon",
        forward=forward,
        adjoint=None,
        clock="host",
        allocates="itself",
    )
