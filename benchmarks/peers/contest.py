"""What a benchmark hands to a library, and what it gets back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor
from workloads import Case

import torch_radon as tr


@dataclass(frozen=True)
class Problem:
    """Random images and sinograms of a case, the same in every process.

    Attributes
    ----------
    case : Case
    device : str
        Where the data lie.
    noise : bool
        Normally distributed images of mean zero in place of uniform ones in [0, 1].
    """

    case: Case
    device: Literal["cpu", "cuda"]
    noise: bool = False

    @cached_property
    def scan(self) -> tr.Scan:
        """The rays."""
        return self.case.scan()

    @cached_property
    def volume(self) -> tr.Volume:
        """The image grid."""
        return tr.Volume((self.case.size, self.case.size))

    @cached_property
    def disc(self) -> Tensor:
        """One within the inscribed circle, zero outside, where not every library looks."""
        axis = torch.linspace(-1, 1, self.case.size)
        return (axis[:, None] ** 2 + axis**2 < 0.98).float().to(self.device)

    @cached_property
    def image(self) -> Tensor:
        """``(batch, size, size)``, zero outside the disc."""
        draw = torch.randn if self.noise else torch.rand
        shape = (self.case.batch, self.case.size, self.case.size)
        values = draw(shape, generator=torch.Generator().manual_seed(0))
        return (values.to(self.device) * self.disc).to(self.case.dtype)

    @cached_property
    def sinogram(self) -> Tensor:
        """``(batch, views, size)``, uniform in [0, 1]."""
        shape = (self.case.batch, *self.scan.shape)
        values = torch.rand(shape, generator=torch.Generator().manual_seed(1))
        return values.to(self.device).to(self.case.dtype)

    def projector(self, out_dtype: torch.dtype | None = None) -> tr.Projector:
        """Make this library's projector for the problem."""
        return tr.Projector(self.volume, self.scan, out_dtype=out_dtype).to(self.device)


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A library's way to project the images and to apply the adjoint to the sinograms.

    Attributes
    ----------
    name : str
    forward, adjoint : callable
        A whole call, with all that a user pays for; `adjoint` is None where there is none.
    like_ours_forward, like_ours_adjoint : callable
        Bring a result into this library's units and orientation. Not timed: which ones a library
        chose costs its users nothing.
    exact_pair : tuple of callable, optional
        Forward and adjoint with results in float32, for the dot test of half precision.
    threads : int
        Threads that PyTorch may use.
    clock : {"device", "host"}
        Whether events on the device bracket the work, or the host waits for it anyway.
    allocates : {"torch", "itself"}
        Whether PyTorch's allocator sees the memory that a call takes.
    """

    name: str
    forward: Callable[[], Tensor]
    adjoint: Callable[[], Tensor] | None
    like_ours_forward: Callable[[Tensor], Tensor] = lambda sinogram: sinogram
    like_ours_adjoint: Callable[[Tensor], Tensor] = lambda image: image
    exact_pair: tuple[Callable[[], Tensor], Callable[[], Tensor]] | None = None
    threads: int = 1
    clock: Literal["device", "host"] = "device"
    allocates: Literal["torch", "itself"] = "torch"
