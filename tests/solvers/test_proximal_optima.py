"""Optima of the proximal solvers, as exact solvers find them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.optimize import linprog, minimize

from matrices import Matrix, random_matrix
from measures import double, relative_l2
from oracles import proximal as oracle
from solvers.systems import PARALLEL, data
from torch_radon import solvers
from torch_radon.regularization import L1, TV, Box, NonNegative, SquaredL2

SHAPE = PARALLEL.build(8, 9).domain_shape
PIXELS = int(np.prod(SHAPE))
SPACING = (0.9, 1.2)
D = oracle.differences(SHAPE, SPACING)
ANALYSIS = random_matrix(60, PIXELS, seed=5) / 8

# Regularizer, the same as groups of coefficients, and the bound from below.
OPTIMA = {
    "isotropic": (TV(0.05, spacing=SPACING), [(D, 0.05, 2)], 0.0),
    "anisotropic": (TV(0.05, isotropic=False, spacing=SPACING), [(D, 0.05, 1)], 0.0),
    "l1": (L1(0.3), [(np.eye(PIXELS), 0.3, 1)], 0.1),
    "l1 of an operator": (
        L1(0.3, Matrix(ANALYSIS, SHAPE, (60,))),
        [(double(ANALYSIS), 0.3, 1)],
        None,
    ),
    "both": (
        TV(0.05, spacing=SPACING) + L1(0.02),
        [(D, 0.05, 2), (np.eye(PIXELS), 0.02, 1)],
        None,
    ),
}


@pytest.mark.parametrize("name", OPTIMA)
@pytest.mark.parametrize("solver", ["pdhg", "fista", "admm"])
def test_optima(name, solver, rng):
    """The objective is within 1e-4 of the minimum that an interior-point method finds."""
    regularizer, groups, lower = OPTIMA[name]
    A, matrix = PARALLEL.build(8, 9), PARALLEL.dense(8, 9)
    y = data(A, 1, rng, noise=0.2)
    weights = rng.uniform(0.2, 2, y.shape)
    w = torch.from_numpy(weights)
    choices: dict[str, tuple[Any, dict[str, Any]]] = {
        "pdhg": (solvers.pdhg, {"iterations": 500, "data_term": solvers.LeastSquares(w)}),
        "fista": (solvers.fista, {"iterations": 250, "weights": w, "inner_iterations": 10}),
        "admm": (solvers.admm, {"iterations": 150, "data_term": solvers.LeastSquares(w)}),
    }
    solve, options = choices[solver]
    result = solve(
        A,
        torch.from_numpy(y),
        regularizer=regularizer,
        constraint=None if lower is None else Box(lower),
        **options,
    )
    x = double(result.x).ravel()
    _, best = oracle.minimum(matrix, y.ravel(), weights.ravel(), groups, lower)
    found = 0.5 * np.sum(weights.ravel() * (matrix @ x - y.ravel()) ** 2)
    for K, weight, components in groups:
        found += weight * np.sqrt(((K @ x).reshape(components, -1) ** 2).sum(0)).sum()
    assert best * (1 - 1e-6) <= found <= best * (1 + 1e-4)
    if lower is not None:
        assert x.min() >= lower


def test_three_dimensions(rng):
    shape = (3, 4, 3)
    matrix = random_matrix(30, 36, seed=1)
    y = torch.from_numpy(rng.normal(size=30))
    result = solvers.pdhg(
        Matrix(matrix, shape, (30,)), y, iterations=1000, regularizer=TV(0.5), steps="norm"
    )
    K = oracle.differences(shape, (1.0, 1.0, 1.0))
    best, _ = oracle.minimum(double(matrix), double(y), 1.0, [(K, 0.5, 3)])
    np.testing.assert_allclose(double(result.x).ravel(), best, atol=1e-4 * abs(best).max())


@pytest.mark.parametrize("solver", ["pdhg", "admm"])
def test_poisson_optimum(solver, rng, device):
    A, matrix = PARALLEL.build(8, 5), PARALLEL.dense(8, 5)
    y = rng.poisson(3 * data(A, 2, rng)).astype(float)
    y[0, 0] = 0
    background = rng.uniform(0.1, 0.5, y.shape[1:])
    term = solvers.Poisson(torch.from_numpy(background).to(device))
    iterations = {"pdhg": 1000, "admm": 120}[solver]
    result = getattr(solvers, solver)(
        A.to(device),
        torch.from_numpy(y).to(device),
        iterations=iterations,
        data_term=term,
        regularizer=SquaredL2(0.1),
        constraint=NonNegative(),
    )
    b = background.ravel()
    for item, v in enumerate(y.reshape(2, -1)):

        def objective(x, v=v):
            mean = matrix @ x + b
            slope = matrix.T @ (1 - v / mean) + 0.1 * x
            return np.sum(mean - v * np.log(mean)) + 0.05 * x @ x, slope

        best = minimize(
            objective,
            np.ones(PIXELS),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None)] * PIXELS,
            options={"maxiter": 20000, "ftol": 1e-15, "gtol": 1e-9, "maxfun": 50000},
        )
        x = double(result.x)[item].ravel()
        assert x.min() >= 0
        assert abs(objective(x)[0] - best.fun) <= 1e-6 * abs(best.fun)
        assert relative_l2(x, best.x) <= 1e-3


@pytest.mark.parametrize("solver", ["pdhg", "admm"])
def test_least_absolute_optimum(solver, rng):
    """Against linear programming; readings that are far off do not count by how far."""
    A, matrix = PARALLEL.build(5, 12), PARALLEL.dense(5, 12)
    x = torch.from_numpy(rng.uniform(0, 1, A.domain_shape))
    y = A(x)
    y[::5, 3] += 10.0
    weights = rng.uniform(0.5, 2, y.shape)
    result = getattr(solvers, solver)(
        A,
        y,
        data_term=solvers.LeastAbsolute(torch.from_numpy(weights)),
        constraint=Box(-5.0, 5.0),
        **{
            "pdhg": {"iterations": 3000, "balance": 30.0},
            "admm": {"iterations": 150, "penalty": 1e-3},
        }[solver],
    )
    # Bounds t of the magnitudes: A x - t <= y and -A x - t <= -y.
    v, w, eye = double(y).ravel(), weights.ravel(), sparse.eye(y.numel())
    rays, pixels = matrix.shape
    best = linprog(
        np.concatenate([np.zeros(pixels), w]),
        sparse.vstack([sparse.hstack([matrix, -eye]), sparse.hstack([-matrix, -eye])]),
        np.concatenate([v, -v]),
        bounds=[(-5, 5)] * pixels + [(0, None)] * rays,
    )
    found = np.sum(w * np.abs(matrix @ double(result.x).ravel() - v))
    assert best.fun * (1 - 1e-9) <= found <= best.fun * (1 + 1e-4)
    assert relative_l2(result.x, x) <= 0.03
