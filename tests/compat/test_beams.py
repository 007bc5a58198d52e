"""Version 2: volumes of any kind, sizes that come with the data, and angles a call."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from measures import dot_mismatch, entries, relative_max
from oracles.joseph import joseph_matrix
from torch_radon import Scan, Volume
from torch_radon.compat import FanBeam, ParallelBeam, Radon, RadonFanbeam, Volume2D

ANGLES = np.array([0.1, 0.9, 2.2, 3.9, 5.5])
BEAMS = {
    "parallel": lambda volume=None: ParallelBeam(19, ANGLES, 1.1, volume),
    "fan": lambda volume=None: FanBeam(21, ANGLES, 30.0, 14.0, 1.7, volume),
}


def _sized(height: int, width: int, *args: tuple[float, float]) -> Volume2D:
    volume = Volume2D(*args)
    volume.set_size(height, width)
    return volume


def _vectors(kind: str) -> np.ndarray:
    """Canonical vectors with y along the row index, from the definition with y against it."""
    sine, cosine = np.sin(ANGLES), np.cos(ANGLES)
    if kind == "parallel":
        zero = np.zeros(len(ANGLES))
        up = [-sine, cosine, zero, zero, 1.1 * cosine, 1.1 * sine]
    else:
        up = [30 * sine, -30 * cosine, -14 * sine, 14 * cosine, 1.7 * cosine, 1.7 * sine]
    signs = np.array([1, -1, 1, -1, 1, -1])
    return np.stack(up, 1) * signs


@pytest.mark.parametrize("kind", BEAMS)
@pytest.mark.parametrize(
    ("center", "voxel"), [((0, 0), (1, 1)), ((2.5, -1.5), (0.7, 1.3)), ((-3, 4), (1.5, 1.5))]
)
def test_centres_and_sizes_of_voxels(
    kind: str, center: tuple[float, float], voxel: tuple[float, float], device: str
) -> None:
    beam = BEAMS[kind](_sized(11, 8, center, voxel))
    scan = Scan.from_vectors(_vectors(kind), beam.det_count, "fan" if kind == "fan" else "parallel")
    expected = joseph_matrix(Volume((11, 8), voxel[::-1], center[::-1]), scan)
    found = entries(beam, torch.float64, device)
    assert relative_max(found, expected) <= 1e-12
    assert relative_max(entries(beam.T, torch.float64, device).T, expected) <= 1e-12


@pytest.mark.parametrize("kind", BEAMS)
def test_dot_test(kind: str, device: str, generator: torch.Generator) -> None:
    beam = BEAMS[kind](_sized(17, 23, (1, 2), (0.5, 0.8)))
    assert dot_mismatch(beam, torch.float32, device, generator) <= 1e-6
    assert dot_mismatch(beam, torch.float64, device, generator) <= 1e-13


@pytest.mark.parametrize("kind", BEAMS)
def test_angles_of_a_call(kind: str, device: str) -> None:
    beam, image = BEAMS[kind](), torch.rand(2, 18, 18, device=device)
    whole = beam.forward(image)
    part = beam.forward(image, torch.from_numpy(ANGLES[[3, 1]]))
    assert torch.equal(part, whole[:, [3, 1]])
    alone = torch.zeros_like(whole)
    alone[:, [3, 1]] = part
    # Sums over the same rays in another order.
    found = beam.backward(part, ANGLES[[3, 1]])
    assert relative_max(found, beam.backward(alone)) <= 1e-6
    filtered = beam.filter_sinogram(part, angles=ANGLES[[3, 1]])
    assert filtered.shape == part.shape
    assert beam.backward(filtered, ANGLES[[3, 1]]).shape == image.shape


@pytest.mark.parametrize("kind", BEAMS)
def test_the_size_comes_with_the_data(kind: str, device: str) -> None:
    beam = BEAMS[kind]()
    with pytest.raises(ValueError, match=r"call forward first, or volume\.set_size"):
        beam.backward(torch.ones(beam.range_shape, device=device))
    with pytest.raises(ValueError, match="size is not known"):
        _ = beam.domain_shape
    assert beam.filter_sinogram(torch.ones(beam.range_shape)).shape == beam.range_shape
    for height, width in ((12, 15), (20, 9)):
        sinogram = beam.forward(torch.ones(3, height, width, device=device))
        assert beam.backward(sinogram).shape == (3, height, width)
        assert (beam.volume.height, beam.volume.width) == (height, width)
        assert beam.domain_shape == (height, width)
    other = _sized(5, 6)
    assert beam.backward(sinogram, volume=other).shape == (3, 5, 6)
    assert beam.backward(sinogram).shape == (3, 20, 9)
    with pytest.raises(ValueError, match=r"\(\.\.\., H, W\), got \(7,\)"):
        beam.forward(torch.ones(7))


@pytest.mark.parametrize("volume", [18, (18, 18), _sized(18, 18)], ids=str)
def test_a_volume_with_a_size_is_checked(volume: object, device: str) -> None:
    beam = ParallelBeam(18, (0, np.pi, 6), volume=volume)  # type: ignore[arg-type]
    assert beam.backward(torch.ones(2, 6, 18, device=device)).shape == (2, 18, 18)
    with pytest.raises(ValueError, match=r"\(\.\.\., 18, 18\), got \(17, 18\)"):
        beam.forward(torch.ones(17, 18))


def test_the_same_as_version_1(device: str, generator: torch.Generator) -> None:
    image = torch.rand(16, 16, generator=generator).to(device)
    pairs = [
        (ParallelBeam(20, (0, 3, 7), 1.2), Radon(16, np.linspace(0, 3, 7, False), 20, 1.2)),
        (FanBeam(20, list(ANGLES), 25.0), RadonFanbeam(16, ANGLES, 25.0, det_count=20)),
    ]
    for new, old in pairs:
        sinogram = old.forward(image)
        assert torch.equal(new.forward(image), sinogram)
        assert torch.equal(new.backward(sinogram), old.backward(sinogram))
        assert torch.equal(new.filter_sinogram(sinogram), old.filter_sinogram(sinogram))


def test_a_tuple_of_three_is_a_range_without_its_end() -> None:
    beam = ParallelBeam(8, (0.5, 2.0, 3))
    np.testing.assert_allclose(beam.angles.numpy(), [0.5, 1.0, 1.5])
    assert "any size" in repr(beam.volume)
    assert "9 x 4" in repr(_sized(9, 4))
    assert beam.volume.num_dimensions() == 2
