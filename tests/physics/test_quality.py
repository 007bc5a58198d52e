"""Image quality against scikit-image and NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from measures import double
from torch_radon.physics import psnr, rmse, rmse_hu, ssim, to_hounsfield

Pair = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture
def pair(generator: torch.Generator) -> Pair:
    """Six noisy images with edges, and what they should be."""
    reference = torch.rand(2, 3, 47, 60, generator=generator, dtype=torch.float64)
    reference[..., 10:30, 15:40] += 2
    noise = torch.randn(2, 3, 47, 60, generator=generator, dtype=torch.float64)
    return reference + 0.2 * noise, reference


def each(
    image: torch.Tensor, reference: torch.Tensor, function: Callable[..., float]
) -> np.ndarray:
    """Apply a function of arrays to every image."""
    pairs = zip(double(image.flatten(0, 1)), double(reference.flatten(0, 1)), strict=True)
    return np.array([function(x, y) for x, y in pairs]).reshape(image.shape[:2])


def skimage_ssim(image: np.ndarray, reference: np.ndarray, data_range: float) -> float:
    return structural_similarity(
        image,
        reference,
        data_range=data_range,
        gaussian_weights=True,
        use_sample_covariance=False,
    )


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize("data_range", [None, 3.7])
def test_against_scikit_image(
    device: str, pair: Pair, dtype: torch.dtype, tolerance: float, data_range: float | None
) -> None:
    image, reference = (x.to(device, dtype) for x in pair)

    def span(y: np.ndarray) -> float:
        return data_range or float(np.ptp(y))

    for found, expected in (
        (
            ssim(image, reference, data_range=data_range),
            each(image, reference, lambda x, y: skimage_ssim(x, y, span(y))),
        ),
        (
            psnr(image, reference, data_range=data_range),
            each(image, reference, lambda x, y: peak_signal_noise_ratio(y, x, data_range=span(y))),
        ),
        (
            rmse(image, reference),
            each(image, reference, lambda x, y: np.sqrt(np.mean((x - y) ** 2))),
        ),
    ):
        assert found.shape == (2, 3)
        assert found.dtype == dtype
        np.testing.assert_allclose(double(found), expected, rtol=tolerance, atol=0)


def test_hounsfield_offsets_lose_no_digits(device: str, pair: Pair) -> None:
    """A thousand times the spread is what images in HU have."""
    image, reference = (1000 + x for x in pair)
    single = ssim(image.float().to(device), reference.float().to(device), data_range=3.0)
    rounded = image.float().double(), reference.float().double()
    expected = each(*rounded, lambda x, y: skimage_ssim(x, y, 3.0))
    np.testing.assert_allclose(double(single), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_storage(device: str, pair: Pair, dtype: torch.dtype) -> None:
    image, reference = (x.to(device, dtype) for x in pair)
    for measure in (ssim, psnr, rmse):
        found = measure(image, reference)
        assert found.dtype == torch.float32
        assert torch.equal(found, measure(image.float(), reference.float()))


def test_equal_images(device: str, pair: Pair) -> None:
    image = pair[0].to(device)
    assert bool((ssim(image, image) == 1).all())
    assert not rmse(image, image).any()
    assert torch.isinf(psnr(image, image)).all()
    flat = torch.ones(12, 12, device=device)
    assert float(ssim(flat, flat, data_range=1.0)) == pytest.approx(1)


def test_volumes_masks_and_broadcasting(device: str, pair: Pair) -> None:
    image, reference = (x.to(device) for x in pair)
    error = (double(image) - double(reference)) ** 2
    volume = rmse(image, reference, axes=3)
    np.testing.assert_allclose(double(volume), np.sqrt(error.mean((1, 2, 3))), rtol=1e-13)
    mask = torch.zeros(47, 60, dtype=torch.bool)
    mask[5:20, 7:50] = True
    inside = error[..., 5:20, 7:50].mean((-2, -1))
    found = rmse(image, reference, mask=mask.to(device))
    np.testing.assert_allclose(double(found), np.sqrt(inside), rtol=1e-13)
    ratio = psnr(image, reference, mask=mask.to(device), data_range=2.0)
    np.testing.assert_allclose(double(ratio), 10 * np.log10(4 / inside), rtol=1e-13)
    one = reference[0, 0]
    assert torch.equal(rmse(image, one), rmse(image, one.expand_as(image)))
    assert torch.equal(ssim(image, one), ssim(image, one.expand_as(image)))
    assert torch.isnan(rmse(image, one, mask=mask.to(device) & False)).all()


def test_strides_and_empty_batches(device: str, pair: Pair) -> None:
    image, reference = (x.to(device) for x in pair)
    turned = image.movedim(1, -1).contiguous().movedim(-1, 1)
    for measure in (ssim, psnr, rmse):
        torch.testing.assert_close(measure(turned, reference), measure(image, reference))
        assert measure(image[:0], reference[:0]).shape == (0, 3)
        assert measure(image[0, 0], reference[0, 0]).shape == ()


def test_hounsfield(device: str, pair: Pair) -> None:
    image, reference = (0.02 * x.to(device) for x in pair)
    found = rmse_hu(image, reference, 0.019, air=0.001)
    scaled = rmse(to_hounsfield(image, 0.019, 0.001), to_hounsfield(reference, 0.019, 0.001))
    torch.testing.assert_close(found, scaled)
    expected = 1000 / 0.018 * np.sqrt(((double(image) - double(reference)) ** 2).mean((-2, -1)))
    np.testing.assert_allclose(double(found), expected, rtol=1e-12)


def test_gradcheck(device: str, generator: torch.Generator) -> None:
    image, reference = (
        torch.rand(2, 12, 13, generator=generator, dtype=torch.float64).to(device) for _ in range(2)
    )
    image.requires_grad_()
    for measure in (ssim, psnr, rmse):
        assert torch.autograd.gradcheck(
            lambda x, measure=measure: measure(x, reference), image, fast_mode=True
        )


def test_bad_arguments() -> None:
    image = torch.linspace(0, 1, 288).reshape(2, 12, 12)
    with pytest.raises(ValueError, match=r"must have the same 2 trailing axes, got \(2, 12, 12\)"):
        rmse(image, torch.ones(2, 12, 13))
    with pytest.raises(ValueError, match="leading dimensions that broadcast"):
        rmse(image, torch.ones(3, 12, 12))
    with pytest.raises(ValueError, match="at least 11 x 11 pixels, got"):
        ssim(image[:, :9], image[:, :9])
    with pytest.raises(ValueError, match="data_range must be positive"):
        psnr(image, image, data_range=0.0)
    with pytest.raises(ValueError, match="axes must be 2"):
        rmse(image, image, axes=1)
    with pytest.raises(ValueError, match="images must have pixels"):
        rmse(image[:, :0], image[:, :0])
    with pytest.raises(TypeError, match=r"mask must be a tensor of booleans, got torch\.float32"):
        rmse(image, image, mask=image)
    with pytest.raises(ValueError, match="mask must broadcast to"):
        rmse(image, image, mask=torch.ones(3, 3, dtype=torch.bool))
    with pytest.raises(TypeError, match="reference must be of a real floating-point type"):
        ssim(image, image.int())
    with pytest.raises(ValueError, match="water must attenuate more than air"):
        to_hounsfield(image, 0.0)
