"""Stripe removal: stripes go, the object stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import torch_radon as tr
from torch_radon.data import remove_stripes_sorting, remove_stripes_wavelet
from torch_radon.data import stripes as stripes_module
from torch_radon.data.stripes import STRIPE_METHODS, _coarse, _daubechies

METHODS = sorted(STRIPE_METHODS)
COLUMNS, VIEWS = 512, 720
VOLUME = tr.Volume((COLUMNS, COLUMNS))


@pytest.fixture(scope="module")
def scan() -> tr.Scan:
    return tr.parallel_beam(np.linspace(0, np.pi, VIEWS, endpoint=False), COLUMNS)


@pytest.fixture(scope="module")
def clean(scan: tr.Scan) -> Tensor:
    """Line integrals of up to 2 of an object without circles about the axis."""
    sinogram = tr.phantoms.random_ellipses(3, 400.0).project(scan)
    return sinogram * (2 / sinogram.max())


@pytest.fixture(scope="module")
def stripes() -> Tensor:
    """A fifth of the columns are off by a few hundredths, as after 1e4 photons of drift."""
    generator = torch.Generator().manual_seed(0)
    size = 0.05 * torch.randn(COLUMNS, generator=generator)
    return size * (torch.rand(COLUMNS, generator=generator) < 0.2)


@pytest.mark.parametrize(
    ("method", "left", "lost"), [("sorting", 0.35, 0.2), ("wavelet", 0.25, 0.15)]
)
def test_rings_go_and_the_image_stays(
    scan: tr.Scan, clean: Tensor, stripes: Tensor, method: str, left: float, lost: float
) -> None:
    """Both in units of what the rings do to the image."""
    remove = STRIPE_METHODS[method]
    A = tr.Projector(VOLUME, scan)
    images = [
        tr.fbp(A, y) for y in (clean, clean + stripes, remove(clean + stripes), remove(clean))
    ]
    truth, dirty, cleaned, untouched = images
    rings = (dirty - truth).square().mean().sqrt()
    assert (cleaned - truth).square().mean().sqrt() < left * rings
    assert (untouched - truth).square().mean().sqrt() < lost * rings


@pytest.mark.parametrize("method", METHODS)
def test_stripes_are_gone_from_the_mean_of_the_views(
    clean: Tensor, stripes: Tensor, method: str
) -> None:
    hit = stripes.abs() > 0.03
    left = (STRIPE_METHODS[method](clean + stripes) - clean).mean(0)[hit]
    assert left.abs().mean() < 0.2 * stripes[hit].abs().mean()


@pytest.mark.parametrize("method", METHODS)
def test_smooth_sinograms_are_left_alone(method: str) -> None:
    """What varies slowly across columns has no stripes, whatever it does along views."""
    t = torch.linspace(0, torch.pi, 200, dtype=torch.float64)[:, None]
    s = torch.linspace(-1, 1, 256, dtype=torch.float64)
    y = torch.exp(-((s - 0.3 * torch.cos(t)) ** 2) / 0.1)
    assert (STRIPE_METHODS[method](y) - y).square().mean().sqrt() < 0.003


@pytest.mark.parametrize("method", METHODS)
def test_constant_sinogram(method: str) -> None:
    y = torch.full((20, 30), 0.7, dtype=torch.float64)
    torch.testing.assert_close(STRIPE_METHODS[method](y), y)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 4), (2, 3, 17, 23), (0, 4, 5)])
def test_any_shape_and_a_batch_is_a_loop(
    method: str, shape: tuple[int, ...], generator: torch.Generator
) -> None:
    y = torch.rand(shape, generator=generator)
    result = STRIPE_METHODS[method](y)
    assert result.shape == shape
    assert result.dtype == y.dtype
    for one, expected in zip(
        y.reshape(-1, *shape[-2:]), result.reshape(-1, *shape[-2:]), strict=True
    ):
        torch.testing.assert_close(STRIPE_METHODS[method](one), expected)


def test_sorting_keeps_the_order_of_each_column(generator: torch.Generator) -> None:
    """Only ranks are smoothed: the views in which a column is larger stay those."""
    y = torch.rand(50, 40, generator=generator)
    torch.testing.assert_close(remove_stripes_sorting(y, 5).argsort(0), y.argsort(0))


def test_sorting_in_blocks(generator: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    y = torch.rand(30, 40, generator=generator)
    whole = remove_stripes_sorting(y)
    monkeypatch.setattr(stripes_module, "_BLOCK_BYTES", 1)
    assert torch.equal(remove_stripes_sorting(y), whole)


@pytest.mark.parametrize("order", [1, 2, 5, 10, 20])
def test_wavelet(order: int) -> None:
    """Orthonormal to its even shifts, and blind to polynomials below its order."""
    low = _daubechies(order)
    assert len(low) == 2 * order
    for shift in range(order):
        product = np.dot(low[2 * shift :], low[: len(low) - 2 * shift])
        assert abs(product - (shift == 0)) < 1e-6
    high = low[::-1] * (-1.0) ** np.arange(len(low))
    x = np.linspace(-1, 1, len(low))
    for power in range(min(order, 5)):
        assert abs(np.dot(high, x**power)) < 1e-6


def test_known_wavelets() -> None:
    root = np.sqrt(3)
    expected = np.array([1 + root, 3 + root, 3 - root, 1 - root]) / (4 * np.sqrt(2))
    np.testing.assert_allclose(_daubechies(2), expected, atol=1e-12)
    np.testing.assert_allclose(_daubechies(1), [0.5**0.5] * 2, atol=1e-12)


@pytest.mark.parametrize("levels", [1, 3, 5])
def test_the_coarse_part_is_a_projection(levels: int, generator: torch.Generator) -> None:
    """Away from the ends applying it twice is the same, and lines pass unchanged."""
    y = torch.zeros(1, 640, dtype=torch.float64)
    y[:, 200:440] = torch.rand(1, 240, generator=generator, dtype=torch.float64)
    once = _coarse(y, levels, 3)
    middle = slice(160, 480)
    # The grid of coarse samples moves with the margin, which is the same for the same shape.
    torch.testing.assert_close(
        _coarse(once, levels, 3)[:, middle], once[:, middle], atol=2e-3, rtol=0
    )
    line = torch.linspace(-1, 1, 640, dtype=torch.float64)[None]
    torch.testing.assert_close(_coarse(line, levels, 3)[:, middle], line[:, middle])


def test_wavelet_is_linear_and_differentiable(generator: torch.Generator) -> None:
    y = torch.rand(6, 9, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(remove_stripes_wavelet, (y,))
    x = torch.rand(6, 9, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(
        remove_stripes_wavelet(2 * x + y), 2 * remove_stripes_wavelet(x) + remove_stripes_wavelet(y)
    )


@pytest.mark.parametrize("method", METHODS)
def test_bad_sinograms(method: str) -> None:
    remove = STRIPE_METHODS[method]
    with pytest.raises(TypeError, match=r"sinograms must be a torch\.Tensor, got ndarray"):
        remove(np.zeros((3, 4)))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"floating-point type, got torch\.int64"):
        remove(torch.zeros(3, 4, dtype=torch.int64))
    for shape in ((5,), (0, 5), (5, 0)):
        with pytest.raises(ValueError, match=r"shape \(\.\.\., views, columns\)"):
            remove(torch.zeros(shape))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y: remove_stripes_sorting(y, 4), "width must be odd and at least 3, got 4"),
        (lambda y: remove_stripes_sorting(y, 1), "width must be odd"),
        (lambda y: remove_stripes_wavelet(y, levels=0), "levels must be at least 1"),
        (lambda y: remove_stripes_wavelet(y, sigma=-1.0), "sigma must be positive"),
        (lambda y: remove_stripes_wavelet(y, order=21), "order must be from 1 to 20, got 21"),
    ],
)
def test_bad_options(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.zeros(6, 8))
