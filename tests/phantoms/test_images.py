"""Images of phantoms: values at points, pixel means, and what they add up to."""

import numpy as np
import pytest
import torch

from torch_radon import Volume
from torch_radon.phantoms import Phantom, ellipse, forbild_head, rectangle, shepp_logan

PHANTOM = Phantom(
    [
        ellipse(1.3, (1, -2), (7, 3), 0.4),
        ellipse(0.7, (-1, 2), (5, 6), 1.1).clip((1, 2), 3.0),
        rectangle(-0.4, (2, 1), (4, 7), -0.6),
    ]
)
VOLUMES = {
    "square": Volume((48, 48), spacing=0.5),
    "oblong, anisotropic, offset": Volume((31, 64), spacing=(0.8, 0.4), center=(-1.0, 2.5)),
    "partly beside the phantom": Volume((20, 20), spacing=0.5, center=(4.0, 5.0)),
    "elsewhere": Volume((5, 7), center=(100.0, -80.0)),
    "one pixel": Volume((1, 1), spacing=30.0),
}
EVERY_VOLUME = pytest.mark.parametrize("volume", VOLUMES.values(), ids=VOLUMES.keys())


def centers(volume, within=((0.0, 0.0),)):
    """Pixel centres, moved by fractions of a pixel (y, x): shape (moves, H, W, 2) as (x, y)."""
    y, x = volume.coordinates(0), volume.coordinates(1)
    moves = np.array(within) * volume.spacing
    grids = [np.stack(np.meshgrid(x + dx, y + dy), -1) for dy, dx in moves]
    return np.stack(grids)


@EVERY_VOLUME
def test_without_supersampling_pixels_have_the_value_at_their_centre(volume):
    expected = PHANTOM.evaluate(centers(volume))[0]
    actual = PHANTOM.rasterize(volume, supersampling=1, dtype=torch.float64)
    assert actual.shape == volume.shape
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


@EVERY_VOLUME
def test_supersampling_approaches_the_mean_over_the_pixel(volume):
    n = 24
    steps = (np.arange(n) + 0.5) / n - 0.5
    within = [(a, b) for a in steps for b in steps]
    expected = PHANTOM.evaluate(centers(volume, within)).mean(0)
    actual = PHANTOM.rasterize(volume, supersampling=n, dtype=torch.float64)
    assert (actual - expected).abs().max() < 0.05


def test_the_mass_of_the_image_is_that_of_the_figures():
    volume = Volume((301, 200), spacing=(0.1, 0.15))
    areas = {
        ellipse(2.0, (1, -2), (7, 3), 0.4): 21 * np.pi,
        rectangle(2.0, (1, 2), (7, 3), 0.4): 21,
    }
    for figure, area in areas.items():
        image = Phantom([figure]).rasterize(volume, dtype=torch.float64)
        assert image.sum().item() * 0.1 * 0.15 == pytest.approx(2.0 * area, rel=1e-4)


def test_pixel_means_are_exact_for_aligned_rectangles():
    """Whatever the position along x; along y the edges here lie between the sampling lines."""
    image = Phantom([rectangle(3.0, (0.3, 0.0), (1.5, 2.0))]).rasterize(
        Volume((4, 4)), dtype=torch.float64
    )
    row = 3.0 * np.array([0.0, 0.45, 1.0, 0.05])
    np.testing.assert_allclose(image.numpy(), [0 * row, row, row, 0 * row], atol=1e-12)


def test_pixel_means_agree_with_the_projections():
    """Both are the same phantom: row sums are projections averaged over a pixel."""
    from torch_radon import parallel_beam

    phantom = shepp_logan(30.0)
    volume = Volume((60, 60), spacing=0.5)
    columns = phantom.rasterize(volume, supersampling=64, dtype=torch.float64).sum(0) * 0.5
    fine = phantom.project(parallel_beam([0.0], 60 * 64, 0.5 / 64), dtype=torch.float64)
    torch.testing.assert_close(columns, fine.reshape(60, 64).mean(1), rtol=0, atol=2e-3)


def test_shift_scale_and_rotation_act_on_the_image():
    volume = Volume((50, 50), spacing=0.5)
    still = forbild_head(24.0).rasterize(volume)
    elsewhere = Volume((50, 50), spacing=0.5, center=(-1.0, 2.0))
    moved = forbild_head(24.0).shift((2.0, -1.0)).rasterize(elsewhere)
    scaled = forbild_head(24.0).scale(3.0).rasterize(Volume((50, 50), spacing=1.5))
    turned = forbild_head(24.0).rotate(np.pi / 2).rasterize(volume, 64)
    torch.testing.assert_close(moved, still, rtol=0, atol=1e-6)
    torch.testing.assert_close(scaled, still, rtol=0, atol=1e-6)
    upright = forbild_head(24.0).rasterize(volume, 64)
    assert (turned - torch.rot90(upright, -1)).abs().max() < 0.05


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_the_result_has_the_wanted_type(dtype):
    assert PHANTOM.rasterize(VOLUMES["square"], dtype=dtype).dtype == dtype


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="volume must be a torch_radon Volume, got tuple"):
        PHANTOM.rasterize((3, 3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"volume must have shape \(H, W\), got \(3, 3, 3\)"):
        PHANTOM.rasterize(Volume((3, 3, 3)))
    with pytest.raises(ValueError, match="supersampling must be at least 1"):
        PHANTOM.rasterize(Volume((3, 3)), 0)
    with pytest.raises(TypeError, match="supersampling must be an integer"):
        PHANTOM.rasterize(Volume((3, 3)), 2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"points must have shape \(\.\.\., 2\)"):
        PHANTOM.evaluate([[1.0, 2.0, 3.0]])
