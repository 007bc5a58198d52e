"""ASTRA Toolbox, from version 2.5 on: on tensors where they lie, and from the host's memory.

Forward projection and backprojection write into arrays that were made beforehand. They start as
NaN, since ASTRA's direct calls do not raise where the GPU refuses the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from peers.contest import Contestant, Problem


def in_place(problem: Problem) -> Iterator[Contestant]:
    """Yield ASTRA on the device of the tensors, without a copy.

    On a CPU that is its projector ``linear``, the same model as ours. On a GPU a stack of slices in
    a parallel beam is one three-dimensional projection; for fans, whose rays a cone would spread
    over the slices, it is a projection of each slice.
    """
    if problem.case.dtype != torch.float32:
        return
    if problem.device == "cpu":
        yield _slice_by_slice("ASTRA linear", "linear", problem, problem.image, problem.sinogram)
    elif problem.case.beam == "parallel":
        yield _stack(problem)
    else:
        yield _slice_by_slice("ASTRA, linked", "cuda", problem, problem.image, problem.sinogram)


def from_host(problem: Problem) -> Iterator[Contestant]:
    """Yield ASTRA's GPU algorithms ``FP_CUDA`` and ``BP_CUDA`` on NumPy slices."""
    if problem.case.dtype == torch.float32:
        image, sinogram = problem.image.cpu(), problem.sinogram.cpu()
        yield _slice_by_slice("ASTRA, from the host", "cuda", problem, image, sinogram)


def _slice_by_slice(
    name: str, kind: str, problem: Problem, image: Tensor, sinogram: Tensor
) -> Contestant:
    import astra
    from astra.experimental import direct_BP2D, direct_FP2D

    # ASTRA's second axis points against the row index in two dimensions.
    vectors = problem.scan.to_vectors() * [1, -1, 1, -1, 1, -1]
    beam = {"parallel": "parallel_vec", "fan": "fanflat_vec"}[problem.scan.beam]
    detector = astra.create_proj_geom(beam, problem.scan.columns, vectors)
    projector = astra.create_projector(kind, detector, astra.create_vol_geom(*problem.volume.shape))
    projection, back = torch.full_like(sinogram, torch.nan), torch.full_like(image, torch.nan)

    def run(call: Callable[[int, Any, Any], None], x: Tensor, y: Tensor, result: Tensor) -> Tensor:
        for one_image, one_sinogram in zip(_arrays(x), _arrays(y), strict=True):
            call(projector, one_image, one_sinogram)
        return result

    return Contestant(
        name=name,
        forward=partial(run, direct_FP2D, image, projection, projection),
        adjoint=partial(run, direct_BP2D, back, sinogram, back),
        clock="device" if image.is_cuda else "host",
        allocates="itself",
    )


def _stack(problem: Problem) -> Contestant:
    import astra
    from astra.experimental import direct_BP3D, direct_FP3D

    image, sinogram = problem.image, problem.sinogram
    ray, center, u = np.split(problem.scan.to_vectors(), 3, axis=1)
    flat, up = np.zeros((len(ray), 1)), np.tile([0.0, 0.0, 1.0], (len(ray), 1))
    vectors = np.hstack([ray, flat, center, flat, u, flat, up])
    slices = len(image)
    detector = astra.create_proj_geom("parallel3d_vec", slices, problem.scan.columns, vectors)
    volume = astra.create_vol_geom(*problem.volume.shape, slices)
    projector = astra.create_projector("cuda3d", detector, volume)
    # ASTRA's order is row, view, column: with a row for each slice, that of our batches.
    projection, back = torch.full_like(sinogram, torch.nan), torch.full_like(image, torch.nan)

    def forward() -> Tensor:
        direct_FP3D(projector, image, projection)
        return projection

    def adjoint() -> Tensor:
        direct_BP3D(projector, back, sinogram)
        return back

    return Contestant(name="ASTRA, linked", forward=forward, adjoint=adjoint, allocates="itself")


def _arrays(stack: Tensor) -> list[Any]:
    """Split a stack into slices as ASTRA takes them: tensors on a GPU, NumPy arrays of the host."""
    return list(stack if stack.is_cuda else stack.numpy())
