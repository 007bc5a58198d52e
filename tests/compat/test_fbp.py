"""Filtered backprojection in TorchRadon's two steps."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch

import torch_radon as tr
from measures import double, relative_max
from torch_radon.analytic import filter_response
from torch_radon.compat import FanBeam, ParallelBeam, Radon, RadonFanbeam, Volume2D

SIDE = 96
HALF, TURN = (0, np.pi, 180), (0, 2 * np.pi, 240)
SHORT = (0.3, 0.3 + np.deg2rad(230), 240)


def _angles(span: tuple[float, float, int]) -> np.ndarray:
    return np.linspace(*span, endpoint=False)


Beam = Radon | RadonFanbeam | ParallelBeam | FanBeam

PROJECTORS: dict[str, Callable[[], Beam]] = {
    "radon": lambda: Radon(SIDE, _angles(HALF), 144),
    "radon-fine": lambda: Radon(SIDE, _angles(HALF), 250, 0.6),
    "radon-clipped": lambda: Radon(SIDE, _angles(HALF), 144, clip_to_circle=True),
    "fan": lambda: RadonFanbeam(SIDE, _angles(TURN), 1.2 * SIDE, det_count=170),
    "fan-near": lambda: RadonFanbeam(SIDE, _angles(TURN), 0.8 * SIDE, 30.0, 180),
    "fan-short": lambda: RadonFanbeam(SIDE, _angles(SHORT), 2.0 * SIDE, 150.0, 170),
    "parallel-beam": lambda: ParallelBeam(144, HALF, volume=SIDE),
    "fan-beam": lambda: FanBeam(180, TURN, 1.2 * SIDE, 80.0),
    "pixels-of-0.5": lambda: ParallelBeam(144, HALF, 0.5, Volume2D(voxel_size=(0.5, 0.5))),
    "oblong": lambda: ParallelBeam(160, HALF, 0.8, Volume2D((3, -2), (0.9, 0.7))),
    "fan-of-0.5": lambda: FanBeam(180, TURN, 0.6 * SIDE, 40.0, 0.8, Volume2D((2, 1), (0.5, 0.5))),
}


def _image() -> torch.Tensor:
    """Two smooth discs, one of them off centre and no two quadrants alike."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    big = 1 / (1 + np.exp(np.hypot(x, y) - 40))
    small = 1 / (1 + np.exp(np.hypot(x - 20, y + 12) - 9))
    return torch.from_numpy(0.2 * big + 0.3 * small).float()


@pytest.mark.parametrize("name", PROJECTORS)
def test_two_steps_return_the_image(name: str, device: str) -> None:
    radon, image = PROJECTORS[name](), _image().to(device)
    filtered = radon.filter_sinogram(radon.forward(image))
    found = radon.backprojection(filtered)
    assert type(found) is torch.Tensor
    # Corners are close to the sources of a near fan, where errors of sampling are magnified.
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    assert abs(double(found - image))[np.hypot(x, y) < 46].mean() <= 2e-3
    for rows, columns in ((slice(20, 30), slice(60, 70)), (slice(60, 75), slice(40, 55))):
        assert abs(float((found / image)[rows, columns].mean()) - 1) <= 3e-3


def test_a_fan_agrees_with_fbp(device: str) -> None:
    radon = RadonFanbeam(SIDE, _angles(SHORT), 2.0 * SIDE, 150.0, 170)
    y = radon.forward(_image().to(device))
    expected = tr.fbp(copy.deepcopy(radon.projector).to(device), y, "hann")
    assert relative_max(radon.backward(radon.filter_sinogram(y, "hann")), expected) <= 1e-5


@pytest.mark.parametrize("name", ["ramp", "RAM-LAK", "shepp-logan", "cosine", "hamming", "hann"])
def test_scale_of_the_filter(name: str, device: str, rng: np.random.Generator) -> None:
    """pi / (2 views) times the filter with twice the frequency, zero-padded."""
    sinogram = rng.normal(size=(3, 7, 100))
    # TorchRadon pads to a power of two. The kernels of two windows go on for ever, so that the
    # length shows in them; ours is the shortest fast one that keeps the ends of a row apart.
    size = 200 if name in ("shepp-logan", "cosine") else 256
    response = 2 * filter_response(name, size).numpy()
    spectrum = np.fft.rfft(sinogram, size) * response
    expected = np.pi / (2 * 7) * np.fft.irfft(spectrum, size)[..., :100]
    radon = Radon(80, np.arange(7), 100, det_spacing=0.7)
    found = radon.filter_sinogram(torch.from_numpy(sinogram).to(device), name)
    assert relative_max(found, expected) <= 1e-12


@pytest.mark.parametrize("beam", [Radon, RadonFanbeam])
def test_gradients_pass_both_steps(beam: type, device: str) -> None:
    radon = beam(9, np.arange(5) * 1.25, *([20.0] if beam is RadonFanbeam else []))
    y = torch.rand(2, 5, 9, dtype=torch.float64, device=device, requires_grad=True)
    assert torch.autograd.gradcheck(lambda y: radon.backward(radon.filter_sinogram(y)), y)


def test_what_is_computed_from_a_filtered_sinogram_is_filtered() -> None:
    radon = PROJECTORS["fan"]()
    y = radon.forward(_image())
    filtered = radon.filter_sinogram(y)
    batch = torch.stack([filtered, 2 * filtered]).half().float()
    expected = radon.backprojection(filtered)
    assert relative_max(radon.backprojection(batch)[1], 2 * expected) <= 3e-3
    # The transpose is the transpose, whatever it is given.
    plain = filtered.as_subclass(torch.Tensor)
    assert torch.equal(radon.T(filtered).as_subclass(torch.Tensor), radon.T(plain))
    assert float((radon.T(plain) - expected).abs().max()) > 1e-3


def test_a_circle_clips_reconstructions(device: str) -> None:
    radon = RadonFanbeam(32, _angles(TURN), 50.0, clip_to_circle=True)
    y = torch.ones(radon.range_shape, device=device)
    for image in (radon.backward(y), radon.backward(radon.filter_sinogram(y))):
        corner = double(image)
        assert corner[0, 0] == corner[-1, 0] == 0
        assert abs(corner[16, 16]) > 0
