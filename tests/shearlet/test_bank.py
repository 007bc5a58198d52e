"""The filters: AlphaTransform's, even where they have to be, and a frame."""

import numpy as np
import pytest
import torch

from measures import double
from oracles.shearlet import CONES, alpha_transform, bank, is_even
from shearlet.systems import KINDS, System, walk
from torch_radon.shearlet import ShearletTransform

SIZES = [
    (64, 64),
    (65, 65),
    (64, 65),
    (65, 64),
    (72, 100),
    (101, 67),
    (128, 96),
    (81, 150),
    (150, 77),
    (97, 97),
]
ALPHAS: list[list[float]] = [
    [0.5],
    [0.5, 0.5],
    [0.0, 0.0],
    [1.0, 1.0],
    [0.3, 0.7],
    [1.0, 0.0],
    [0.25, 0.6],
]
# Every size with one list and every list with one size, of each kind.
GRID = [
    System(width, height, alphas, real, parseval)
    for real, parseval in KINDS
    for (width, height), alphas in [
        *((size, [0.5, 0.5]) for size in SIZES),
        *(((67, 80), alphas) for alphas in ALPHAS),
    ]
] + [System(129, 128, [0.5, 0.4, 0.8]), System(128, 128, [0.5] * 3, real=False)]


def _spectra(transform: ShearletTransform) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.stack([double(transform.spectrum(i)) for i in range(len(transform.shearlets))])


@walk(GRID)
def test_filters_are_those_of_alphatransform(system: System) -> None:
    found = _spectra(system.build())
    assert abs(found - system.bank()).max() <= 1e-13
    peer = alpha_transform(
        system.width, system.height, system.alphas, real=system.real, parseval=system.parseval
    )
    as_it_is = bank(peer)
    if not system.real or is_even(as_it_is):
        assert abs(found - as_it_is).max() <= 1e-13


def test_the_peers_bank_is_even_at_odd_sizes_and_not_at_every_even_one() -> None:
    """So that the comparison above is made, and the one that it leaves out is needed."""
    even = {
        size: is_even(bank(alpha_transform(*size, [0.5, 0.5], real=True, parseval=True)))
        for size in SIZES
    }
    assert sum(even.values()) >= 4
    assert not even[72, 100]


@walk([system for system in GRID if system.real])
def test_real_systems_are_even_to_the_bit(system: System) -> None:
    found = _spectra(system.build())
    assert np.array_equal(found, np.roll(found[:, ::-1, ::-1], 1, axis=(1, 2)))


@walk(GRID)
def test_the_sum_of_squares_is_that_of_a_frame(system: System) -> None:
    transform = system.build()
    total = (_spectra(transform) ** 2).sum(axis=0)
    lower, upper = transform.frame_bounds
    if system.parseval:
        assert abs(total - 1).max() <= 1e-14
        assert (lower, upper) == (1, 1)
    else:
        total = (total + np.roll(total[::-1, ::-1], 1, axis=(0, 1))) / 2
        assert lower == pytest.approx(total.min(), abs=1e-12)
        assert upper == pytest.approx(total.max(), abs=1e-12)
        assert 0.5 < lower < upper < 20


@pytest.mark.parametrize("real", [True, False])
def test_filters_come_in_the_peers_order(real: bool) -> None:
    alphas = [0.5, 0.2, 1.0]
    transform = ShearletTransform(80, 80, alphas, real=real)
    low_pass, *others = alpha_transform(80, 80, alphas, real=real, parseval=True).indices
    assert low_pass == -1
    assert [(s.scale, s.shear, CONES[s.cone]) for s in transform.shearlets[1:]] == others
    assert transform.shearlets[0] == (-1, 0, "")


@pytest.mark.parametrize(("scales", "count"), [(1, 7), (2, 17), (3, 27), (4, 41)])
def test_numbers_of_filters(scales: int, count: int) -> None:
    side = 8 * 2**scales
    assert ShearletTransform(side, side, [0.5] * scales).redundancy == count


def test_norms_are_those_of_the_peer() -> None:
    for real in (True, False):
        transform = ShearletTransform(67, 81, [0.5, 0.5], real=real, parseval=False)
        peer = alpha_transform(67, 81, [0.5, 0.5], real=real, parseval=False)
        assert double(transform.norms) == pytest.approx(np.array(peer.space_norms), rel=1e-13)
        kernels = [transform.kernel(i) for i in range(len(transform.shearlets))]
        found = torch.stack([kernel.abs().square().sum().sqrt() for kernel in kernels])
        torch.testing.assert_close(found, transform.norms, rtol=1e-13, atol=0)


def test_a_kernel_is_the_response_to_a_point() -> None:
    transform = ShearletTransform(64, 67, [0.4, 0.5])
    point = torch.zeros(67, 64, dtype=torch.float64)
    point[33, 32] = 1
    response = transform(point)
    for number in (0, 3, 12):
        kernel = transform.kernel(number)
        torch.testing.assert_close(response[number], kernel, rtol=0, atol=1e-15)
