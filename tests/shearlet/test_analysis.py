"""Layout by scale, thresholds and pictures."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from torch_radon.shearlet import (
    ShearletTransform,
    hard_threshold,
    show_kernel,
    show_spectrum,
    show_tiling,
    soft_threshold,
)

S = ShearletTransform(48, 41, [0.5, 0.3])


def test_scales_cover_all_filters_in_order() -> None:
    parts = [S.filters_of(scale) for scale in (-1, 0, 1)]
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert parts[-1].stop == S.redundancy == len(S.shearlets) == len(S.scales)
    for scale, part in zip((-1, 0, 1), parts, strict=True):
        assert {shearlet.scale for shearlet in S.shearlets[part]} == {scale}
        assert set(S.scales[part].tolist()) == {max(scale, 0)}


def test_scales_are_what_torchradon_users_compute_with(device: str) -> None:
    scales = ShearletTransform(48, 41, [0.5, 0.3]).to(device).scales
    weights = (3**scales / 400).view(1, -1, 1, 1)
    assert weights.device.type == device
    assert float(weights[0, -1, 0, 0]) == pytest.approx(3 / 400)


def test_per_filter_follows_the_operator(device: str) -> None:
    transform = ShearletTransform(48, 41, [0.5, 0.3], real=False).to(device)
    weights = transform.per_filter([0.0, 1.0, 3.0])
    assert weights.shape == (transform.redundancy, 1, 1, 1)
    assert weights.device.type == device
    assert set(weights[transform.filters_of(1)].flatten().tolist()) == {3.0}


def test_norms_are_the_deviations_of_white_noise(generator: torch.Generator) -> None:
    noise = torch.randn(60, 41, 48, generator=generator, dtype=torch.float64)
    found = S(noise).square().mean(dim=(0, 2, 3)).sqrt()
    assert torch.allclose(found, S.norms, rtol=0.06)
    assert (S.norms.square().sum() - 1).abs() < 1e-13


def test_soft_threshold_is_the_proximal_map(rng: np.random.Generator) -> None:
    """It minimises t |z| + (z - c)**2 / 2, here over a fine grid of z."""
    c = torch.from_numpy(rng.standard_normal(50)) * 2
    z = torch.linspace(-8, 8, 160_001, dtype=torch.float64)
    for t in (0.0, 0.7, 3.0):
        objective = t * z.abs() + (z - c[:, None]) ** 2 / 2
        best = z[objective.argmin(dim=1)]
        assert (soft_threshold(c, t) - best).abs().max() <= 1e-4


def test_thresholds_of_pairs_are_those_of_complex_numbers(generator: torch.Generator) -> None:
    c = torch.randn(7, 5, 2, generator=generator, dtype=torch.float64)
    t = torch.rand(7, 1, 1, generator=generator, dtype=torch.float64)
    for threshold in (soft_threshold, hard_threshold):
        whole = threshold(torch.view_as_complex(c), t[..., 0])
        assert torch.allclose(torch.view_as_complex(threshold(c, t, pairs=True)), whole)
    size, turned = torch.view_as_complex(c).abs(), soft_threshold(torch.view_as_complex(c), 0.5)
    assert torch.allclose(turned.abs(), (size - 0.5).clamp_min(0))
    assert torch.allclose(turned.angle()[size > 0.5], torch.view_as_complex(c).angle()[size > 0.5])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_thresholds_keep_the_type_and_nan(dtype: torch.dtype, device: str) -> None:
    c = torch.tensor([3.0, -0.5, float("nan"), 0.0, -2.0], dtype=dtype, device=device)
    for threshold, expected in (
        (soft_threshold, [2.0, 0.0, float("nan"), 0.0, -1.0]),
        (hard_threshold, [3.0, 0.0, float("nan"), 0.0, -2.0]),
    ):
        for t in (1.0, torch.tensor(1.0, device=device)):
            found = threshold(c, t)
            assert found.dtype is dtype
            torch.testing.assert_close(
                found.cpu(), torch.tensor(expected, dtype=dtype), equal_nan=True
            )


def test_thresholds_have_gradients() -> None:
    c = torch.tensor([3.0, -0.5, -2.0, 0.0], dtype=torch.float64, requires_grad=True)
    for threshold in (soft_threshold, hard_threshold):
        (slope,) = torch.autograd.grad(threshold(c, 1.0).sum(), c)
        assert slope.tolist() == [1.0, 0.0, 1.0, 0.0]
    pairs = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(soft_threshold(pairs, 1.0, pairs=True).sum(), pairs)
    assert slope.tolist() == [[0.0, 0.0]] * 3


def test_bad_thresholds() -> None:
    c = torch.zeros(4, 3)
    with pytest.raises(ValueError, match="threshold must not be negative, got -1"):
        soft_threshold(c, -1.0)
    with pytest.raises(ValueError, match="threshold must not be negative, got nan"):
        hard_threshold(c, float("nan"))
    with pytest.raises(ValueError, match=r"size 2 where pairs is set.*\(4, 3\)"):
        soft_threshold(c, 1.0, pairs=True)
    with pytest.raises(TypeError, match=r"coefficients must be a torch\.Tensor, got list"):
        hard_threshold([1.0], 1.0)  # type: ignore[arg-type]


def test_thresholding_removes_noise(generator: torch.Generator) -> None:
    """Thresholds in units of the noise's deviation in each filter, as textbooks have it."""
    S = ShearletTransform(128, 128, [0.5] * 3)
    at = torch.arange(128.0) - 63.5
    image = (at[:, None] ** 2 + at**2 <= 40**2).float()
    noisy = image + 0.2 * torch.randn(128, 128, generator=generator)
    threshold = 3 * 0.2 * S.norms.float()[:, None, None]
    threshold[0] = 0
    clean = S.inverse(hard_threshold(S(noisy), threshold))
    assert (clean - image).norm() < 0.4 * (noisy - image).norm()


def _colors(ax: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(ax.images[0].get_array(), dtype=np.float64)  # type: ignore[attr-defined]


def test_the_tiling_is_symmetric_and_has_a_colour_a_filter() -> None:
    transform = ShearletTransform(65, 65, [0.5, 0.5])
    picture = _colors(show_tiling(transform))
    assert picture.shape == (65, 65, 3)
    assert np.allclose(picture, picture[::-1, ::-1])
    assert picture.min() >= 0
    assert picture.max() <= 1
    shades = picture / np.linalg.norm(picture, axis=-1, keepdims=True)
    assert len(np.unique(shades.reshape(-1, 3).round(6), axis=0)) >= 14


def test_pictures_of_a_filter() -> None:
    ax = Figure().subplots()
    assert show_spectrum(S, 3, ax) is ax
    assert ax.get_title() == "scale 0, shear 1, horizontal"
    spectrum = torch.fft.fftshift(S.spectrum(3)).numpy()
    assert np.array_equal(_colors(ax), spectrum)
    left, right, bottom, top = ax.images[0].get_extent()
    assert (left, right, bottom, top) == (-24.5, 23.5, 20.5, -20.5)
    kernel = show_kernel(S, 3)
    assert np.array_equal(_colors(kernel), S.kernel(3).numpy())
    assert show_kernel(ShearletTransform(33, 32, [0.5], real=False), 1).images
