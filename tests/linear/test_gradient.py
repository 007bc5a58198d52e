"""Gradient: finite differences with their exact transpose and norm."""

import numpy as np
import pytest
import torch

from measures import dot_mismatch, entries
from torch_radon import dot_test
from torch_radon.linear import Gradient, operator_norm

SHAPES = [
    ((5, 7), 1.0),
    ((5, 7), (0.5, 1.25)),
    ((1, 6), (0.5, 2.0)),
    ((6, 1), 0.7),
    ((1, 1), 1.0),
    ((3, 4, 5), (2.0, 0.5, 1.0)),
    ((2, 1, 3), 1.5),
]
shapes = pytest.mark.parametrize(("shape", "spacing"), SHAPES, ids=str)


def _matrix(shape, spacing):
    """Differences entry by entry."""
    axes = len(shape)
    steps = (spacing,) * axes if isinstance(spacing, float) else spacing
    places = np.arange(np.prod(shape)).reshape(shape)
    matrix = np.zeros((axes, *shape, places.size))
    for axis in range(axes):
        for place in np.ndindex(*shape):
            if place[axis] + 1 < shape[axis]:
                ahead = list(place)
                ahead[axis] += 1
                matrix[axis][place][places[tuple(ahead)]] = 1 / steps[axis]
                matrix[axis][place][places[place]] = -1 / steps[axis]
    return matrix.reshape(-1, places.size)


@shapes
def test_is_the_matrix_of_differences(shape, spacing, device):
    D = Gradient(shape, spacing)
    expected = _matrix(shape, spacing)
    assert D.range_shape == (len(shape), *shape)
    np.testing.assert_allclose(entries(D, torch.float64, device), expected, atol=1e-15)
    np.testing.assert_allclose(entries(D.T, torch.float64, device), expected.T, atol=1e-15)


@shapes
def test_knows_its_norm(shape, spacing):
    expected = np.linalg.norm(_matrix(shape, spacing), 2)
    D = Gradient(shape, spacing)
    assert D.norm_bound == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert operator_norm(D) == operator_norm(D.T) == D.norm_bound


def test_dot_test_at_full_size(device, generator):
    for D in (Gradient((301, 200), (0.3, 0.9)), Gradient((20, 31, 40), 0.7)):
        assert dot_mismatch(D, torch.float64, device, generator) <= 1e-13
        assert dot_mismatch(D, torch.float32, device, generator) <= 1e-6
    assert dot_test(Gradient((3, 4)), generator=generator) <= 1e-15


def test_is_exact_on_planes(device):
    D = Gradient((6, 9), (0.5, 2.0))
    y, x = torch.meshgrid(0.5 * torch.arange(6.0), 2 * torch.arange(9.0), indexing="ij")
    slopes = D((3 * y - 0.25 * x).to(device)).cpu()
    assert torch.equal(slopes[0, :-1], torch.full((5, 9), 3.0))
    assert torch.equal(slopes[1, :, :-1], torch.full((6, 8), -0.25))
    assert (slopes[0, -1] == 0).all()
    assert (slopes[1, :, -1] == 0).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("leading", [(), (0,), (1,), (33,), (2, 3)], ids=str)
def test_batches_types_and_strides(dtype, leading, device, generator):
    D = Gradient((5, 7), (0.5, 1.25))
    x = torch.randn(*leading, 7, 5, generator=generator).to(device, dtype).mT
    y = D(x)
    assert y.shape == (*leading, 2, 5, 7)
    assert y.dtype == dtype
    assert y.is_contiguous()
    torch.testing.assert_close(y, D(x.contiguous()))
    torch.testing.assert_close(y.double(), D(x.double()), rtol=2e-2, atol=2e-2)
    assert D.T(y).shape == x.shape
    assert D.T(y).is_contiguous()


def test_is_differentiable(device, generator):
    D = Gradient((3, 4), (0.5, 1.25))
    x = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64).to(device).requires_grad_()
    assert torch.autograd.gradcheck(D, x, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(D, x)


@pytest.mark.parametrize(
    ("shape", "spacing", "error", "says"),
    [
        ((5,), 1.0, ValueError, r"shape must be \(H, W\) or \(D, H, W\), got \(5,\)"),
        ((2, 2, 2, 2), 1.0, ValueError, "shape must be"),
        ((0, 4), 1.0, ValueError, "shape must be at least 1, got 0"),
        ((2.5, 4), 1.0, TypeError, "shape must be an integer, got 2.5"),
        ((3, 4), 0.0, ValueError, r"spacing must be positive, got \(0.0, 0.0\)"),
        ((3, 4), (1.0, -1.0), ValueError, "spacing must be positive"),
        ((3, 4), (1.0, 1.0, 1.0), ValueError, "spacing must be a number or 2 numbers"),
        ((3, 4), float("nan"), ValueError, "spacing must be finite"),
    ],
)
def test_bad_arguments_are_named(shape, spacing, error, says):
    with pytest.raises(error, match=says):
        Gradient(shape, spacing)
