"""Every iterate of every solver equals that of a dense float64 version of the method."""

from typing import Any

import numpy as np
import pytest
import torch

from measures import relative_l2
from oracles import solvers as dense
from solvers.systems import PARALLEL, ROWS, SIDE, SUBSETS, VIEWS, blocks, data, iterates
from torch_radon import solvers
from torch_radon.linear import Gradient, RampFilter
from torch_radon.solvers import subset_orders

ITERATIONS = 6
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5}

# Conjugate gradients amplify rounding from iteration to iteration: on these systems float32 vectors
# alone, with the matrix and all sums in float64, are off by 3e-5 after six of them.
KRYLOV = {torch.float64: ITERATIONS, torch.float32: 4}

dtypes = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["fp64", "fp32"])


class System:
    """The projector of a small scan, its matrix, and two items of noisy data."""

    def __init__(self, device, rng, dtype, case=PARALLEL):
        self.A = case.build(SIDE, VIEWS)
        self.matrix = case.dense(SIDE, VIEWS)
        self.data = data(self.A, 2, rng)
        self.y = torch.from_numpy(self.data).to(device, dtype)
        # The twins see what the solver sees.
        self.vectors = self.y.cpu().double().numpy().reshape(2, -1)
        self.A = self.A.to(device)
        self.dtype, self.device = dtype, device

    def tensor(self, values, shape):
        return torch.from_numpy(values).reshape(shape).to(self.device, self.dtype)

    def compare(self, solve, twin, twin_options=(), **options):
        n = KRYLOV[self.dtype] if solve is solvers.cgls else ITERATIONS
        found = iterates(solve, self.A, self.y, n, **options)
        for item, vector in enumerate(self.vectors):
            expected = twin(self.matrix, vector, n, **dict(twin_options))
            for k in range(n):
                assert relative_l2(found[k][item], expected[k]) <= TOLERANCES[self.dtype], k


@pytest.fixture
def system(device, rng, dtype):
    return System(device, rng, dtype)


@dtypes
@pytest.mark.parametrize("name", ROWS)
def test_from_the_usual_start(name, system):
    solve, twin, options = ROWS[name]
    system.compare(solve, twin, **options)


@dtypes
@pytest.mark.parametrize("name", ROWS)
def test_from_a_given_start(name, system, rng):
    solve, twin, options = ROWS[name]
    start = rng.uniform(0.5, 1.5, system.matrix.shape[1]).astype(np.float32).astype(float)
    x0 = system.tensor(start, system.A.domain_shape)
    system.compare(solve, twin, {"x": start}, x0=x0, **options)


@dtypes
@pytest.mark.parametrize("name", ["landweber", "sirt", "sart", "os_sart"])
def test_with_a_constraint(name, system):
    solve, twin, options = ROWS[name]
    system.compare(
        solve,
        twin,
        {"project": lambda x: np.clip(x, 0.2, 0.8)},
        constraint=lambda x: x.clamp(0.2, 0.8),
        **options,
    )


@dtypes
@pytest.mark.parametrize("name", ["sirt", "sart", "os_sart"])
def test_with_relaxation(name, system):
    solve, twin, options = ROWS[name]
    system.compare(solve, twin, {"relaxation": 0.3}, relaxation=0.3, **options)


@dtypes
def test_landweber_with_a_step(system):
    step = 1.0 / np.linalg.norm(system.matrix, 2) ** 2
    system.compare(solvers.landweber, dense.landweber, {"step": step}, step=step)


@dtypes
@pytest.mark.parametrize("name", ["landweber", "cgls"])
def test_with_weights(name, system, rng):
    solve, twin, _ = ROWS[name]
    weights = rng.uniform(0.1, 1, len(system.matrix)).astype(np.float32).astype(float)
    given = system.tensor(weights, system.A.range_shape)
    system.compare(solve, twin, {"W": np.diag(weights)}, weights=given)


@dtypes
def test_with_weights_of_every_item(system, rng, dtype):
    weights = rng.uniform(0.1, 1, (2, len(system.matrix))).astype(np.float32).astype(float)
    given = system.tensor(weights, (2, *system.A.range_shape))
    for solve, twin in ((solvers.landweber, dense.landweber), (solvers.cgls, dense.cgls)):
        n = KRYLOV[dtype]
        found = iterates(solve, system.A, system.y, n, weights=given)
        for item, vector in enumerate(system.vectors):
            expected = twin(system.matrix, vector, n, W=np.diag(weights[item]))
            for k in range(n):
                error = relative_l2(found[k][item], expected[k])
                assert error <= TOLERANCES[system.dtype]


@dtypes
@pytest.mark.parametrize("name", ["landweber", "cgls"])
def test_with_a_diagonal_preconditioner(name, system):
    solve, twin, _ = ROWS[name]
    normal = system.matrix.T @ system.matrix
    factors = 1 / normal.sum(1)
    given = solvers.diagonal_preconditioner(system.A, dtype=system.dtype)
    assert relative_l2(given.flatten(), factors) <= 1e-6
    system.compare(solve, twin, {"P": np.diag(factors)}, preconditioner=given)


def _dense(operator):
    size = int(np.prod(operator.domain_shape))
    basis = torch.eye(size, dtype=torch.float64).reshape(size, *operator.domain_shape)
    return operator(basis).reshape(size, -1).T.numpy()


# Eigenvalues of a filtered operator lie so close together that the default step is not exact to
# 1e-10, and is not compared here.
@dtypes
@pytest.mark.parametrize(
    ("name", "options"), [("landweber", {"step": 0.01}), ("cgls", {})], ids=["landweber", "cgls"]
)
def test_with_the_ramp_filter_as_preconditioner(name, options, system):
    solve, twin, _ = ROWS[name]
    P = RampFilter(system.A.domain_shape)
    twin_options = {"P": _dense(P), **options}
    system.compare(solve, twin, twin_options, preconditioner=P.to(system.device), **options)


@dtypes
@pytest.mark.parametrize(
    ("name", "options"), [("landweber", {"step": 0.01}), ("cgls", {})], ids=["landweber", "cgls"]
)
def test_with_the_ramp_filter_as_weights(name, options, system):
    solve, twin, _ = ROWS[name]
    W = RampFilter(system.A.range_shape, axes=1)
    twin_options = {"W": _dense(W), **options}
    system.compare(solve, twin, twin_options, weights=W.to(system.device), **options)


@dtypes
def test_damping(system):
    system.compare(solvers.cgls, dense.cgls, {"damping": 0.7}, damping=0.7)


@dtypes
def test_damping_of_every_item(system, dtype):
    n = KRYLOV[dtype]
    given = torch.tensor([0.3, 2.0], dtype=system.dtype, device=system.device)
    found = iterates(solvers.cgls, system.A, system.y, n, damping=given)
    for item, vector in enumerate(system.vectors):
        expected = dense.cgls(system.matrix, vector, n, damping=float(given[item]))
        for k in range(n):
            assert relative_l2(found[k][item], expected[k]) <= TOLERANCES[system.dtype]


@dtypes
def test_damping_of_differences_with_weights_and_a_start(system, rng):
    D = Gradient(system.A.domain_shape, spacing=(0.9, 1.2))
    weights = rng.uniform(0.1, 1, len(system.matrix)).astype(np.float32).astype(float)
    start = rng.uniform(0, 1, system.matrix.shape[1]).astype(np.float32).astype(float)
    system.compare(
        solvers.cgls,
        dense.cgls,
        {"damping": 0.7, "L": _dense(D), "W": np.diag(weights), "x": start},
        damping=0.7,
        damping_operator=D,
        weights=system.tensor(weights, system.A.range_shape),
        x0=system.tensor(start, system.A.domain_shape),
    )


@dtypes
@pytest.mark.parametrize("preconditioned", [False, True], ids=["plain", "preconditioned"])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_conjugate_gradient(preconditioned, warm, system, rng, dtype):
    n = KRYLOV[dtype]
    D = Gradient(system.A.domain_shape)
    operator = system.A.T @ system.A + 3.0 * (D.T @ D)
    matrix = system.matrix.T @ system.matrix + 3.0 * _dense(D).T @ _dense(D)
    images = rng.standard_normal((2, len(matrix)))
    rights = system.tensor(images @ matrix, (2, *system.A.domain_shape))
    options, twin_options = {}, {}
    if preconditioned:
        factors = rng.uniform(0.5, 2, len(matrix)).astype(np.float32).astype(float)
        options["preconditioner"] = system.tensor(factors, system.A.domain_shape)
        twin_options["P"] = np.diag(factors)
    if warm:
        start = rng.uniform(0, 1, len(matrix)).astype(np.float32).astype(float)
        options["x0"] = system.tensor(start, system.A.domain_shape)
        twin_options["x"] = start
    found = iterates(solvers.conjugate_gradient, operator, rights, n, **options)
    for item, right in enumerate(rights.cpu().double().numpy().reshape(2, -1)):
        expected = dense.cg(matrix, right, n, **twin_options)
        for k in range(n):
            assert relative_l2(found[k][item], expected[k]) <= TOLERANCES[system.dtype]


@dtypes
@pytest.mark.parametrize("name", ["mlem", "osem"])
def test_a_background(name, system, rng):
    solve, twin, options = ROWS[name]
    floor = rng.uniform(0, 2, len(system.matrix)).astype(np.float32).astype(float)
    given = system.tensor(floor, system.A.range_shape)
    system.compare(solve, twin, {"background": floor}, background=given, **options)
    system.compare(solve, twin, {"background": 0.5}, background=0.5, **options)


@dtypes
@pytest.mark.parametrize("ordering", ["sequential", "multilevel", "random"])
def test_orders_of_subsets(ordering, system):
    orders = subset_orders(SUBSETS, ITERATIONS, ordering, torch.Generator().manual_seed(3))
    system.compare(
        solvers.os_sart,
        dense.os_sart,
        {"rows": blocks(system.A, SUBSETS), "orders": orders},
        subsets=SUBSETS,
        ordering=ordering,
        generator=torch.Generator().manual_seed(3),
    )


@dtypes
def test_subsets_of_ones_own(system):
    chosen: list[Any] = [[0, 5], slice(1, 5), list(range(6, VIEWS))]
    rows = np.arange(len(system.matrix)).reshape(system.A.range_shape)
    twin_options = {
        "rows": [rows[index].ravel().tolist() for index in chosen],
        "orders": [[0, 1, 2]] * ITERATIONS,
    }
    for solve, twin in ((solvers.os_sart, dense.os_sart), (solvers.osem, dense.mlem)):
        system.compare(solve, twin, twin_options, subsets=chosen, ordering="sequential")


def test_weighted_least_squares_are_cgls_with_poisson_weights(device, rng):
    system = System(device, rng, torch.float64)
    y = system.y / system.y.max() * 4
    vectors = y.cpu().numpy().reshape(2, -1)
    found = iterates(
        solvers.weighted_least_squares, system.A, y, ITERATIONS, photons=1e3, damping=2.0
    )
    for item, vector in enumerate(vectors):
        W = np.diag(1e3 * np.exp(-vector))
        expected = dense.cgls(system.matrix, vector, ITERATIONS, W=W, damping=2.0)
        assert relative_l2(found[-1][item], expected[-1]) <= 1e-10
