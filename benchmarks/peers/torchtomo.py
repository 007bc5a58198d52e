"""torchtomo, from version 0.5 on: its own CUDA kernels, or PyTorch operations on a CPU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from peers.contest import Contestant, Problem


def contestants(problem: Problem) -> Iterator[Contestant]:
    """Yield torchtomo, whose unit of length is half an image and whose axes are turned."""
    if problem.case.dtype != torch.float32:
        return
    import torchtomo

    size, columns = problem.case.size, problem.scan.columns
    angles = torch.from_numpy(problem.scan.angles)
    if problem.case.beam == "parallel":
        # Its angles run the other way.
        beam = torchtomo.ParallelBeam(
            size, n_det=columns, angles=-angles, circle=False, backend="auto"
        )
        unit, mirror = size / 2, []
    else:
        # Half a turn away our source is its source, and the columns run the other way. Its images
        # span [-1, 1] from the first pixel's middle to the last one's, so a pixel measures
        # 2 / (size - 1), while it takes lengths in units of 2 / size.
        source, detector, u = np.split(problem.scan.to_vectors()[0], 3)
        pixel = size / (size - 1)
        beam = torchtomo.FanBeam(
            size,
            n_det=columns,
            src_dist=pixel * float(np.linalg.norm(source)),
            det_dist=pixel * float(np.linalg.norm(detector)),
            det_width=pixel * float(np.linalg.norm(u)) * (columns - 1),
            angles=angles + np.pi,
            circle=False,
            backend="auto",
        )
        unit, mirror = (size - 1) / 2, [-1]
    if problem.device == "cuda" and beam.backend != "cuda":
        raise RuntimeError("torchtomo finds no NVRTC and would run on PyTorch operations")
    beam = beam.to(problem.device)
    image = problem.image[:, None]
    sinogram = problem.sinogram[:, None].flip(mirror)
    yield Contestant(
        name="torchtomo",
        forward=lambda: beam(image)[:, 0],
        adjoint=lambda: beam.adjoint(sinogram)[:, 0],
        like_ours_forward=lambda result: unit * result.flip(mirror),
        like_ours_adjoint=lambda result: unit * result,
        threads=torch.get_num_threads(),
    )
