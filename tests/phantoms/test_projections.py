"""Closed-form projections against other closed forms, quadrature, and conservation laws."""

import math

import numpy as np
import pytest
import torch

from oracles import closed_forms
from oracles.rays import scan_rays
from torch_radon import Scan, fan_beam, parallel_beam
from torch_radon.phantoms import Phantom, ellipse, forbild_head, rectangle, shepp_logan

ANGLES = np.linspace(0, 2 * math.pi, 9, endpoint=False) + 0.1
SCANS = {
    "parallel": parallel_beam(ANGLES, 61, 0.4),
    "parallel, axis along a grid line": parallel_beam([0.0, math.pi / 2], 60, 0.4),
    "parallel, offset": parallel_beam(ANGLES, 40, 0.7, detector_offset=2.3, axis_offset=-1.1),
    "parallel, oblique": Scan.from_vectors(
        [[0.3, 1.7, 1.0, 5.0, 0.4, 0.3], [-2.0, 0.1, 0.2, 0.3, -0.1, -0.5]], 50
    ),
    "flat fan": fan_beam(ANGLES, 61, 0.5, source_distance=30, detector_distance=15),
    "flat fan, detector at the axis": fan_beam(
        ANGLES, 33, 0.5, source_distance=30, detector_distance=0
    ),
    "flat fan, oblique": Scan.from_vectors([[30.0, 2.0, -20.0, 1.0, 0.3, 0.6]], 70, "fan"),
    "curved fan": fan_beam(
        ANGLES,
        61,
        0.5,
        source_distance=30,
        detector_distance=15,
        curved=True,
        detector_offset=1.3,
        axis_offset=0.4,
    ),
}
EVERY_SCAN = pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS.keys())

CLIPPED = (
    Phantom([ellipse(1.3, (1, -2), (7, 3), 0.4)])
    + Phantom([ellipse(0.7, (-1, 2), (5, 6), 1.1).clip((1, 2), 3.0).clip((-1, 0.3), 2.0)])
    + Phantom([rectangle(-0.4, (2, 1), (4, 7), -0.6).clip((0, -2), 1.0)])
)


def lines(scan):
    """Start, direction and whether it is a half-line, of all rays, by the tests' own oracle."""
    rays = [ray for view in scan_rays(scan) for ray in view]
    start = np.array([(ray.x, ray.y) for ray in rays])
    direction = np.array([(ray.dx, ray.dy) for ray in rays])
    return start, direction, rays[0].half


def quadrature(phantom, scan, points=10_000, reach=60.0):
    """Midpoint rule along every ray; the figures have jumps, so the error is a step or so."""
    start, direction, half = lines(scan)
    low = 0.0 if half else -reach
    step = (reach - low) / points
    s = low + (np.arange(points) + 0.5) * step
    sums = []
    for p, d in zip(start, direction, strict=True):
        sums.append(phantom.evaluate(p + s[:, None] * d).sum().item() * step)
    return np.reshape(sums, scan.shape), step


@EVERY_SCAN
def test_clipped_figures_match_quadrature(scan):
    """Ellipses, rectangles and their clipped parts, under every kind of ray."""
    scan = scan[: min(2, scan.views)]
    expected, step = quadrature(CLIPPED, scan)
    actual = CLIPPED.project(scan, dtype=torch.float64).numpy()
    # Each of the 6 ends of the 3 chords can be off by half a step.
    assert np.abs(actual - expected).max() < 3 * step * 1.3
    assert actual.max() > 5
    assert np.abs(actual - expected).mean() < step


@EVERY_SCAN
def test_an_ellipse_matches_the_textbook_formula(scan):
    expected = closed_forms.sinogram(closed_forms.Ellipse(1.5, -2.5, 6.0, 2.5, 0.7), scan)
    phantom = Phantom([ellipse(2.0, (1.5, -2.5), (6.0, 2.5), 0.7)])
    actual = phantom.project(scan, dtype=torch.float64).numpy()
    np.testing.assert_allclose(actual, 2.0 * expected, rtol=0, atol=1e-12)


@EVERY_SCAN
def test_a_rectangle_matches_the_slab_method(scan):
    expected = closed_forms.sinogram(closed_forms.Rectangle(1.5, -2.5, 6.1, 2.7), scan)
    phantom = Phantom([rectangle(2.0, (1.5, -2.5), (6.1, 2.7))])
    actual = phantom.project(scan, dtype=torch.float64).numpy()
    np.testing.assert_allclose(actual, 2.0 * expected, rtol=0, atol=1e-12)


def half_disc_area(radius, offset):
    """Area of the part of a disc below a line at the signed distance `offset` of its centre."""
    h = offset / radius
    return radius**2 * (math.pi / 2 + math.asin(h) + h * math.sqrt(1 - h * h))


MASSES = {
    "ellipse": (Phantom([ellipse(0.5, (1, 2), (4, 2), 0.3)]), 0.5 * math.pi * 8),
    "rectangle": (Phantom([rectangle(0.5, (1, 2), (4, 2), 0.3)]), 0.5 * 8),
    "cap": (
        Phantom([ellipse(2.0, (1, 2), (5, 5)).clip((0.6, 0.8), 2.2 + 1.5)]),
        2.0 * half_disc_area(5, 1.5),
    ),
    "quarter": (
        Phantom([ellipse(1.0, (0, 0), (4, 6)).clip((1, 0), 0).clip((0, 3), 0)]),
        math.pi * 6,
    ),
    "triangle": (Phantom([rectangle(1.0, (2, 3), (4, 6)).clip((3, 2), 12)]), 12.0),
    "Shepp-Logan": (
        shepp_logan(20.0, contrast="modified"),
        100
        * math.pi
        * (
            0.69 * 0.92
            - 0.8 * 0.6624 * 0.874
            - 0.2 * (0.11 * 0.31 + 0.16 * 0.41)
            + 0.1 * (0.21 * 0.25 + 2 * 0.046**2 + 2 * 0.046 * 0.023 + 0.023**2)
        ),
    ),
}


@pytest.mark.parametrize(("phantom", "mass"), MASSES.values(), ids=MASSES.keys())
def test_every_parallel_projection_holds_the_whole_mass(phantom, mass):
    """The sum over columns times the ray spacing is value times area, at every angle."""
    scan = parallel_beam(np.linspace(0, math.pi, 7) + 0.05, 40_001, 0.001)
    sums = phantom.project(scan, dtype=torch.float64).sum(-1).numpy() * 0.001
    np.testing.assert_allclose(sums, mass, rtol=2e-5)


@EVERY_SCAN
@pytest.mark.parametrize("phantom", [CLIPPED, forbild_head(8.0)], ids=["clipped", "FORBILD"])
def test_rotating_and_shifting_phantom_and_scanner_changes_nothing(scan, phantom):
    still = phantom.project(scan, dtype=torch.float64)
    turned = phantom.rotate(0.7).project(scan.rotate(0.7), dtype=torch.float64)
    moved = phantom.shift((3.0, -1.5)).project(scan.shift((3.0, -1.5)), dtype=torch.float64)
    torch.testing.assert_close(turned, still, rtol=0, atol=1e-11)
    torch.testing.assert_close(moved, still, rtol=0, atol=1e-11)


def test_scaling_the_phantom_scales_its_line_integrals():
    one = SCANS["flat fan"]
    vectors = one.to_vectors() * 2.5
    large = Scan.from_vectors(vectors, one.columns, "fan")
    expected = 2.5 * CLIPPED.project(one, dtype=torch.float64)
    actual = CLIPPED.scale(2.5).project(large, dtype=torch.float64)
    torch.testing.assert_close(actual, expected, rtol=1e-13, atol=1e-11)


def test_projection_is_linear_in_the_phantom():
    scan = SCANS["curved fan"]
    other = shepp_logan(9.0)
    both = (3.0 * CLIPPED + other * -0.5).project(scan, dtype=torch.float64)
    apart = 3.0 * CLIPPED.project(scan, dtype=torch.float64)
    apart -= 0.5 * other.project(scan, dtype=torch.float64)
    torch.testing.assert_close(both, apart, rtol=0, atol=1e-12)


def test_a_source_inside_sees_only_what_lies_before_it():
    disc = Phantom([ellipse(1.0, (0, 0), (5, 5))])
    assert disc.integrate((0, 0), (0, 3), half_line=True).item() == pytest.approx(5.0)
    assert disc.integrate((0, 0), (0, 3)).item() == pytest.approx(10.0)
    assert disc.integrate((0, 6), (0, 3), half_line=True).item() == 0.0


def test_rays_along_an_edge_and_tangents_are_finite():
    square = Phantom([rectangle(1.0, (0, 0), (2, 2))])
    assert square.integrate((1, 0), (0, 1)).item() == pytest.approx(2.0)
    assert square.integrate((1 + 1e-9, 0), (0, 1)).item() == 0.0
    assert Phantom([ellipse(1.0, (0, 0), (1, 1))]).integrate((1, 0), (0, 1)).item() == 0.0


def test_many_views_are_projected_in_blocks_without_seams():
    scan = parallel_beam(np.linspace(0, 3, 1500), 400, 0.1)
    whole = CLIPPED.project(scan, dtype=torch.float64)
    for view in (0, 654, 655, 656, 1499):
        alone = CLIPPED.project(scan[[view]], dtype=torch.float64)
        torch.testing.assert_close(whole[view : view + 1], alone, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_the_result_has_the_wanted_type(dtype):
    exact = CLIPPED.project(SCANS["parallel"], dtype=torch.float64)
    actual = CLIPPED.project(SCANS["parallel"], dtype=dtype)
    assert actual.dtype == dtype
    torch.testing.assert_close(actual, exact.to(dtype), rtol=0, atol=0)


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="scan must be a torch_radon Scan, got list"):
        CLIPPED.project([1, 2])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="direction must not contain the zero vector"):
        CLIPPED.integrate((0, 0), (0, 0))
    with pytest.raises(ValueError, match=r"origin must have shape \(\.\.\., 2\)"):
        CLIPPED.integrate((0, 0, 0), (0, 1))
    with pytest.raises(ValueError, match=r"normal must not be the zero vector"):
        ellipse(1, (0, 0), (1, 1)).clip((0, 0), 1)
    with pytest.raises(ValueError, match="semi_axes must be positive"):
        ellipse(1, (0, 0), (1, 0))
    with pytest.raises(ValueError, match="center must be two numbers"):
        ellipse(1, (0, 0, 0), (1, 1))
    with pytest.raises(ValueError, match="size must be positive"):
        rectangle(1, (0, 0), (-1, 1))
    with pytest.raises(ValueError, match="angle must be finite"):
        rectangle(1, (0, 0), (1, 1), math.nan)
    with pytest.raises(TypeError, match="figures must be Figure objects, got str"):
        Phantom("ellipse")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="matrix must be invertible"):
        CLIPPED.transform([[1, 1], [1, 1]])
    with pytest.raises(ValueError, match="factor must be positive"):
        CLIPPED.scale(-1.0)
