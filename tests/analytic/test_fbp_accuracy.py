"""How near filtered backprojection comes to the truth, and to other implementations of it."""

import numpy as np
import pytest
import torch
from skimage.transform import iradon, radon

import torch_radon as tr
from analytic.discs import disc, errors
from datasets import dataset
from oracles import fbp as oracle
from torch_radon.analytic import angular_weights
from torch_radon.phantoms import shepp_logan

EVEN = np.linspace(0, np.pi, 360, endpoint=False)


def reconstruct(scan, volume, pixel=1.0, **options):
    y = disc(pixel).project(scan, dtype=torch.float64)
    return tr.fbp(tr.Projector(volume, scan), y, **options)


def test_the_papers_phantom():
    """Full square, ramp, linear interpolation: an independent reconstruction gives 2.0175e-4."""
    image = torch.from_numpy(np.load(dataset("shepp_logan_512.npy")))
    scan = tr.parallel_beam(np.linspace(0, np.pi, 512, endpoint=False), 725)
    A = tr.Projector(tr.Volume((512, 512)), scan)
    error = tr.fbp(A, A(image)) - image
    assert error.square().mean() <= 2.02e-4


@pytest.mark.parametrize("pixel", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("spacing", [0.8, 1.0, 1.25])
def test_a_uniform_disc_is_uniform_and_has_its_value(pixel, spacing):
    scan = tr.parallel_beam(EVEN, int(130 * pixel / spacing), spacing)
    volume = tr.Volume((128, 128), spacing=pixel)
    block, rms = errors(reconstruct(scan, volume, pixel), volume, pixel)
    assert block < 1e-3
    assert rms < 1e-3


SCANS = {
    "half circle, both ends": tr.parallel_beam(np.linspace(0, np.pi, 361), 180),
    "full circle": tr.parallel_beam(np.linspace(0, 2 * np.pi, 720, endpoint=False), 180),
    "full circle, odd": tr.parallel_beam(np.linspace(0, 2 * np.pi, 401, endpoint=False), 180),
    "three half circles": tr.parallel_beam(np.arange(3 * 240) * np.pi / 240, 180),
    "three quarters of a circle": tr.parallel_beam(np.arange(540) * np.pi / 360, 180),
    "backwards from anywhere": tr.parallel_beam(17.3 - EVEN, 180),
    "golden angle": tr.parallel_beam(np.arange(377) * np.pi * (np.sqrt(5) - 1) / 2, 180),
    "detector offset": tr.parallel_beam(EVEN, 180, detector_offset=13.37),
    "axis offset": tr.parallel_beam(EVEN, 180, axis_offset=-9.81),
    "axis wandering": tr.parallel_beam(EVEN, 180, axis_offset=3 * np.sin(7 * EVEN)),
    "scanner rotated": tr.parallel_beam(EVEN, 180).rotate(0.3),
    "fine detector": tr.parallel_beam(EVEN, 1440, 0.125),
}


@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS.keys())
def test_any_complete_scan_has_the_scale_of_the_image(scan):
    volume = tr.Volume((128, 128))
    block, rms = errors(reconstruct(scan, volume), volume)
    assert block < 2e-3
    assert rms < 2e-3


def test_oblique_detectors_and_unnormalised_rays():
    """The step that counts is that between the rays, and u may point either way."""
    generator = np.random.default_rng(1)
    rows = []
    for t in EVEN:
        ray = np.array([-np.sin(t), np.cos(t)])
        tilt = t + generator.uniform(-0.9, 0.9)
        step = generator.uniform(0.6, 1.1) * generator.choice([-1, 1])
        u = step * np.array([np.cos(tilt), np.sin(tilt)])
        center = generator.uniform(-5, 5, 2) + 300 * ray
        rows.append(np.concatenate([generator.uniform(0.3, 4) * ray, center, u]))
    scan = tr.Scan.from_vectors(rows, 500)
    volume = tr.Volume((128, 128))
    block, rms = errors(reconstruct(scan, volume), volume)
    assert block < 2e-3
    assert rms < 2e-3


def test_jittered_angles():
    jitter = np.random.default_rng(2).uniform(-0.5, 0.5, 360) * np.pi / 360
    scan = tr.parallel_beam(np.random.default_rng(3).permutation(EVEN + jitter), 180)
    volume = tr.Volume((128, 128))
    block, rms = errors(reconstruct(scan, volume), volume)
    assert block < 2e-3
    assert rms < 1e-2


def test_a_few_views_left_out_do_not_change_the_scale():
    scan = tr.parallel_beam(np.delete(EVEN, [70, 71, 200]), 180)
    volume = tr.Volume((128, 128))
    block, rms = errors(reconstruct(scan, volume), volume)
    assert block < 1e-2
    assert rms < 1e-2


def test_anisotropic_and_offset_volumes_are_windows_on_the_same_image():
    """The image at a point does not depend on the grid; and the disc keeps its value."""
    scan = tr.parallel_beam(EVEN, 180)
    y = disc().project(scan, dtype=torch.float64)
    whole = tr.fbp(tr.Projector(tr.Volume((129, 129)), scan), y)
    part = tr.Volume((20, 31), spacing=(2.0, 1.0), center=(-15.0, 12.0))
    image = tr.fbp(tr.Projector(part, scan), y)
    rows, columns = slice(64 - 34, 64 - 34 + 40, 2), slice(64 - 3, 64 + 28)
    torch.testing.assert_close(image, whole[rows, columns], rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-3, 25.4])
def test_the_unit_of_length_is_free(scale):
    """Attenuation per unit of length scales with the unit; nothing else changes."""
    y = disc().project(tr.parallel_beam(EVEN, 180), dtype=torch.float64)
    one = tr.Projector(tr.Volume((64, 64)), tr.parallel_beam(EVEN, 180))
    other = tr.Projector(
        tr.Volume((64, 64), spacing=scale), tr.parallel_beam(EVEN, 180, spacing=scale)
    )
    torch.testing.assert_close(tr.fbp(other, y) * scale, tr.fbp(one, y), rtol=0, atol=1e-9)


def test_a_limited_range_reconstructs_its_share():
    """120 of 180 degrees: the views at the ends do not stand for those that are missing."""
    half = tr.parallel_beam(np.arange(0, 120) * np.pi / 180, 180)
    rest = tr.parallel_beam(np.arange(120, 180) * np.pi / 180, 180)
    full = tr.parallel_beam(np.arange(0, 180) * np.pi / 180, 180)
    volume = tr.Volume((64, 64))
    parts = reconstruct(half, volume) + reconstruct(rest, volume)
    torch.testing.assert_close(parts, reconstruct(full, volume), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["shepp-logan", "cosine", "hamming", "hann"])
@pytest.mark.parametrize(("cutoff", "tolerance"), [(1.0, 1e-3), (0.5, 1e-2)])
def test_smooth_filters_keep_the_value(name, cutoff, tolerance):
    """Where the filter ends abruptly, at half of Nyquist, the disc's edge rings."""
    volume = tr.Volume((128, 128))
    scan = tr.parallel_beam(EVEN, 180)
    block, rms = errors(reconstruct(scan, volume, filter=name, cutoff=cutoff), volume)
    assert block < 2e-3
    assert rms < tolerance


def test_smoother_filters_let_less_noise_through():
    scan = tr.parallel_beam(EVEN, 180)
    noise = torch.from_numpy(np.random.default_rng(5).normal(size=scan.shape))
    A = tr.Projector(tr.Volume((64, 64)), scan)
    names = ("ramp", "shepp-logan", "cosine", "hamming", "hann")
    deviations = [tr.fbp(A, noise, filter=name).std().item() for name in names]
    assert deviations == sorted(deviations, reverse=True)
    assert tr.fbp(A, noise, cutoff=0.3).std() < 0.3 * deviations[0]


def test_without_a_filter_it_is_the_weighted_backprojection():
    scan = tr.parallel_beam(EVEN, 180)
    y = disc().project(scan, dtype=torch.float64)
    volume = tr.Volume((64, 64))
    expected = tr.Backprojector(volume, scan)(y) * (np.pi / 360)
    torch.testing.assert_close(tr.fbp(tr.Projector(volume, scan), y, filter=None), expected)


SETUPS = {
    "plain": (tr.Volume((40, 40)), tr.parallel_beam(np.linspace(0, np.pi, 50), 60)),
    "awkward": (
        tr.Volume((37, 50), spacing=(0.7, 1.3), center=(2.0, -3.0)),
        tr.parallel_beam(
            np.random.default_rng(8).uniform(0, 7, 40),
            73,
            0.9,
            detector_offset=1.7,
            axis_offset=np.linspace(-2, 3, 40),
        ),
    ),
    "oblique": (
        tr.Volume((30, 21), spacing=0.5),
        tr.Scan.from_vectors(
            [[2.0, 0.5, 9, 1, 0.3, 0.8], [0.1, -3.0, 0, 0, -0.6, 0.2], [1, 1, 0, 0, 0.5, 0]], 44
        ),
    ),
    "truncated": (tr.Volume((64, 64)), tr.parallel_beam(np.linspace(0, 3, 45), 30)),
}


@pytest.mark.parametrize(("volume", "scan"), SETUPS.values(), ids=SETUPS.keys())
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 2e-6)], ids=["fp64", "fp32"]
)
def test_an_independent_reconstruction_agrees(volume, scan, dtype, tolerance, rng):
    """Pixel by pixel, on noise, given the same weights of the views."""
    y = rng.normal(size=scan.shape)
    expected = oracle.fbp(volume, scan, y, angular_weights(scan.angles))
    A = tr.Projector(volume, scan)
    actual = tr.fbp(A, torch.from_numpy(y).to(dtype), redundancy="full")
    scale = np.abs(expected).max()
    assert np.abs(actual.double().numpy() - expected).max() < tolerance * scale


def test_an_independent_reconstruction_agrees_in_the_weights_too():
    volume, scan = SETUPS["plain"]
    y = shepp_logan(36.0).project(scan, dtype=torch.float64)
    expected = oracle.fbp(volume, scan, y.numpy())
    actual = tr.fbp(tr.Projector(volume, scan), y).numpy()
    assert np.abs(actual - expected).max() < 1e-3 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["ramp", "shepp-logan", "cosine", "hamming", "hann"])
def test_scikit_image_agrees_on_its_own_terms(name):
    """The same data through `iradon`: y upwards, the axis at column n // 2, half steps kept.

    Its padding is longer and its interpolation the same, so inside the circle both agree.
    """
    n = 65
    degrees = np.arange(0, 180, 1.0)
    image = shepp_logan(60.0).rasterize(tr.Volume((n, n)), dtype=torch.float64).numpy()
    sinogram = radon(image, degrees, circle=True)
    theirs = iradon(sinogram, degrees, filter_name=name, circle=True)
    # Their rays at angle t run as ours at -t do where y points down.
    scan = tr.parallel_beam(-np.deg2rad(degrees), n)
    y = torch.from_numpy(sinogram.T.copy())
    ours = tr.fbp(tr.Projector(tr.Volume((n, n)), scan), y, filter=name).numpy()
    x = np.arange(n) - n // 2
    inside = np.hypot(x, x[:, None]) < n // 2
    assert np.abs(ours - theirs)[inside].max() < 2e-3 * np.abs(theirs).max()


def test_it_is_at_least_as_near_to_the_truth_as_scikit_image():
    """On a closed-form sinogram, inside the circle that `iradon` reconstructs."""
    n = 129
    volume = tr.Volume((n, n))
    phantom = shepp_logan(120.0)
    degrees = np.arange(0, 180, 1.0)
    scan = tr.parallel_beam(-np.deg2rad(degrees), n)
    y = phantom.project(scan, dtype=torch.float64)
    truth = phantom.rasterize(volume, 32, dtype=torch.float64).numpy()
    theirs = iradon(y.numpy().T, degrees, filter_name="ramp", circle=True)
    ours = tr.fbp(tr.Projector(volume, scan), y).numpy()
    x = np.arange(n) - n // 2
    inside = np.hypot(x, x[:, None]) < n // 2

    def rms(image):
        return float(np.sqrt(((image - truth)[inside] ** 2).mean()))

    assert rms(ours) <= rms(theirs) * 1.001
