"""The noise methods draw from numbers of their own, that a seed repeats."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from torch_radon.compat import FanBeam, ParallelBeam, Radon, RadonFanbeam
from torch_radon.physics import ReadingsLookup, add_noise, emulate_readings

BEAMS = [
    Radon(8, [0.0, 1.0]),
    RadonFanbeam(8, [0.0, 1.0], 20.0),
    ParallelBeam(8, [0.0, 1.0]),
    FanBeam(8, [0.0, 1.0], 20.0),
]


@pytest.mark.parametrize("beam", BEAMS, ids=lambda beam: type(beam).__name__)
def test_a_seed_repeats_noise(beam: Radon, device: str) -> None:
    lines = torch.rand(3, 2, 67, generator=torch.Generator().manual_seed(3)).to(device)
    before = lines.clone()
    beam.set_seed(17)
    noisy = beam.add_noise(lines, 6.0, 0.5)
    counts = beam.emulate_readings(lines, 6.0, 0.5)
    normal = beam.add_noise(lines, 6.0, 0.5, approximate=True)
    assert torch.equal(lines, before)
    assert counts.dtype is torch.int32
    generator = torch.Generator(device).manual_seed(17)
    assert torch.equal(noisy, add_noise(lines, 6.0, 0.5, generator=generator))
    assert torch.equal(counts, emulate_readings(lines, 6.0, 0.5, generator=generator))
    assert torch.equal(normal, add_noise(lines, 6.0, 0.5, True, generator=generator))
    assert not torch.equal(beam.add_noise(lines, 6.0, 0.5), noisy)
    beam.set_seed(17)
    assert torch.equal(beam.add_noise(lines, 6.0, 0.5), noisy)
    # A copy starts from the seed.
    for other in (copy.deepcopy(beam), pickle.loads(pickle.dumps(beam))):
        assert torch.equal(other.add_noise(lines, 6.0, 0.5), noisy)


def test_the_first_seed_is_that_of_torch() -> None:
    lines = torch.zeros(4, 8)
    with torch.random.fork_rng():
        torch.manual_seed(99)
        first, state = Radon(8, [0.0]), torch.get_rng_state()
        found = first.add_noise(lines, 5.0)
        assert torch.equal(torch.get_rng_state(), state)
    first.set_seed(99)
    assert torch.equal(first.add_noise(lines, 5.0), found)


def test_lookup_takes_its_numbers_from_the_projector(device: str) -> None:
    radon = Radon(8, [0.0])
    lines = torch.rand(2, 40, 50, generator=torch.Generator().manual_seed(5)).to(device)
    lookup = ReadingsLookup(radon, bins=128)
    lookup.add_lookup_table(lines, 6.0, 2.0)
    radon.set_seed(4)
    first = lookup.emulate_readings(lines, 0)
    assert not torch.equal(lookup.emulate_readings(lines, 0), first)
    radon.set_seed(4)
    assert torch.equal(lookup.emulate_readings(lines, 0), first)


def test_one_level_without_a_lookup(device: str) -> None:
    radon = Radon(8, [0.0])
    lines = torch.rand(2, 40, 50, generator=torch.Generator().manual_seed(6)).to(device)
    lookup = ReadingsLookup(radon, bins=64)
    lookup.add_lookup_table(lines, 6.0, 2.0)
    radon.set_seed(8)
    expected = lookup.emulate_readings(lines, 0)
    radon.set_seed(8)
    readings = radon.emulate_readings_new(lines, 6.0, 2.0, lookup.ks[0], 64)
    assert torch.equal(readings, expected)
    mu, _ = lookup.lookup(readings, 0)
    assert torch.equal(radon.readings_lookup(readings, torch.from_numpy(lookup.mu[0]).to(mu)), mu)


def test_what_is_no_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match="x must be"):
        Radon(8, [0.0]).add_noise([1.0], 5.0)  # type: ignore[arg-type]
