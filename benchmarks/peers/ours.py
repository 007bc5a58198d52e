"""Our own projector, and TorchRadon's classes on top of it."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from peers.contest import Contestant, Problem


def contestants(problem: Problem) -> Iterator[Contestant]:
    """Yield this library: once on a GPU, on 1, 2, 4, ... threads on a CPU."""
    A, image, sinogram = problem.projector(), problem.image, problem.sinogram
    A32 = problem.projector(torch.float32)
    most = torch.get_num_threads()
    choices = {1} if problem.device == "cuda" else {*(2**k for k in range(most.bit_length())), most}
    for threads in sorted(choices):
        yield Contestant(
            name="torch_radon",
            forward=lambda: A(image),
            adjoint=lambda: A.T(sinogram),
            exact_pair=(lambda: A32(image), lambda: A32.T(sinogram)),
            threads=threads,
        )


def clipped(problem: Problem) -> Iterator[Contestant]:
    """Yield TorchRadon's classes with ``clip_to_circle``; their y axis points up."""
    from torch_radon.compat import Radon, RadonFanbeam

    case, angles = problem.case, problem.scan.angles
    radon: Radon | RadonFanbeam
    if case.beam == "parallel":
        radon = Radon(case.size, angles, clip_to_circle=True)
    else:
        # Its detector is as far from the axis as its source, its columns two pixels apart.
        radon = RadonFanbeam(case.size, angles, case.size, det_spacing=2.0, clip_to_circle=True)
    image, sinogram = problem.image.flip(1), problem.sinogram
    yield Contestant(
        name="torch_radon, clipped",
        forward=lambda: radon.forward(image),
        adjoint=lambda: radon.backward(sinogram),
        like_ours_adjoint=lambda result: result.flip(1),
        exact_pair=(
            lambda: radon.forward(image.float()),
            lambda: radon.backward(sinogram.float()),
        ),
        threads=torch.get_num_threads(),
    )
