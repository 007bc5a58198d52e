"""Coefficients and reconstruction: AlphaTransform's, golden norms, and rounding only."""

import numpy as np
import pytest
import torch

from measures import double, relative_l2
from oracles.shearlet import alpha_transform, analyse, bank, is_even
from shearlet.systems import KINDS, System, walk
from torch_radon import Volume
from torch_radon.phantoms import shepp_logan
from torch_radon.shearlet import ShearletTransform

SIZES = [(64, 64), (65, 65), (72, 100), (101, 67), (97, 64), (67, 131)]
GRID = [
    System(width, height, [0.5, 0.4], real, parseval)
    for real, parseval in KINDS
    for width, height in SIZES
]
GOLDEN = {
    (512, 5): (
        172.288971280,
        29.033553707,
        21.445043666,
        14.676738347,
        11.153899976,
        10.092428026,
    ),
    (256, 3): (87.416714979, 10.369521571, 7.953507899, 6.894394585),
}


def _disc(side: int, radius: float) -> torch.Tensor:
    at = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    return (at[:, None] ** 2 + at**2 <= radius**2).double()


def _complex(coefficients: torch.Tensor, real: bool) -> np.ndarray[tuple[int, ...], np.dtype]:
    coefficients = coefficients.detach().cpu()
    return coefficients.numpy() if real else torch.view_as_complex(coefficients).numpy()


@walk(GRID)
def test_coefficients_are_those_of_alphatransform(
    system: System, device: str, rng: np.random.Generator
) -> None:
    image = rng.standard_normal((system.height, system.width))
    found = _complex(system.build().to(device)(torch.from_numpy(image).to(device)), system.real)
    peer = alpha_transform(
        system.width, system.height, system.alphas, real=system.real, parseval=system.parseval
    )
    expected = np.stack(peer.transform(image, do_norm=False))
    if not system.real or is_even(bank(peer)):
        assert np.linalg.norm(found - expected) <= 1e-14 * np.linalg.norm(expected)
    ours = analyse(system.bank(), image)
    assert np.linalg.norm(found - ours) <= 1e-14 * np.linalg.norm(ours)


@walk(GRID)
def test_images_come_back(system: System, device: str, generator: torch.Generator) -> None:
    transform = system.build().to(device)
    image = torch.randn(transform.domain_shape, generator=generator, dtype=torch.float64)
    image = image.to(device)
    assert relative_l2(transform.inverse(transform(image)), image) <= 3e-15
    assert relative_l2(transform.backward(transform(image)), image) <= 3e-15
    if system.parseval:
        assert relative_l2(transform.T(transform(image)), image) <= 3e-15
        energy = transform(image).square().sum()
        torch.testing.assert_close(energy, image.square().sum(), rtol=1e-14, atol=0)


@pytest.mark.parametrize("side", range(64, 72))
@pytest.mark.parametrize("other", [64, 67, 90])
def test_images_come_back_at_every_size(side: int, other: int) -> None:
    image = torch.from_numpy(np.random.default_rng(side).standard_normal((other, side)))
    transform = ShearletTransform(side, other, [0.5, 0.5])
    assert relative_l2(transform.T(transform(image)), image) <= 3e-15


@pytest.mark.parametrize(("side", "scales"), GOLDEN)
def test_golden_norms_of_a_disc(side: int, scales: int, device: str) -> None:
    transform = ShearletTransform(side, side, [0.5] * scales).to(device)
    disc = _disc(side, 100 * side / 512).to(device)
    for dtype, bound in ((torch.float64, 1e-9), (torch.float32, 1e-6)):
        coefficients = transform(disc.to(dtype)).double()
        norms = [float(coefficients[transform.filters_of(j)].norm()) for j in range(-1, scales)]
        assert norms == pytest.approx(GOLDEN[side, scales], rel=bound)


def test_single_precision_on_the_papers_phantom(device: str) -> None:
    """TorchRadon's own figures are 3.86e-7 and 6.65e-7."""
    transform = ShearletTransform(512, 512, [0.5] * 5).to(device)
    phantom = shepp_logan(size=512.0).rasterize(Volume((512, 512))).double().to(device)
    exact = transform(phantom)
    single = transform(phantom.float())
    assert relative_l2(single, exact) <= 3.9e-7
    assert relative_l2(transform.T(single), phantom) <= 7e-7
    assert relative_l2(transform.T(exact), phantom) <= 3e-15


@walk([System(64, 67, real=real, parseval=False) for real in (True, False)])
def test_the_inverse_is_the_pseudo_inverse(system: System, rng: np.random.Generator) -> None:
    """Of coefficients that no image has, too: it is the nearest image, by least squares."""
    transform = system.build()
    coefficients = torch.from_numpy(rng.standard_normal(transform.range_shape))
    nearest = transform.inverse(coefficients)
    residual = transform(nearest) - coefficients
    assert double(transform.T(residual)).max() <= 1e-12
    assert relative_l2(transform.inverse(transform(nearest)), nearest) <= 1e-14
    assert relative_l2(transform.T(coefficients), nearest) > 0.1
