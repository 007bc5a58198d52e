"""How near the reconstruction of a uniform disc comes to the truth, for every kind of scan.

The bound is 0.2 % of the value for every 8 x 8 block and for the RMS; most scans stay below
0.05 %.
"""

import math

import numpy as np
import pytest
import torch

import torch_radon as tr
from analytic.discs import disc_errors, errors
from oracles import fbp as oracle
from torch_radon.phantoms import Phantom, ellipse

BOUND = 2e-3
PI = math.pi
BEAMS = ("parallel", "flat", "curved")
TO_SOURCE, TO_DETECTOR = 300.0, 200.0
# From the axis to the disc's far side as the fan sees it, and what a short scan must cover.
HALF_FAN = math.asin(54 / TO_SOURCE)

every_beam = pytest.mark.parametrize("beam", BEAMS)
every_spacing = pytest.mark.parametrize("spacing", [0.8, 1.0, 1.25])
every_pixel = pytest.mark.parametrize("pixel", [0.8, 1.0, 1.25])


def angles(span, views, jitter=0.0, start=0.3):
    step = span / views
    shift = np.random.default_rng(7).uniform(-0.5, 0.5, views) * jitter
    return start + (np.arange(views) + shift) * step


def scanner(beam, t, pixel=1.0, spacing=1.0, low=-60.0, high=60.0, **options):
    """A detector that sees from `low` to `high` (pixels, at the axis)."""
    magnification = 1.0 if beam == "parallel" else (TO_SOURCE + TO_DETECTOR) / TO_SOURCE
    columns = math.ceil((high - low) * pixel * magnification / spacing)
    offset = (high + low) / 2 * pixel * magnification
    if beam == "parallel":
        return tr.parallel_beam(t, columns, spacing, detector_offset=offset, **options)
    return tr.fan_beam(
        t,
        columns,
        spacing,
        source_distance=TO_SOURCE * pixel,
        detector_distance=TO_DETECTOR * pixel,
        curved=beam == "curved",
        detector_offset=offset,
        **options,
    )


def span_of(beam, kind):
    if kind in ("full", "half-fan"):
        return 2 * PI
    return PI if beam == "parallel" else PI + 2 * HALF_FAN + 0.05


def check(result, bound=BOUND):
    block, rms = result
    assert block < bound
    assert rms < bound


@every_pixel
@every_spacing
@every_beam
@pytest.mark.parametrize("kind", ["full", "short", "half-fan"])
def test_the_disc_has_its_value_everywhere(kind, beam, spacing, pixel):
    span = span_of(beam, kind)
    t = angles(span, round(720 * span / (2 * PI)))
    low = -12.0 if kind == "half-fan" else -60.0
    check(disc_errors(scanner(beam, t, pixel, spacing, low), pixel))


@every_beam
@pytest.mark.parametrize("kind", ["full", "short", "half-fan"])
def test_jittered_angles(kind, beam):
    span = span_of(beam, kind)
    t = angles(span, round(720 * span / (2 * PI)), jitter=1.0)
    t = np.random.default_rng(8).permutation(t)
    low = -12.0 if kind == "half-fan" else -60.0
    check(disc_errors(scanner(beam, t, low=low)))


DEGREES = PI / 180
SCANS = {
    "short, 240 degrees": lambda b: scanner(b, angles(240 * DEGREES, 480)),
    "short, 300 degrees": lambda b: scanner(b, angles(300 * DEGREES, 600)),
    "over-scan, 400 degrees": lambda b: scanner(b, angles(400 * DEGREES, 800)),
    "over-scan, 2 turns": lambda b: scanner(b, angles(720 * DEGREES, 1001)),
    "full, both ends": lambda b: scanner(b, np.linspace(0, 2 * PI, 721)),
    "backwards": lambda b: scanner(b, -angles(240 * DEGREES, 480)),
    "two speeds": lambda b: scanner(
        b, np.concatenate([np.arange(0, 180, 0.4), np.arange(180, 360, 0.7)]) * DEGREES
    ),
    "a range left out": lambda b: scanner(
        b, np.concatenate([np.arange(0, 150, 0.5), np.arange(200, 360, 0.5)]) * DEGREES
    ),
    "quarter detector": lambda b: scanner(b, angles(2 * PI, 720), low=-59.75, high=60.25),
    "slightly offset": lambda b: scanner(b, angles(2 * PI, 720), low=-50.0),
    "offset to the other side": lambda b: scanner(b, angles(2 * PI, 720), low=-60.0, high=15.0),
    "offset over-scan": lambda b: scanner(b, angles(400 * DEGREES, 800), low=-12.0),
    "axis offset": lambda b: scanner(b, angles(2 * PI, 720), axis_offset=7.3),
    "axis offset, short": lambda b: scanner(
        b, angles(250 * DEGREES, 500), low=-75.0, high=75.0, axis_offset=-7.3
    ),
    "axis offset, half-fan": lambda b: scanner(
        b, angles(2 * PI, 720), low=-20.0, high=75.0, axis_offset=7.3
    ),
    "rotated scanner": lambda b: scanner(b, angles(240 * DEGREES, 480)).rotate(1.0),
    "shifted scanner": lambda b: scanner(b, angles(240 * DEGREES, 480), low=-80.0, high=80.0).shift(
        (9.0, -12.0)
    ),
}


@every_beam
@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS.keys())
def test_every_kind_of_scan_is_recognised(scan, beam):
    check(disc_errors(scan(beam)))


def test_oblique_flat_detectors():
    """Turned, moved and flipped against their rays, with steps that differ from view to view."""
    generator = np.random.default_rng(1)
    rows = []
    for t in angles(2 * PI, 720):
        ray = np.array([-np.sin(t), np.cos(t)])
        tilt = t + generator.uniform(-0.5, 0.5)
        step = generator.uniform(1.0, 1.3) * generator.choice([-1, 1])
        u = step * np.array([np.cos(tilt), np.sin(tilt)])
        center = generator.uniform(-3, 3, 2) + 200 * ray
        rows.append(np.concatenate([-300 * ray, center, u]))
    check(disc_errors(tr.Scan.from_vectors(rows, 400, "fan")))


@pytest.mark.parametrize("redundancy", ["full", "short", "offset"])
@pytest.mark.parametrize("beam", ["flat", "curved"])
def test_a_full_scan_needs_no_detection(beam, redundancy):
    check(disc_errors(scanner(beam, angles(2 * PI, 720)), redundancy=redundancy))


@pytest.mark.parametrize("kind", ["full", "short", "half-fan"])
def test_weights_that_do_not_fit_the_scan_are_seen_by_these_tests(kind):
    """The measure is sharp: the wrong case is off by a lot."""
    span = span_of("flat", kind)
    scan = scanner("flat", angles(span, 500), low=-12.0 if kind == "half-fan" else -60.0)
    wrong = {"full": "none", "short": "full", "half-fan": "short"}[kind]
    block, _ = disc_errors(scan, redundancy=wrong)
    assert block > 0.05


@pytest.mark.parametrize(
    ("interpolation", "filter", "ringing"),
    [("cubic", "ramp", BOUND), ("bandlimited", "hann", BOUND), ("bandlimited", "ramp", 1e-2)],
)
@pytest.mark.parametrize("kind", ["full", "short", "half-fan"])
@every_beam
def test_finer_interpolation_keeps_the_value(kind, beam, interpolation, filter, ringing):
    """The ramp cut off at Nyquist rings at the disc's edge where nothing smooths it."""
    span = span_of(beam, kind)
    scan = scanner(beam, angles(span, 400), low=-12.0 if kind == "half-fan" else -60.0)
    block, rms = disc_errors(scan, interpolation=interpolation, filter=filter)
    assert block < BOUND
    assert rms < ringing


@pytest.mark.parametrize("curved", [False, True], ids=["flat", "curved"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 4e-6)], ids=["fp64", "fp32"]
)
def test_the_textbook_agrees(curved, dtype, tolerance, rng):
    """Pixel by pixel, on noise, with another arrangement of the formulas."""
    volume = tr.Volume((37, 50), spacing=(0.7, 1.3), center=(2.0, -3.0))
    t = np.arange(48) * 2 * PI / 48 + 0.1
    distances = {"source_distance": 90.0, "detector_distance": 40.0}
    scan = tr.fan_beam(t, 73, 1.4, curved=curved, **distances)
    y = rng.normal(size=scan.shape)
    expected = oracle.fan_fbp(volume, y, t, 1.4, 90.0, 40.0, curved)
    actual = tr.fbp(tr.Projector(volume, scan), torch.from_numpy(y).to(dtype))
    error = np.abs(actual.double().numpy() - expected).max()
    assert error < tolerance * np.abs(expected).max()


@pytest.mark.parametrize("curved", [False, True], ids=["flat", "curved"])
def test_a_distant_source_is_a_parallel_beam(curved):
    t = angles(2 * PI, 300)
    volume = tr.Volume((64, 64))
    phantom = Phantom([ellipse(1.0, (4, -3), (20, 15))])
    images = []
    for scan in (
        tr.parallel_beam(t, 90),
        tr.fan_beam(t, 90, source_distance=1e7, detector_distance=0.0, curved=curved),
    ):
        y = phantom.project(scan, dtype=torch.float64)
        images.append(tr.fbp(tr.Projector(volume, scan), y))
    torch.testing.assert_close(images[0], images[1], rtol=0, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 25.4])
@pytest.mark.parametrize("beam", ["flat", "curved"])
def test_the_unit_of_length_is_free(beam, scale):
    t = angles(240 * DEGREES, 200)
    image = {}
    for unit in (1.0, scale):
        scan = scanner(beam, t, unit, unit)
        volume = tr.Volume((64, 64), spacing=2 * unit)
        y = Phantom([ellipse(1 / unit, (8 * unit, 0.0), (40 * unit, 30 * unit))]).project(
            scan, dtype=torch.float64
        )
        image[unit] = tr.fbp(tr.Projector(volume, scan), y) * unit
    torch.testing.assert_close(image[scale], image[1.0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("beam", BEAMS)
def test_extrapolation_recovers_a_truncated_region(beam):
    """A field of view of 90 pixels in an object of 150 by 110: 4 times nearer to the truth."""
    volume = tr.Volume((128, 128))
    phantom = Phantom(
        [
            ellipse(1.0, (5, 0), (75, 55)),
            ellipse(0.3, (15, -10), (12, 9)),
            ellipse(-0.4, (-20, 12), (8, 15)),
        ]
    )
    truth = phantom.rasterize(volume, dtype=torch.float64)
    x, y = np.meshgrid(volume.coordinates(1), volume.coordinates(0))
    inside = torch.from_numpy(np.hypot(x, y) < 38)
    scan = scanner(beam, angles(2 * PI, 720), low=-45.0, high=45.0)
    A = tr.Projector(volume, scan)
    data = phantom.project(scan, dtype=torch.float64)
    plain, smooth = (
        (tr.fbp(A, data, extrapolation=part) - truth)[inside].square().mean().sqrt()
        for part in (0.0, 0.25)
    )
    assert smooth < plain / 4
    assert smooth < 0.08


@pytest.mark.parametrize("beam", BEAMS)
@pytest.mark.parametrize("kind", ["full", "half-fan"])
def test_extrapolation_leaves_complete_projections_alone(beam, kind):
    scan = scanner(beam, angles(2 * PI, 720), low=-12.0 if kind == "half-fan" else -60.0)
    check(disc_errors(scan, extrapolation=0.5))


def test_blocks_are_judged_within_the_disc():
    volume = tr.Volume((128, 128))
    image = torch.ones(128, 128)
    assert errors(image, volume) == (0.0, 0.0)
    image[60:68, 70:78] = 1.1
    block, rms = errors(image, volume)
    assert block > 0.02
    assert rms > 0.005
