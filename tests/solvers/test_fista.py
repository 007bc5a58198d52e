"""Accelerated proximal gradients: iterates, steps, descent."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from measures import double, relative_l2
from oracles import proximal as oracle
from solvers.systems import PARALLEL, data, iterates
from torch_radon import solvers
from torch_radon.regularization import L1, L2, TV, Box, NonNegative, SquaredL2
from torch_radon.solvers import DivergenceWarning, Stop
from torch_radon.solvers.problem import Problem
from torch_radon.solvers.squared_norm import squared_norm

A = PARALLEL.build(8, 9)
MATRIX = PARALLEL.dense(8, 9)
SHAPE = A.domain_shape
PIXELS = int(np.prod(SHAPE))
SPACING = (0.9, 1.2)
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5}
dtypes = pytest.mark.parametrize("dtype", TOLERANCES, ids=["fp64", "fp32"])
STEP = float(0.9 / np.linalg.norm(MATRIX, 2) ** 2)


@pytest.fixture
def y(rng, device, dtype):
    return torch.from_numpy(data(A.to("cpu"), 2, rng)).to(device, dtype)


def compare(y, twin, n, **options):
    """Every iterate of both items; ``twin(vector, item)`` gives those of one."""
    found = iterates(solvers.fista, A.to(y.device), y, n, **options)
    for item, vector in enumerate(double(y).reshape(2, -1)):
        expected = twin(vector, item)
        for k in range(n):
            error = np.linalg.norm(found[k][item] - expected[k])
            assert error <= TOLERANCES[y.dtype] * np.linalg.norm(expected[-1]), k


def soft(x, t):
    return np.sign(x) * np.maximum(np.abs(x) - t, 0)


def shrink(x, t):
    return x * max(0.0, 1 - t / np.linalg.norm(x))


CLOSED_FORMS = {
    "nothing": (None, lambda x, t: x),
    "l1 in a box": (L1(0.4) + Box(-0.1, 0.5), lambda x, t: np.clip(soft(x, 0.4 * t), -0.1, 0.5)),
    "squares": (SquaredL2(3.0) + NonNegative(), lambda x, t: np.maximum(x / (1 + 3 * t), 0)),
    "norm": (L2(2.0), lambda x, t: shrink(x, 2 * t)),
}


@dtypes
@pytest.mark.parametrize("name", CLOSED_FORMS)
@pytest.mark.parametrize("kind", ["plain", "momentum", "restart"])
def test_iterates_with_closed_forms(name, kind, y, rng, dtype):
    regularizer, prox = CLOSED_FORMS[name]
    weights = rng.uniform(0.2, 1, y.shape)
    w = torch.from_numpy(weights).to(y)
    choice = {"momentum": kind != "plain", "restart": kind == "restart"}
    n = 40

    def twin(vector, item):
        factors = double(w[item]).ravel()
        return oracle.fista(MATRIX, vector, factors, STEP, prox, n, **choice)

    compare(y, twin, n, regularizer=regularizer, step=STEP, weights=w, **choice)


def test_momentum_was_restarted():
    """The comparison above is of runs in which restarts happened."""
    vector = data(A.to("cpu"), 1, np.random.default_rng(0))[0].ravel()
    prox = CLOSED_FORMS["squares"][1]
    runs = [oracle.fista(MATRIX, vector, 1.0, STEP, prox, 25, restart=r)[-1] for r in (True, False)]
    assert relative_l2(runs[0], runs[1]) > 1e-3


@dtypes
def test_iterates_with_inner_iterations(y, dtype):
    """Total variation, whose dual variables go on from the last iteration."""
    D = oracle.differences(SHAPE, SPACING)
    tv, norm = oracle.group_norm(D, 0.3, 2), float(np.linalg.norm(D, 2)) ** 2
    n, inner = 12, 4
    clip = oracle.clip(0.0)

    def twin(vector, item):
        duals = [np.zeros(len(D))]

        def prox(x, t):
            nonlocal duals
            image, duals = oracle.dual_denoising(x, t, [tv], [norm], duals, inner, clip)
            return image

        return oracle.fista(MATRIX, vector, 1.0, STEP, prox, n)

    compare(
        y,
        twin,
        n,
        regularizer=TV(0.3, spacing=SPACING),
        constraint=NonNegative(),
        step=STEP,
        inner_iterations=inner,
    )


@dtypes
def test_iterates_with_backtracking(y, dtype):
    prox = CLOSED_FORMS["l1 in a box"][1]
    compare(
        y,
        lambda vector, item: oracle.backtracking_fista(MATRIX, vector, prox, 25),
        25,
        regularizer=CLOSED_FORMS["l1 in a box"][0],
        step="backtracking",
    )


@pytest.mark.parametrize("dtype", [torch.float64])
def test_the_default_step_fits_the_weights(y, rng, device, dtype):
    weights = torch.from_numpy(rng.uniform(0, 5, y.shape)).to(device)
    problem = Problem(A.to(device), y, None, 1, {})
    found = double(squared_norm(problem, weights))
    for item in range(2):
        root = np.sqrt(double(weights[item])).reshape(-1, 1)
        largest = np.linalg.norm(root * MATRIX, 2) ** 2
        assert largest <= found[item] <= 1.05 * largest
    plain = double(squared_norm(problem, None))
    largest = np.linalg.norm(MATRIX, 2) ** 2
    assert (largest <= plain).all()
    assert (plain <= 1.05 * largest).all()


@pytest.mark.parametrize("dtype", [torch.float64])
@pytest.mark.parametrize("step", [None, "backtracking"])
def test_without_momentum_the_objective_never_rises(y, dtype, step):
    regularizer = L1(0.3) + SquaredL2(0.1)
    values = []

    def record(iteration, x, residual):
        misfit = 0.5 * (A(x) - y).square().sum((-2, -1))
        values.append(double(misfit + regularizer.value(x)))

    solvers.fista(
        A.to(y.device),
        y,
        iterations=80,
        regularizer=regularizer,
        step=step,
        momentum=False,
        callback=record,
    )
    steps = np.diff(np.array(values), axis=0)
    assert (steps <= 1e-12).all()
    assert (steps.sum(0) < -1e-3).all()


@pytest.mark.parametrize("dtype", [torch.float64])
def test_a_step_that_is_too_long_is_said(y, dtype):
    with pytest.warns(DivergenceWarning, match="diverged"):
        result = solvers.fista(A.to(y.device), y, iterations=200, step=8 * STEP)
    assert (result.status == Stop.DIVERGED).all()
    assert bool(result.x.isfinite().all())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"step": 0.0}, ValueError, "step must be positive"),
        ({"step": "long"}, TypeError, "step must be a number"),
        ({"inner_iterations": 0}, ValueError, "inner_iterations must be at least 1"),
        ({"weights": torch.ones(2, 2)}, ValueError, "weights must have shape"),
        ({"weights": -torch.ones(A.range_shape)}, ValueError, "weights must not be negative"),
    ],
)
def test_bad_input(options, error, message):
    with pytest.raises(error, match=message):
        solvers.fista(A, torch.ones(A.range_shape), iterations=2, **options)
