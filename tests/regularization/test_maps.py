"""Values and proximal maps against NumPy, brute force and an exact solver."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from matrices import Matrix, random_matrix
from measures import double, relative_max
from oracles import proximal as oracle
from torch_radon.linear import Gradient, operator_norm
from torch_radon.regularization import L1, L2, TV, Box, NonNegative, Regularizer, SquaredL2
from torch_radon.regularization.functions import Absolute, Function, GroupNorms, Interval, Squares

Array = NDArray[np.float64]
SHAPES = [(5, 7), (1, 6), (6, 1), (3, 4, 5), (1, 1, 4)]
DTYPES = [(torch.float64, 1e-13), (torch.float32, 2e-6)]


def spacings(shape: tuple[int, ...]) -> tuple[float, ...]:
    return (0.8, 1.25, 0.5)[: len(shape)]


def tv_oracle(shape: tuple[int, ...], weight: Any, isotropic: bool) -> oracle.Dense:
    matrix = oracle.differences(shape, spacings(shape))
    if isotropic:
        return oracle.group_norm(matrix, weight, len(shape))
    return oracle.one_norm(matrix, np.tile(np.broadcast_to(weight, math.prod(shape)), len(shape)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("isotropic", [True, False])
@pytest.mark.parametrize("leading", [(), (0,), (3,), (2, 2)], ids=str)
def test_total_variation(
    shape: tuple[int, ...],
    isotropic: bool,
    leading: tuple[int, ...],
    rng: np.random.Generator,
    device: str,
) -> None:
    axes = len(shape)
    x = rng.normal(size=(*leading, *shape))
    tv = TV(0.7, isotropic=isotropic, spacing=spacings(shape))
    dense = tv_oracle(shape, 0.7, isotropic)
    expected = [dense.value(dense.matrix @ item) for item in x.reshape(-1, math.prod(shape))]
    for dtype, tolerance in DTYPES:
        found = tv.value(torch.from_numpy(x).to(device, dtype), axes)
        assert found.shape == leading
        assert found.dtype == dtype
        np.testing.assert_allclose(double(found).ravel(), expected, rtol=tolerance)


@pytest.mark.parametrize("shape", [(6, 5), (3, 4, 3)], ids=str)
@pytest.mark.parametrize("isotropic", [True, False])
@pytest.mark.parametrize("lower", [None, 0.0])
def test_denoising_by_total_variation_is_the_optimum(
    shape: tuple[int, ...],
    isotropic: bool,
    lower: float | None,
    rng: np.random.Generator,
    device: str,
) -> None:
    axes, step, weight = len(shape), 0.7, 0.5
    x = rng.normal(size=shape)
    regularizer: Regularizer = TV(weight, isotropic=isotropic, spacing=spacings(shape))
    if lower is not None:
        regularizer = regularizer + NonNegative()
    found = double(
        regularizer.prox(torch.from_numpy(x).to(device), step, axes, iterations=4000)
    ).ravel()
    matrix = oracle.differences(shape, spacings(shape))
    components = axes if isotropic else 1
    best, _ = oracle.minimum(
        np.eye(x.size), x.ravel(), 1.0, [(matrix, step * weight, components)], lower
    )
    np.testing.assert_allclose(found, best, atol=1e-5)


def test_dual_iterations_equal_their_twin(rng: np.random.Generator, device: str) -> None:
    """Iterate by iterate, with two operators, a bound, and items of their own."""
    shape, step = (5, 4), 0.6
    matrix = rng.normal(size=(7, 20))
    K = Matrix(torch.from_numpy(matrix).to(device), shape, (7,))
    regularizer = TV(0.4, spacing=spacings(shape)) + L1(0.2, K) + Box(-0.5, 0.7)
    dense = [tv_oracle(shape, 0.4, True), oracle.one_norm(matrix, 0.2)]
    norms = [float(np.linalg.norm(dense[0].matrix, 2)) ** 2, operator_norm(K, device=device) ** 2]
    x = rng.normal(size=(2, *shape))
    for iterations in (1, 2, 3, 30):
        found = regularizer.prox(torch.from_numpy(x).to(device), step, iterations=iterations)
        for item, image in zip(x, found, strict=True):
            duals = [np.zeros(len(f.matrix)) for f in dense]
            expected, _ = oracle.dual_denoising(
                item.ravel(), step, dense, norms, duals, iterations, oracle.clip(-0.5, 0.7)
            )
            np.testing.assert_allclose(double(image).ravel(), expected, rtol=1e-10, atol=1e-12)


# Each function of one number: the sum at a place, and the regularizer of it.
POINTWISE: dict[str, tuple[Regularizer, Callable[[Array], Array]]] = {
    "l1": (L1(0.7), lambda u: 0.7 * np.abs(u)),
    "squares": (SquaredL2(1.3), lambda u: 0.65 * u**2),
    "box": (Box(-0.3, 0.9), lambda u: np.where((u < -0.3) | (u > 0.9), np.inf, 0)),
    "non-negative": (NonNegative(), lambda u: np.where(u < 0, np.inf, 0)),
    "sum": (
        Box(-0.25, 1.1) + SquaredL2(0.5) + L1(0.3) + SquaredL2(0.7) + L1(0.1) + Box(-0.4, 0.8),
        lambda u: np.where((u < -0.25) | (u > 0.8), np.inf, 0.4 * np.abs(u) + 0.6 * u**2),
    ),
}


@pytest.mark.parametrize("name", POINTWISE)
def test_maps_of_one_number_minimise(name: str, rng: np.random.Generator, device: str) -> None:
    """Against the smallest of many values."""
    regularizer, function = POINTWISE[name]
    x = rng.normal(size=(3, 4, 2))
    grid = np.linspace(-6, 6, 1_200_001)
    values = function(grid)
    for step in (0.2, 1.7):
        found = regularizer.prox(torch.from_numpy(x).to(device), step)
        for v, u in zip(x.ravel(), double(found).ravel(), strict=True):
            best = grid[np.argmin(values + (grid - v) ** 2 / (2 * step))]
            assert abs(u - best) <= 1e-5
    inside = np.clip(x, 0, 0.8)
    expected = function(inside).sum((-2, -1))
    np.testing.assert_allclose(double(regularizer.value(torch.from_numpy(inside))), expected)


def test_bounds_have_no_finite_value_outside() -> None:
    x = torch.tensor([[[0.0, 0.5]], [[-0.1, 0.5]]])
    assert NonNegative().value(x).tolist() == [0.0, math.inf]
    assert (Box(upper=0.4) + L1(1.0)).value(x).tolist() == [math.inf, math.inf]


FUNCTIONS: dict[str, Function] = {
    "absolute": Absolute(0.4, 2),
    "absolute-weights": Absolute(torch.tensor([0.0, 0.1, 2.0], dtype=torch.float64), 2),
    "squares": Squares(0.4, 2),
    "squares-zero": Squares(0.0, 2),
    "groups": GroupNorms(0.4, [-2], 2),
    "groups-zero": GroupNorms(0.0, [-2], 2),
    "groups-weights": GroupNorms(torch.tensor([0.0, 0.1, 2.0], dtype=torch.float64), [-2], 2),
    "norm": GroupNorms(1.5, [-2, -1], 2),
    "interval": Interval(-0.2, 0.4, 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("step", [0.3, 2.0])
def test_moreau(name: str, step: float, generator: torch.Generator) -> None:
    """``p = prox_conjugate(p, s) + s prox(p / s, 1 / s)``, zeros included."""
    function = FUNCTIONS[name]
    p = torch.randn(5, 4, 3, dtype=torch.float64, generator=generator)
    p[0] = 0
    q = function.prox_conjugate(p, step)
    torch.testing.assert_close(q + step * function.prox(p / step, 1 / step), p)
    z = torch.randn(5, 4, 3, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(
        function.ascend(p, z, step), function.prox_conjugate(p + step * z, step)
    )
    # A map leads to u with a subgradient z - u: the function lies above its tangent there.
    u = function.prox(z, 1.0)
    subgradient = z - u
    other = u + 0.1 * torch.randn(5, 4, 3, dtype=torch.float64, generator=generator)
    gap = function.value(other) - function.value(u) - (subgradient * (other - u)).sum((-2, -1))
    assert bool((gap >= -1e-12).all())


def test_norm_without_square(rng: np.random.Generator, device: str) -> None:
    x = rng.normal(size=(4, 3, 5))
    size = np.linalg.norm(x, axis=(1, 2), keepdims=True)
    got = L2(2.0).prox(torch.from_numpy(x).to(device), 0.5)
    assert relative_max(got, x * np.maximum(1 - 1 / size, 0)) < 1e-14
    np.testing.assert_allclose(
        double(L2(2.0).value(torch.from_numpy(x).to(device))), 2 * size.ravel()
    )


@pytest.mark.parametrize("kind", [L1, SquaredL2, L2])
def test_analysis_operators(kind: type[L1], rng: np.random.Generator) -> None:
    matrix = random_matrix(6, 12, seed=3)
    K = Matrix(matrix, (3, 4), (6,))
    x = rng.normal(size=(2, 3, 4))
    z = x.reshape(2, 12) @ matrix.numpy().T
    expected = {
        L1: 0.3 * np.abs(z).sum(1),
        SquaredL2: 0.15 * (z**2).sum(1),
        L2: 0.3 * np.linalg.norm(z, axis=1),
    }[kind]
    np.testing.assert_allclose(double(kind(0.3, K).value(torch.from_numpy(x))), expected)


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 4)], ids=str)
def test_weights_for_pixels_and_items(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    axes = len(shape)
    x = rng.normal(size=(2, *shape))
    per_pixel = rng.uniform(0, 1, size=shape)
    per_item = rng.uniform(0, 1, size=(2, *(1,) * axes))
    for weight in (per_pixel, per_item, per_pixel * per_item):
        whole = np.broadcast_to(weight, x.shape)
        for isotropic in (True, False):
            tv = TV(torch.from_numpy(weight), isotropic=isotropic, spacing=spacings(shape))
            found = tv.value(torch.from_numpy(x), axes)
            for item, w, value in zip(x, whole, found, strict=True):
                dense = tv_oracle(shape, w.ravel(), isotropic)
                np.testing.assert_allclose(float(value), dense.value(dense.matrix @ item.ravel()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_types_and_strides(dtype: torch.dtype, generator: torch.Generator, device: str) -> None:
    x = torch.randn(6, 3, 5, generator=generator, dtype=torch.float64).to(device, dtype)
    x = x.transpose(0, 2)[:, :, ::2]
    before = x.clone()
    for regularizer in (TV(0.1), L1(0.1), SquaredL2(0.1), L2(0.1), NonNegative() + TV(0.1)):
        found = regularizer.prox(x, 0.5, iterations=20)
        exact = regularizer.prox(before.double().contiguous(), 0.5, iterations=20)
        assert found.dtype == dtype
        assert found.shape == x.shape
        assert relative_max(found, exact) < 30 * torch.finfo(dtype).eps
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    "regularizer", [TV(0.2), TV(0.2, isotropic=False) + NonNegative(), L1(0.2), L2(0.3)], ids=repr
)
def test_maps_are_differentiable(regularizer: Regularizer, generator: torch.Generator) -> None:
    x = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: regularizer.prox(v, 0.5, iterations=5), (x,))


def test_weights_are_learnable(generator: torch.Generator) -> None:
    x = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    weight = torch.rand(3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: TV(w).prox(x, 0.5, iterations=5), (weight,))
    assert torch.autograd.gradcheck(lambda w: L1(w).prox(x, 0.5), (weight,))


def test_projection_onto_bounds(generator: torch.Generator) -> None:
    x = torch.randn(2, 3, 4, generator=generator)
    assert torch.equal(NonNegative().project(x), x.relu())
    upper = torch.linspace(0, 1, 4)
    assert torch.equal(Box(-0.5, upper).project(x), x.clamp_min(-0.5).minimum(upper))


# Of types that a checker would refuse.
WRONG: dict[str, Any] = {"text": "much", "tensor": torch.ones(3), "number": 3}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: TV(-0.1), ValueError, "weight must be finite and not negative, got -0.1"),
        (lambda: TV(math.nan), ValueError, "weight must be finite"),
        (lambda: TV(WRONG["text"]), TypeError, "weight must be a number or a tensor, got 'much'"),
        (lambda: TV(torch.tensor([1.0, -1.0])), ValueError, "not negative everywhere"),
        (lambda: TV(torch.tensor([1, 2])), TypeError, "floating-point type, got torch.int64"),
        (lambda: TV(0.1, spacing=0.0), ValueError, "spacing must be positive"),
        (lambda: TV(0.1, spacing=(1.0, 1.0)).value(torch.zeros(2, 2, 2), 3), ValueError, "spacing"),
        (lambda: TV(0.1).value(torch.zeros(3)), ValueError, "at least axes = 2 axes"),
        (lambda: TV(0.1).value(torch.zeros(3, 3), 1), ValueError, r"\(H, W\) or \(D, H, W\)"),
        (lambda: L1(0.1, WRONG["tensor"]), TypeError, "operator must be a LinearOperator or None"),
        (lambda: L1(0.1, Gradient((3, 3))).value(torch.zeros(4, 4)), ValueError, r"\(4, 4\)"),
        (lambda: L2(WRONG["tensor"]), TypeError, "weight of L2 must be a number"),
        (lambda: Box(1.0, 0.0), ValueError, "lower must not exceed upper"),
        (lambda: Box(math.nan), ValueError, "neither be NaN"),
        (lambda: Box(WRONG["text"]), TypeError, "lower must be a number"),
        (lambda: L1(0.1) + WRONG["number"], TypeError, "unsupported operand"),
        (lambda: TV(0.1).prox(torch.zeros(3, 3), 0.0), ValueError, "step must be positive"),
        (lambda: TV(0.1).prox(torch.zeros(3, 3), iterations=0), ValueError, "iterations"),
    ],
)
def test_bad_input(make: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_representations() -> None:
    regularizer = TV(0.1, isotropic=False) + L1(torch.ones(3), Gradient((2, 2))) + NonNegative()
    assert repr(regularizer) == "TV(0.1, isotropic=False) + L1(<(3,)>, Gradient) + NonNegative()"
    assert repr(Box(0.0, 1.0)) == "Box(0, 1)"
