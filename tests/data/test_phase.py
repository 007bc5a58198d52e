"""Paganin's filter against an image with fringes that is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from torch_radon.data import attenuation, paganin_filter, paganin_length, wavelength


def fringed(
    rows: int, columns: int, pixel: float, length: float, width: float
) -> tuple[Tensor, Tensor]:
    """exp(-mu T) = 1 - a exp(-r^2 / 2 w^2), and (1 - length^2 laplacian) of it, by hand."""
    y = (torch.arange(rows, dtype=torch.float64) - (rows - 1) / 2) * pixel
    x = (torch.arange(columns, dtype=torch.float64) - (columns - 1) / 2) * pixel
    square = y[:, None] ** 2 + x**2
    blob = 0.6 * torch.exp(-square / (2 * width**2))
    contact = 1 - blob
    laplacian = -blob * (square / width**4 - 2 / width**2)
    return contact, contact - length**2 * laplacian


@pytest.mark.parametrize(("rows", "columns"), [(128, 128), (97, 130), (64, 151)])
@pytest.mark.parametrize("pixel", [1.0, 5e-6])
def test_inverts_the_transport_of_intensity(rows: int, columns: int, pixel: float) -> None:
    length, width = 6.0 * pixel, 5.0 * pixel
    contact, image = fringed(rows, columns, pixel, length, width)
    assert (image - contact).abs().max() > 0.5, "there are fringes"
    found = paganin_filter(image, length, pixel)
    torch.testing.assert_close(found, contact, atol=1e-7, rtol=0)
    single = paganin_filter(image.float(), length, pixel)
    torch.testing.assert_close(single.double(), contact, atol=3e-6, rtol=0)
    lines = attenuation(found[None]).sinograms[:, 0]
    torch.testing.assert_close(lines, -contact.log(), atol=1e-6, rtol=0)


def test_against_wave_optics() -> None:
    """Fresnel propagation of a homogeneous object, which the filter only approximates."""
    energy, distance, ratio, pixel = 20.0, 0.05, 100.0, 2e-6
    lam, n = wavelength(energy), 256
    r = (np.arange(n) - (n - 1) / 2) * pixel
    square = r[:, None] ** 2 + r**2
    absorbed = 0.4 * np.exp(-square / (2 * (20e-6) ** 2))  # mu T
    # The amplitude is exp(-mu T / 2) with mu = 2 k beta, the phase -k delta T.
    wave = np.exp(-absorbed / 2 * (1 + 1j * ratio))
    f = np.fft.fftfreq(n, pixel)
    kernel = np.exp(-1j * math.pi * lam * distance * (f[:, None] ** 2 + f**2))
    image = np.abs(np.fft.ifft2(np.fft.fft2(wave) * kernel)) ** 2
    plain = np.abs(-np.log(image) - absorbed).max()
    length = paganin_length(energy, distance, ratio)
    found = -paganin_filter(torch.from_numpy(image), length, pixel).log().numpy()
    error = np.abs(found - absorbed).max()
    assert plain > 0.04
    assert error < 0.03 * plain


def test_one_row_is_an_object_that_does_not_change_along_it() -> None:
    generator = torch.Generator().manual_seed(1)
    line = torch.rand(1, 40, generator=generator, dtype=torch.float64)
    tall = paganin_filter(line.expand(9, 40), 2.0)
    torch.testing.assert_close(paganin_filter(line, 2.0).expand(9, 40), tall)


def test_mean_positivity_and_batch(generator: torch.Generator) -> None:
    images = torch.rand(2, 3, 20, 30, generator=generator, dtype=torch.float64)
    smooth = paganin_filter(images, 3.0)
    torch.testing.assert_close(smooth.mean((-1, -2)), images.mean((-1, -2)))
    assert (smooth > 0).all()
    torch.testing.assert_close(smooth[1, 2], paganin_filter(images[1, 2], 3.0))


def test_gradient(generator: torch.Generator) -> None:
    image = torch.rand(4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: paganin_filter(x, 1.5), (image,))


def test_length() -> None:
    """The formula by hand: 1 m, 12.4 keV is an Angstrom."""
    assert wavelength(12.39841984) == pytest.approx(1e-10, rel=1e-12)
    expected = math.sqrt(1e-10 * 4 * math.pi / (4 * math.pi))
    assert paganin_length(12.39841984, 1.0, 4 * math.pi) == pytest.approx(expected, rel=1e-12)


def test_bad_input() -> None:
    image = torch.ones(4, 5)
    with pytest.raises(TypeError, match=r"torch\.Tensor, got ndarray"):
        paganin_filter(np.ones((4, 5)), 1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"floating-point type, got torch\.int64"):
        paganin_filter(image.long(), 1.0)
    with pytest.raises(
        ValueError, match=r"\(\.\.\., rows, columns\), neither of them 0, got \(5,\)"
    ):
        paganin_filter(image[0], 1.0)
    with pytest.raises(ValueError, match="length must be positive"):
        paganin_filter(image, 0.0)
    with pytest.raises(ValueError, match="pixel_size must be positive"):
        paganin_filter(image, 1.0, -1.0)
    for name, arguments in (
        ("energy", (0.0, 1.0, 1.0)),
        ("distance", (1.0, -1.0, 1.0)),
        ("delta_beta", (1.0, 1.0, float("nan"))),
    ):
        with pytest.raises(ValueError, match=f"{name} must be"):
            paganin_length(*arguments)
