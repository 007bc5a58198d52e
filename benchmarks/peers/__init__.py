"""The libraries that the projector benchmark compares, one file each.

A file offers a function that takes a `Problem` and yields a `Contestant` for each way in which its
library can do that work, none where it cannot. It imports its library when it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import NamedTuple

from peers import astra, diffct, ours, skimage, torchtomo
from peers.contest import Contestant, Problem


class Library(NamedTuple):
    """A library's module, the function that prepares its contestants, and where they can run."""

    module: str
    prepare: Callable[[Problem], Iterator[Contestant]]
    devices: tuple[str, ...] = ("cpu", "cuda")

    @property
    def is_installed(self) -> bool:
        """Whether its module can be found; nothing is imported."""
        return find_spec(self.module) is not None


LIBRARIES = {
    "torch_radon": Library("torch_radon", ours.contestants),
    "astra": Library("astra", astra.in_place),
    "astra-host": Library("astra", astra.from_host, ("cuda",)),
    "torchtomo": Library("torchtomo", torchtomo.contestants),
    "diffct": Library("diffct", diffct.contestants, ("cuda",)),
    "scikit-image": Library("skimage", skimage.contestants),
}

# Other ways to use a library, for benchmarks that name them.
VARIANTS = {
    "torch_radon-clipped": Library("torch_radon", ours.clipped),
}


def find(name: str) -> Library:
    """Return a library or a variant by its name."""
    return LIBRARIES[name] if name in LIBRARIES else VARIANTS[name]
