"""Phantoms whose image and projections are known in closed form."""

from torch_radon.phantoms.figures import Figure, ellipse, rectangle
from torch_radon.phantoms.forbild import forbild_head
from torch_radon.phantoms.patterns import contrast_discs, line_pairs, siemens_star
from torch_radon.phantoms.phantom import Phantom
from torch_radon.phantoms.random_ellipses import random_ellipses
from torch_radon.phantoms.shepp_logan import shepp_logan

__all__ = [
    "Figure",
    "Phantom",
    "contrast_discs",
    "ellipse",
    "forbild_head",
    "line_pairs",
    "random_ellipses",
    "rectangle",
    "shepp_logan",
    "siemens_star",
]
