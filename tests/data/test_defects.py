"""Dead pixels and zingers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import torch_radon as tr
from torch_radon.data import (
    DataError,
    Readings,
    dead_pixels,
    line_integrals,
    remove_zingers,
    repair_dead,
)

VIEWS, ROWS, COLUMNS = 120, 2, 96


def simulated(generator: torch.Generator, photons: float = 5e3) -> Readings:
    angles = torch.linspace(0, torch.pi, VIEWS + 1, dtype=torch.float64)[:-1]
    lines = 0.02 * tr.phantoms.shepp_logan(size=85.0).project(tr.parallel_beam(angles, COLUMNS))
    beam = photons * (1 - 0.3 * torch.linspace(-1, 1, COLUMNS) ** 2).expand(ROWS, COLUMNS)
    mean = beam * torch.exp(-lines)[:, None]
    counts = torch.poisson(mean, generator=generator) + 100
    flat = torch.poisson(beam.expand(10, ROWS, COLUMNS), generator=generator) + 100
    return Readings(counts, flat, torch.full((10, ROWS, COLUMNS), 100.0), angles)


def test_dead_pixels_are_interpolated_along_their_row(generator: torch.Generator) -> None:
    good = simulated(generator)
    bad = replace(good, counts=good.counts.clone(), flat=good.flat.clone())
    for row, column in ((0, 0), (0, 40), (0, 41), (1, COLUMNS - 1)):
        bad.counts[:, row, column] = 100
        bad.flat[:, row, column] = 100
    assert dead_pixels(bad).nonzero().tolist() == [[0, 0], [0, 40], [0, 41], [1, COLUMNS - 1]]
    with pytest.raises(DataError, match=r"at 4 of 192 pixels, .*repair_dead"):
        line_integrals(bad)
    repaired, number = repair_dead(bad)
    assert number == 4
    for name in ("counts", "flat"):
        frames, source = getattr(repaired, name), getattr(good, name)
        torch.testing.assert_close(frames[:, 0, 0], source[:, 0, 1])
        torch.testing.assert_close(frames[:, 1, -1], source[:, 1, -2])
        third = (source[:, 0, 42] - source[:, 0, 39]) / 3
        torch.testing.assert_close(frames[:, 0, 40], source[:, 0, 39] + third)
        torch.testing.assert_close(frames[:, 0, 41], source[:, 0, 39] + 2 * third)
    alive = ~dead_pixels(bad)
    assert torch.equal(repaired.counts[:, alive], bad.counts[:, alive])
    expected, found = line_integrals(good).sinograms, line_integrals(repaired).sinograms
    assert (found - expected)[0, :, 40:42].abs().mean() < 0.1


def test_nothing_is_copied_where_nothing_is_dead(generator: torch.Generator) -> None:
    readings = simulated(generator)
    assert repair_dead(readings).readings is readings


def test_a_row_of_dead_pixels_is_not_invented(generator: torch.Generator) -> None:
    readings = simulated(generator)
    readings.flat[:, 1, : COLUMNS // 2 + 1] = 0
    with pytest.raises(DataError, match=r"at 49 of 96 pixels of row 1 .* open beam\?"):
        repair_dead(readings)


@pytest.mark.parametrize("photons", [200.0, 5e3, 1e6])
def test_zingers_are_found_and_nothing_else(generator: torch.Generator, photons: float) -> None:
    """Whatever the noise: the readings beside them stay bit for bit."""
    good = simulated(generator, photons)
    counts = good.counts.clone()
    hit = torch.randperm(counts.numel(), generator=generator)[:60]
    counts.view(-1)[hit] += 2 * photons
    cleaned, number = remove_zingers(replace(good, counts=counts))
    assert 58 <= number <= 60 + 3, "two side by side may hide each other"
    changed = (cleaned.counts != counts).view(-1).nonzero()[:, 0]
    assert len(set(hit.tolist()) - set(changed.tolist())) <= 2
    assert len(set(changed.tolist()) - set(hit.tolist())) <= 3
    mended = line_integrals(cleaned).sinograms - line_integrals(good).sinograms
    assert mended.abs().max() < 1.0


def test_clean_data_without_noise_are_left_alone(generator: torch.Generator) -> None:
    angles = torch.linspace(0, torch.pi, 361)[:-1]
    lines = 0.02 * tr.phantoms.shepp_logan(size=220.0).project(tr.parallel_beam(angles, 256))
    frames = torch.ones(1, 1, 256)
    readings = Readings(torch.exp(-lines)[:, None], frames, 0 * frames, angles)
    assert remove_zingers(readings).number == 0


def test_zingers_in_flat_and_dark_frames(generator: torch.Generator) -> None:
    readings = simulated(generator)
    readings.flat[3, 0, 7] = 60_000
    readings.dark[2, 1, 9] = 5_000
    cleaned, number = remove_zingers(readings)
    assert number == 2
    assert abs(cleaned.flat[3, 0, 7] - readings.flat[4, 0, 7]) < 1000
    assert cleaned.dark[2, 1, 9] == 100
    few = replace(readings, flat=readings.flat[:2], dark=readings.dark[:1])
    assert remove_zingers(few).number == 0


def test_a_row_does_not_depend_on_the_others(generator: torch.Generator) -> None:
    readings = simulated(generator)
    readings.counts[5, 1, 5] = 90_000
    both = remove_zingers(readings).readings
    alone = remove_zingers(
        Readings(
            readings.counts[:, 1:], readings.flat[:, 1:], readings.dark[:, 1:], readings.angles
        )
    ).readings
    assert torch.equal(both.counts[:, 1:], alone.counts)


@pytest.mark.parametrize("places", [[(0, 0)], [(-1, 0)], [(0, 5)], [(9, -1)], [(3, 3), (3, 4)]])
def test_zingers_at_the_edge_and_in_pairs(places: list[tuple[int, int]]) -> None:
    counts, frames = torch.full((20, 1, 12), 500.0), torch.full((1, 1, 12), 1000.0)
    for view, column in places:
        counts[view, 0, column] = 2000
    readings = Readings(counts, frames, 0 * frames, torch.zeros(20))
    cleaned, number = remove_zingers(readings)
    assert number == len(places)
    torch.testing.assert_close(cleaned.counts, torch.full((20, 1, 12), 500.0))


def test_pixels_of_uneven_response_are_no_zingers(generator: torch.Generator) -> None:
    good = simulated(generator)
    gain = 1 + torch.rand(ROWS, COLUMNS, generator=generator)
    uneven = replace(
        good, counts=100 + gain * (good.counts - 100), flat=100 + gain * (good.flat - 100)
    )
    assert remove_zingers(uneven).number == 0


@pytest.mark.parametrize("views", [1, 2, 3])
def test_few_views_and_columns(views: int) -> None:
    frames = torch.ones(1, 1, 2)
    readings = Readings(torch.ones(views, 1, 2), frames, 0 * frames, torch.zeros(views))
    assert remove_zingers(readings).number == 0


def test_bad_input(generator: torch.Generator) -> None:
    readings = simulated(generator)
    for threshold in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="threshold must be"):
            remove_zingers(readings, threshold)
    for repair in (repair_dead, remove_zingers, dead_pixels):
        with pytest.raises(DataError, match="flat must have shape"):
            repair(replace(readings, flat=readings.flat[:, :1]))
        with pytest.raises(TypeError, match=r"floating-point type, got torch\.int64"):
            repair(replace(readings, counts=readings.counts.long()))
    broken = replace(readings, counts=readings.counts * np.nan)
    with pytest.raises(DataError, match="counts must be finite, got nan"):
        remove_zingers(broken)
