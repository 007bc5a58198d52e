"""Alternating directions: iterates with exact and with rough inner solves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from matrices import Matrix, random_matrix
from measures import double, relative_l2
from oracles import proximal as oracle
from solvers.systems import PARALLEL, data, iterates
from torch_radon import solvers
from torch_radon.linear import operator_norm
from torch_radon.regularization import L1, TV, Box, NonNegative
from torch_radon.solvers.problem import Problem
from torch_radon.solvers.squared_norm import squared_norm

A = PARALLEL.build(8, 9)
MATRIX = PARALLEL.dense(8, 9)
SHAPE = A.domain_shape
PIXELS = int(np.prod(SHAPE))
SPACING = (0.9, 1.2)
D = oracle.differences(SHAPE, SPACING)
ANALYSIS = random_matrix(20, PIXELS, seed=5)
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5}
dtypes = pytest.mark.parametrize("dtype", TOLERANCES, ids=["fp64", "fp32"])
# Enough for conjugate gradients to end.
EXACT: dict[str, Any] = {"inner_iterations": 80, "inner_tolerance": 0.0}


@pytest.fixture
def y(rng, device, dtype):
    return torch.from_numpy(data(A.to("cpu"), 2, rng)).to(device, dtype)


@dtypes
@pytest.mark.parametrize("kind", ["plain", "weighted", "poisson", "absolute"])
def test_iterates(kind, y, rng, device, dtype):
    """TV, an L1 norm of other coefficients and bounds, for each data term."""
    n, penalty = 6, 0.5
    K = Matrix(ANALYSIS.to(device), SHAPE, (20,))
    weights = torch.from_numpy(rng.uniform(0.2, 2, y.shape)).to(y)
    term = {
        "plain": None,
        "weighted": solvers.LeastSquares(weights),
        "poisson": solvers.Poisson(0.2),
        "absolute": solvers.LeastAbsolute(weights),
    }[kind]
    found = iterates(
        solvers.admm,
        A.to(device),
        y,
        n,
        regularizer=TV(0.1, spacing=SPACING) + L1(0.05, K),
        constraint=Box(0.0, 0.6),
        data_term=term,
        penalty=penalty,
        **EXACT,
    )
    problem = Problem(A.to(device), y, None, 1, {})
    curvature = {
        "plain": None,
        "weighted": weights,
        "poisson": (1 / y.mean((1, 2), keepdim=True)).expand_as(y),
        "absolute": weights / y.mean((1, 2), keepdim=True),
    }[kind]
    # Their estimates are tested elsewhere; here it matters what is made of them.
    sizes = double(squared_norm(problem, curvature))
    bound = oracle.Dense(np.eye(PIXELS), lambda z: 0.0, oracle.clip(0.0, 0.6))
    for item, vector in enumerate(double(y).reshape(2, -1)):
        w = double(weights[item]).ravel()
        c = np.ones_like(vector) if curvature is None else double(curvature[item]).ravel()
        functions = [
            bound,
            oracle.group_norm(D, 0.1, 2),
            oracle.one_norm(double(ANALYSIS), 0.05),
        ]
        norms = [1.0, np.linalg.norm(D, 2) ** 2, operator_norm(K, device=device) ** 2]
        penalties = [np.array(penalty * sizes[item] / norm) for norm in norms]
        H, right = np.zeros((PIXELS, PIXELS)), np.zeros(PIXELS)
        if kind in ("plain", "weighted"):
            H, right = MATRIX.T @ (c[:, None] * MATRIX), MATRIX.T @ (c * vector)
        else:
            functions.append(
                oracle.poisson(MATRIX, vector, 0.2)
                if kind == "poisson"
                else oracle.least_absolute(MATRIX, vector, w)
            )
            penalties.append(c)
        _, splits = oracle.admm(H, right, functions, penalties, n)
        for k in range(n):
            error = np.linalg.norm(found[k][item] - splits[k][0])
            assert error <= TOLERANCES[dtype] * np.linalg.norm(splits[-1][0]), k


@dtypes
def test_without_bounds_the_image_is_that_of_the_system(y, device, dtype):
    n, penalty = 6, 0.5
    found = iterates(
        solvers.admm, A.to(device), y, n, regularizer=TV(0.1), penalty=penalty, **EXACT
    )
    plain = oracle.differences(SHAPE, (1.0, 1.0))
    size = operator_norm(A) ** 2 / np.linalg.norm(plain, 2) ** 2
    for item, vector in enumerate(double(y).reshape(2, -1)):
        images, _ = oracle.admm(
            MATRIX.T @ MATRIX,
            MATRIX.T @ vector,
            [oracle.group_norm(plain, 0.1, 2)],
            [np.array(penalty * size)],
            n,
        )
        for k in range(n):
            assert relative_l2(found[k][item], images[k]) <= TOLERANCES[dtype]


@pytest.mark.parametrize("dtype", [torch.float64])
def test_rough_inner_solves_find_the_same_optimum(y, device, dtype):
    """A few steps from the last image are enough, and the inner tolerance saves no accuracy."""
    options: dict[str, Any] = {
        "regularizer": TV(0.1),
        "constraint": NonNegative(),
        "iterations": 40,
    }
    exact = solvers.admm(A.to(device), y, **options, **EXACT).x
    for inner in ({"inner_iterations": 5}, {"inner_iterations": 10, "inner_tolerance": 0.1}):
        rough = solvers.admm(A.to(device), y, **options, **inner).x
        assert relative_l2(rough, exact) <= 1e-3
    assert float(exact.min()) >= 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regularizer": None}, "regularizer and constraint are both None"),
        ({"penalty": 0.0}, "penalty must be positive"),
        ({"inner_iterations": 0}, "inner_iterations must be at least 1"),
        ({"inner_tolerance": -1.0}, "inner_tolerance must not be negative"),
    ],
)
def test_bad_input(options, message):
    options = {"iterations": 2, "regularizer": TV(0.1), **options}
    with pytest.raises(ValueError, match=message):
        solvers.admm(A, torch.ones(A.range_shape), **options)
