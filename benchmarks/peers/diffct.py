"""diffct, from version 2.5 on: numba-cuda kernels after Siddon, one image a call."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from peers.contest import Contestant, Problem


def contestants(problem: Problem) -> Iterator[Contestant]:
    """Yield diffct, whose geometry is ours but for the step along the detector, a unit vector."""
    if problem.case.dtype != torch.float32:
        return
    import diffct

    vectors = torch.from_numpy(problem.scan.to_vectors()).to(problem.device, torch.float32)
    origin, center, step = (part.contiguous() for part in vectors.split(2, dim=1))
    spacing = float(step[0].norm())
    geometry = (origin, center, step / spacing)
    height, width = problem.volume.shape
    columns, image, sinogram = problem.scan.columns, problem.image, problem.sinogram
    if problem.case.beam == "parallel":
        project, spread = diffct.ParallelProjectorFunction, diffct.ParallelBackprojectorFunction
    else:
        project, spread = diffct.FanProjectorFunction, diffct.FanBackprojectorFunction
    yield Contestant(
        name="diffct",
        forward=lambda: torch.stack(
            [project.apply(one, *geometry, columns, spacing) for one in image]
        ),
        adjoint=lambda: torch.stack(
            [spread.apply(one, *geometry, spacing, height, width) for one in sinogram]
        ),
    )
