"""Projections against line integrals that are known exactly, in physical units."""

import itertools
import math

import numpy as np
import pytest
import torch

from cases import PROJECTORS, Case, walk
from measures import double, relative_l2
from oracles import closed_forms
from oracles.closed_forms import Ellipse, Gaussian, Rectangle
from torch_radon import Projector, Scan, Volume, fan_beam, parallel_beam

ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False) + 0.1
# Columns over 24 world units; the shapes lie within 12 of the axis.
SCANS = {
    "parallel": parallel_beam(ANGLES, 97, 0.25, detector_offset=0.1),
    "fan-flat": fan_beam(ANGLES, 97, 0.5, source_distance=60.0, detector_distance=60.0),
    "fan-curved": fan_beam(
        ANGLES, 97, 0.5, source_distance=60.0, detector_distance=60.0, curved=True
    ),
}
every_scan = pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS.keys())


def _volume(pixels: int, extent: float = 24.0) -> Volume:
    """Pixels that are twice as wide as they are high, over a square somewhat off the axis."""
    height, width = extent / pixels / 2, extent / pixels
    return Volume((2 * pixels, pixels), spacing=(height, width), center=(0.3, -0.2))


def _error(shape: Gaussian | Ellipse | Rectangle, scan: Scan, pixels: int, device: str) -> float:
    volume = _volume(pixels)
    image = torch.from_numpy(closed_forms.sample(shape, volume)).to(device)
    projection = Projector(volume, scan).to(device)(image)
    return relative_l2(projection, closed_forms.sinogram(shape, scan))


@every_scan
def test_second_order_convergence_to_a_gaussian(scan: Scan, device: str) -> None:
    gaussian = Gaussian(1.3, -0.8, sigma=1.5)
    errors = [_error(gaussian, scan, pixels, device) for pixels in (32, 64, 128, 256)]
    orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert min(orders) >= 1.9
    assert errors[-1] <= 4e-4


@every_scan
def test_a_rotated_ellipse(scan: Scan, device: str) -> None:
    ellipse = Ellipse(-1.0, 2.0, a=6.0, b=3.5, angle=0.5)
    errors = [_error(ellipse, scan, pixels, device) for pixels in (64, 256)]
    assert errors[1] <= 7e-3
    assert errors[1] <= errors[0] / 2.5


@every_scan
def test_a_rectangle(scan: Scan, device: str) -> None:
    # Its edges lie between pixels of the finer grid and of the coarser one.
    rectangle = Rectangle(-0.2, 0.3, width=9.0, height=6.0)
    errors = [_error(rectangle, scan, pixels, device) for pixels in (64, 256)]
    assert errors[1] <= 1e-2
    assert errors[1] <= errors[0] / 2.5


def test_axis_parallel_rays_through_a_rectangle_are_exact(device: str) -> None:
    volume = Volume((10, 12), spacing=(0.5, 2.0), center=(3.0, -1.0))
    rectangle = Rectangle(-3.0, 3.75, width=8.0, height=2.5)
    image = torch.from_numpy(closed_forms.sample(rectangle, volume)).to(device)
    assert image.sum() == 4 * 5
    down = parallel_beam([0.0], 12, 2.0, detector_offset=-1.0)
    across = parallel_beam([math.pi / 2], 10, 0.5, detector_offset=3.0)
    np.testing.assert_allclose(
        double(Projector(volume, down).to(device)(image))[0],
        [0, 0, 0, 2.5, 2.5, 2.5, 2.5, 0, 0, 0, 0, 0],
        atol=1e-12,
    )
    np.testing.assert_allclose(
        double(Projector(volume, across).to(device)(image))[0],
        [0, 0, 0, 0, 8, 8, 8, 8, 8, 0],
        atol=1e-12,
    )


@pytest.mark.parametrize("tilt", [0.0, 0.6], ids=["straight", "oblique"])
def test_the_mass_of_every_pixel_is_kept_in_every_view(
    tilt: float, device: str, rng: np.random.Generator
) -> None:
    volume = Volume((9, 6), spacing=(0.7, 1.3), center=(1.0, -2.0))
    vectors = [
        (-math.sin(t), math.cos(t), 0, 0, 0.01 * math.cos(t + tilt), 0.01 * math.sin(t + tilt))
        for t in ANGLES
    ]
    scan = Scan.from_vectors(vectors, 2201)
    image = torch.from_numpy(rng.uniform(size=volume.shape)).to(device)
    mass = double(Projector(volume, scan).to(device)(image)).sum(axis=1) * 0.01 * math.cos(tilt)
    np.testing.assert_allclose(mass, float(image.sum()) * 0.7 * 1.3, rtol=1e-4)


@walk(PROJECTORS)
@pytest.mark.parametrize("factor", [1e-6, 0.37, 1e6])
def test_scaling_every_length_scales_the_integrals(
    case: Case, factor: float, device: str, rng: np.random.Generator
) -> None:
    volume, scan = case.geometry(20, 6)
    larger = Volume(
        volume.shape,
        spacing=[s * factor for s in volume.spacing],
        center=[c * factor for c in volume.center],
    )
    vectors = scan.to_vectors()
    vectors[:, 2:] *= factor
    if scan.beam == "fan":
        vectors[:, :2] *= factor
    radius = None if scan.radius is None else scan.radius * factor
    stretched = Scan.from_vectors(vectors, scan.columns, scan.beam, radius)
    image = torch.from_numpy(rng.uniform(size=volume.shape)).to(device)
    expected = factor * double(Projector(volume, scan).to(device)(image))
    assert relative_l2(Projector(larger, stretched).to(device)(image), expected) <= 1e-12
    # Attenuation per unit length shrinks as lengths grow: projections have no unit.
    single = Projector(larger, stretched).to(device)(image.float())
    assert relative_l2(single, expected) <= 1e-6
