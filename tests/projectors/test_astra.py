"""Agreement with ASTRA's CPU projector ``linear`` within 1e-4 of the peak."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import strategies
from measures import double
from oracles import astra_linear
from torch_radon import Projector, Scan, Volume

pytest.importorskip("astra")

# ASTRA's linear projector has square pixels only. Two properties of 150 examples each.
EXAMPLES = 150
SETUPS = functools.partial(
    strategies.setups, min_side=8, max_side=63, offset=10.0, square_pixels=True
)


def _mismatch(setup: tuple[Volume, Scan], seed: int, device: str) -> float:
    volume, scan = setup
    image = np.random.default_rng(seed).uniform(size=volume.shape).astype(np.float32)
    theirs = astra_linear.project(image, volume, scan)
    ours = double(Projector(volume, scan).to(device)(torch.from_numpy(image).to(device)))
    peak = float(abs(theirs).max())
    # A geometry whose rays all miss the volume shows nothing and does not count.
    assume(peak > 0)
    return float(abs(ours - theirs).max() / peak)


@settings(max_examples=EXAMPLES)
@given(setup=SETUPS("parallel"), seed=st.integers(0, 2**32 - 1))
def test_parallel_rays_of_any_direction(setup: tuple[Volume, Scan], seed: int, device: str) -> None:
    assert _mismatch(setup, seed, device) <= 1e-4


@settings(max_examples=EXAMPLES)
@given(setup=SETUPS("fan"), seed=st.integers(0, 2**32 - 1))
def test_fan_rays_as_views_of_one_column(
    setup: tuple[Volume, Scan], seed: int, device: str
) -> None:
    assert _mismatch(setup, seed, device) <= 1e-4
