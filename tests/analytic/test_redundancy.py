"""Redundancy weights: every line that was measured counts once in all."""

import math
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

import torch_radon as tr
from torch_radon.analytic import (
    angular_weights,
    mirrored_columns,
    ray_measure,
    ray_weights,
    redundancy_weights,
)

PI = math.pi
STEP = PI / 180
DISTANCES: dict[str, Any] = {"source_distance": 200.0, "detector_distance": 100.0}


def arc(views, columns=41, offset=0, step=STEP):
    """A curved detector whose columns are as far apart as its views: rays meet on lines exactly."""
    spacing = step * 300.0
    return tr.fan_beam(
        np.asarray(views) * step, columns, spacing, curved=True, detector_offset=offset * spacing,
        **DISTANCES,
    )  # fmt: skip


SCANS = {
    "full": arc(np.arange(360)),
    "short": arc(np.arange(180 + 42)),
    "less than short": arc(np.arange(190)),
    "short and more": arc(np.arange(300)),
    "over-scan": arc(np.arange(400)),
    "two turns": arc(np.arange(720)),
    "gaps": arc(np.r_[0:100, 130:250, 300:340]),
    "offset": arc(np.arange(360), offset=15),
    "slightly offset": arc(np.arange(360), offset=2),
    "offset the other way": arc(np.arange(360), offset=-15),
    "offset and short": arc(np.arange(250), offset=7),
    "offset over-scan": arc(np.arange(400), offset=15),
    "axis off the detector": arc(np.arange(360), offset=30),
}


def line_sums(scan, weights):
    """What each line's rays count together, in steps of the views, by counting."""
    vectors = scan.to_vectors()
    source = np.arctan2(vectors[:, 0], -vectors[:, 1])
    share = angular_weights(source, 2 * PI) / STEP
    sums: dict[tuple[int, int], float] = defaultdict(float)
    for v, (x, y) in enumerate(vectors[:, 2:4] - vectors[:, 0:2]):
        center = np.arctan2(-x, y)
        for c in range(scan.columns):
            turn = center - (c - (scan.columns - 1) / 2) * STEP
            distance = 200.0 * np.sin(source[v] - turn)
            # A line is named by its direction, up to half turns, and its distance.
            steps = round(turn / STEP)
            flip = steps % 360 >= 180
            sums[steps % 180, round((-distance if flip else distance) * 1e6)] += (
                weights[v, c] * share[v]
            )
    return np.array(list(sums.values()))


@pytest.mark.parametrize("redundancy", ["auto", "short"])
@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS.keys())
def test_every_line_counts_once(scan, redundancy):
    weights = redundancy_weights(scan, redundancy)
    assert weights.shape == scan.shape
    assert (weights >= 0).all()
    assert (weights <= 1).all()
    np.testing.assert_allclose(line_sums(scan, weights), 1.0, atol=1e-9)


@pytest.mark.parametrize("name", ["full", "offset", "offset over-scan"])
def test_complete_scans_need_no_ramps_in_the_angle(name):
    np.testing.assert_allclose(
        redundancy_weights(SCANS[name], "offset"), redundancy_weights(SCANS[name]), atol=1e-12
    )


def test_a_full_scan_counts_every_ray_half():
    np.testing.assert_allclose(redundancy_weights(SCANS["full"]), 0.5)
    np.testing.assert_allclose(redundancy_weights(SCANS["two turns"]), 0.5)
    np.testing.assert_allclose(redundancy_weights(SCANS["gaps"], "full"), 0.5)
    np.testing.assert_allclose(redundancy_weights(SCANS["gaps"], "none"), 1.0)


def test_offset_detectors_have_wangs_weights():
    """Half of 1 + sin(pi g / 2 a) within the overlap of half-width a, 1 beyond."""
    scan = SCANS["offset"]
    gamma = (np.arange(41) - 20 + 15) * STEP
    overlap = 5.5 * STEP
    wang = 0.5 * (1 + np.sin(PI / 2 * np.clip(gamma / overlap, -1, 1)))
    np.testing.assert_allclose(redundancy_weights(scan), np.tile(wang, (360, 1)), atol=1e-9)


def test_short_scans_rise_and_fall_as_parkers_weights_do():
    weights = redundancy_weights(SCANS["short"])
    middle = weights[:, 20]
    # The central ray: nothing to begin with, all in the middle, nothing at the end.
    assert middle[0] < 0.01
    assert middle[-1] < 0.01
    np.testing.assert_allclose(middle[45:-45], 1.0)
    np.testing.assert_allclose(middle[:42] + middle[180:], 1.0, atol=1e-9)
    assert (np.diff(middle[:42]) > 0).all()
    # In the corners, where a line is measured at both ends of the range only, they are steep.
    assert np.abs(np.diff(weights[:, 8:-8], axis=0)).max() < 0.12


@pytest.mark.parametrize("name", ["short and more", "offset"])
def test_weights_are_smooth_along_the_detector(name):
    """On a detector ten times as fine a column's step is ten times as small."""
    scan = SCANS[name]
    fine = tr.fan_beam(
        scan.angles + (15 * STEP if name == "offset" else 0), 410, 0.1 * STEP * 300.0, curved=True,
        detector_offset=15 * STEP * 300.0 if name == "offset" else 0.0, **DISTANCES,
    )  # fmt: skip
    coarse_step = np.abs(np.diff(redundancy_weights(scan))).max()
    fine_step = np.abs(np.diff(redundancy_weights(fine))).max()
    assert fine_step < 0.2 * coarse_step


def test_parallel_rays_on_both_sides_share_too():
    t = np.arange(360) * STEP
    for shift in (0.0, 12.0):
        weights = redundancy_weights(tr.parallel_beam(t, 41, detector_offset=shift))
        assert weights[0, 20 - int(shift)] == pytest.approx(0.5)
        np.testing.assert_allclose(weights, weights[:1].repeat(360, 0), atol=1e-9)
    np.testing.assert_allclose(weights[0, :17] + weights[0, :17][::-1], 1.0, atol=1e-9)
    np.testing.assert_allclose(weights[0, 17:], 1.0)
    half = redundancy_weights(tr.parallel_beam(t[:180], 41))
    np.testing.assert_allclose(half, 1.0)


@pytest.mark.parametrize("beam", ["flat", "curved", "parallel"])
def test_the_measure_of_all_rays_is_the_measure_of_all_lines(beam):
    """Lines through a circle of radius r, both ways: twice 2 r pi."""
    t = np.arange(720) * PI / 360
    if beam == "parallel":
        scan = tr.parallel_beam(t, 400, 0.1, detector_offset=3.0, axis_offset=3.0)
    else:
        scan = tr.fan_beam(
            t, 1000, 0.1, curved=beam == "curved", source_distance=60.0,
            detector_distance=30.0, detector_offset=3.0, axis_offset=1.0,
        )  # fmt: skip
    measure = ray_measure(scan)
    # Back to d(angle) d(distance): fans carry 1 / (D tau), columns are tau apart.
    phantom = tr.phantoms.Phantom([tr.phantoms.ellipse(1.0, (2, 1), (8, 8))])
    hit = phantom.project(scan).numpy() > 0
    cell = np.full(scan.columns, 0.1**2)
    if beam == "flat":
        steps = (np.arange(1000) - 499.5) * 0.1 + 3.0
        cell /= 1 + (steps / 90.0) ** 2
    assert (measure * cell * hit).sum() == pytest.approx(4 * PI * 8, rel=2e-3)


def test_ray_weights_are_measure_times_redundancy():
    for name in ("full", "short", "offset"):
        expected = ray_measure(SCANS[name]) * redundancy_weights(SCANS[name])
        np.testing.assert_allclose(ray_weights(SCANS[name]), expected)


def test_detectors_are_extended_to_their_mirror_image():
    t = np.arange(360) * STEP
    assert mirrored_columns(tr.parallel_beam(t, 41)) == (0, 0)
    assert mirrored_columns(tr.parallel_beam(t, 41, detector_offset=0.25)) == (0, 0)
    assert mirrored_columns(tr.parallel_beam(t, 41, detector_offset=12.0)) == (24, 0)
    assert mirrored_columns(tr.parallel_beam(t, 41, 0.5, detector_offset=-12.0)) == (0, 48)
    assert mirrored_columns(tr.parallel_beam(t[:180], 41, detector_offset=12.0)) == (0, 0)
    assert mirrored_columns(SCANS["offset"]) == (30, 0)
    flat = tr.fan_beam(t, 41, detector_offset=12.0, **DISTANCES)
    assert mirrored_columns(flat) == (24, 0)
    moved = tr.fan_beam(t, 41, detector_offset=12.0, axis_offset=8.0, **DISTANCES)
    assert mirrored_columns(moved) == (0, 0)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"redundancy must be one of auto, full, .* got 'parker'"):
        redundancy_weights(SCANS["full"], "parker")  # type: ignore[arg-type]
    generator = np.random.default_rng(0)
    lost = SCANS["full"].shift(generator.uniform(-60, 60, (360, 2)))
    for function in (redundancy_weights, ray_measure, ray_weights):
        with pytest.raises(ValueError, match="sources on a circle"):
            function(lost)
    edge_on = tr.Scan.from_vectors([[0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1]], 14)
    with pytest.raises(ValueError, match="rays of view 1 run along"):
        ray_measure(edge_on)
