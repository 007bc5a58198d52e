"""The primal-dual method: its iterates, steps and optima."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matrices import Matrix, random_matrix
from measures import double, entries, relative_l2
from oracles import proximal as oracle
from solvers.systems import FAN, PARALLEL, data, iterates
from torch_radon import linear, parallel_beam, solvers
from torch_radon.geometry import Volume
from torch_radon.projectors import Projector
from torch_radon.regularization import L1, L2, TV, Box, NonNegative, SquaredL2
from torch_radon.solvers.data_terms import positive_curvature
from torch_radon.solvers.problem import Problem
from torch_radon.solvers.splitting import data_block, regularizer_blocks
from torch_radon.solvers.step_sizes import primal_dual_steps

SHAPE = PARALLEL.build(8, 9).domain_shape
PIXELS = int(np.prod(SHAPE))
SPACING = (0.9, 1.2)
D = oracle.differences(SHAPE, SPACING)
# Bounds of row and column sums that the method takes for differences.
D_SUMS = (2 / 0.9, 2 / 0.9 + 2 / 1.2)
ROWS = 60
ANALYSIS = random_matrix(ROWS, PIXELS, seed=5) / 8


def analysis(device: str) -> Matrix:
    return Matrix(ANALYSIS.to(device), SHAPE, (ROWS,))


class System:
    """A small scan, its matrix, and noisy data of two items."""

    def __init__(self, device: str, rng: np.random.Generator, dtype: torch.dtype) -> None:
        self.A = PARALLEL.build(8, 9)
        self.matrix = PARALLEL.dense(8, 9)
        self.y = torch.from_numpy(data(self.A, 2, rng)).to(device, dtype)
        self.weights = torch.from_numpy(rng.uniform(0, 2, self.y.shape)).to(device, dtype)
        self.A = self.A.to(device)
        # The twins see what the solver sees, rounded to its type.
        self.vectors = double(self.y).reshape(2, -1)
        self.factors = double(self.weights).reshape(2, -1)


@pytest.fixture(params=[torch.float64, torch.float32], ids=["fp64", "fp32"])
def dtype(request):
    return request.param


@pytest.fixture
def system(device, rng, dtype):
    return System(device, rng, dtype)


def near(dtype: torch.dtype) -> float:
    return 1e-10 if dtype == torch.float64 else 1e-5


def problems(system: System, device: str):
    """For each kind of problem: the solver's arguments, and item by item the twin's."""
    A, vectors, factors = system.matrix, system.vectors, system.factors
    tv = oracle.group_norm(D, 0.02, 2)
    K = analysis(device)
    norm = linear.operator_norm(K, device=device)
    ones = [np.ones_like(v) for v in vectors]
    yield (
        "least squares, TV, non-negative",
        {"regularizer": TV(0.02, spacing=SPACING), "constraint": NonNegative()},
        [[oracle.least_squares(A, v), tv] for v in vectors],
        ones,
        [D_SUMS],
        oracle.clip(0),
    )
    yield (
        "weighted, anisotropic TV and an L1 norm, a box",
        {
            "regularizer": TV(0.02, isotropic=False, spacing=SPACING) + L1(0.01, K),
            "constraint": Box(0.1, 0.8),
            "data_term": solvers.LeastSquares(system.weights),
        },
        [
            [
                oracle.least_squares(A, v, w),
                oracle.one_norm(D, 0.02),
                oracle.one_norm(double(ANALYSIS), 0.01),
            ]
            for v, w in zip(vectors, factors, strict=True)
        ],
        factors,
        [D_SUMS, (norm, norm)],
        oracle.clip(0.1, 0.8),
    )
    yield (
        "Poisson with background, TV",
        {
            "regularizer": TV(0.05, spacing=SPACING),
            "constraint": NonNegative(),
            "data_term": solvers.Poisson(background=0.1),
        },
        [[oracle.poisson(A, v, 0.1), oracle.group_norm(D, 0.05, 2)] for v in vectors],
        [np.full_like(v, 1 / v.mean()) for v in vectors],
        [D_SUMS],
        oracle.clip(0),
    )
    yield (
        "least absolute, a norm of the image and squares",
        {
            "regularizer": L2(0.3) + SquaredL2(0.2),
            "data_term": solvers.LeastAbsolute(system.weights),
        },
        [
            [
                oracle.least_absolute(A, v, w),
                oracle.group_norm(np.eye(PIXELS), 0.3, PIXELS),
            ]
            for v, w in zip(vectors, factors, strict=True)
        ],
        [w / v.mean() for v, w in zip(vectors, factors, strict=True)],
        [(1.0, 1.0)],
        lambda x, t: x / (1 + 0.2 * t),
    )


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("relaxation", [1.0, 1.7])
def test_iterates_equal_a_dense_version(system, device, dtype, index, relaxation):
    name, options, functions, curvatures, others, direct = list(problems(system, device))[index]
    n = 15
    found = iterates(
        solvers.pdhg, system.A, system.y, n, relaxation=relaxation, balance=0.3, **options
    )
    for item in range(2):
        tau, sigmas = oracle.diagonal_steps(system.matrix, curvatures[item], others, 0.3)
        expected = oracle.pdhg(functions[item], tau, sigmas, relaxation, n, direct)
        for k in range(n):
            error = np.linalg.norm(found[k][item] - expected[k])
            assert error <= near(dtype) * np.linalg.norm(expected[-1]), (name, k)


def test_steps_from_norms(system, dtype, device):
    n, balance = 15, 0.2
    start = torch.full_like(system.y, 0.3).new_full((2, *SHAPE), 0.3)
    found = iterates(
        solvers.pdhg,
        system.A,
        system.y,
        n,
        regularizer=TV(0.02, spacing=SPACING),
        steps="norm",
        balance=balance,
        x0=start,
    )
    norm, tv_norm = linear.operator_norm(system.A), np.linalg.norm(D, 2)
    tau = np.array(1 / (balance * 2 * norm**2))
    sigmas = [np.array(balance), np.array(balance * norm**2 / tv_norm**2)]
    for item, v in enumerate(system.vectors):
        functions = [oracle.least_squares(system.matrix, v), oracle.group_norm(D, 0.02, 2)]
        x0 = double(start)[item].ravel()
        expected = oracle.pdhg(functions, tau, sigmas, 1.9, n, x0=x0)
        for k in range(n):
            assert relative_l2(found[k][item], expected[k]) <= near(dtype)


@pytest.mark.parametrize("rule", ["diagonal", "norm"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["projector", "fan", "matrix"])
def test_steps_make_it_converge(rule, weighted, kind, rng, device):
    """The norm of ``Sigma^(1/2) K T^(1/2)`` is at most 1, and not far below."""
    case = {"projector": PARALLEL, "fan": FAN, "matrix": PARALLEL}[kind]
    A = case.build(8, 9)
    if kind == "matrix":
        # Entries of either sign: sums of rows would say nothing.
        A = Matrix(random_matrix(30, PIXELS, seed=2), SHAPE, (30,))
        A.matrix = A.matrix.to(device)
    A = A.to(device)
    shape = A.domain_shape
    y = torch.from_numpy(rng.uniform(0, 1, (2, *A.range_shape))).to(device)
    weights = torch.from_numpy(rng.uniform(0, 3, y.shape)).to(device) if weighted else None
    K = Matrix(random_matrix(7, int(np.prod(shape)), seed=9).to(device), shape, (7,))
    problem = Problem(A, y, None, 1, {})
    term = solvers.LeastSquares(weights)
    _, blocks = regularizer_blocks(problem, TV(1.0, spacing=SPACING) + L1(1.0, K), None)
    blocks = [data_block(problem, term), *blocks]
    steps = primal_dual_steps(rule, problem, blocks, positive_curvature(problem, term), 0.3)
    operators = [A, linear.Gradient(shape, SPACING), K]
    matrices = [entries(operator, torch.float64, device) for operator in operators]
    for item in range(2):
        scaled = [
            np.sqrt(np.broadcast_to(double(s)[item], (1, *shape_of)).reshape(-1, 1)) * M
            for s, M, shape_of in zip(
                steps.duals, matrices, [operator.range_shape for operator in operators], strict=True
            )
        ]
        primal = np.broadcast_to(double(steps.primal)[item], shape).ravel()
        norm = np.linalg.norm(np.concatenate(scaled) * np.sqrt(primal), 2)
        assert 0.1 < norm <= 1 + 1e-6


def test_units_change_nothing(rng):
    """Ten times the lengths, a tenth of the attenuation, ten times the weight: the same steps."""
    angles = np.linspace(0, np.pi, 7, endpoint=False)
    results = []
    y = torch.from_numpy(rng.uniform(0, 1, (7, 12)))
    for unit in (1.0, 10.0):
        A = Projector(Volume((9, 8), spacing=unit), parallel_beam(angles, 12, unit))
        result = solvers.pdhg(
            A, y, iterations=20, regularizer=TV(0.05 * unit), constraint=NonNegative()
        )
        results.append(unit * result.x)
    torch.testing.assert_close(*results)
    scaled = solvers.pdhg(
        A,
        3 * y,
        iterations=20,
        regularizer=TV(0.5 * 15),
        constraint=NonNegative(),
        data_term=solvers.LeastSquares(torch.full_like(y, 5.0)),
    )
    torch.testing.assert_close(10 * scaled.x, 3 * results[0])


def test_weights_of_pixels_and_items(system, dtype):
    """One weight an item, with two leading dimensions, is a problem each."""
    y = system.y.expand(3, *system.y.shape)
    weights = torch.linspace(0.01, 0.06, 6).to(y).view(3, 2, 1, 1)
    together = solvers.pdhg(
        system.A, y, iterations=20, regularizer=TV(weights), data_term=solvers.Poisson()
    ).x
    assert together.shape == (3, 2, *SHAPE)
    for i in range(3):
        for j in range(2):
            weight = float(weights[i, j])
            alone = solvers.pdhg(
                system.A,
                y[i, j],
                iterations=20,
                regularizer=TV(weight),
                data_term=solvers.Poisson(),
            ).x
            assert relative_l2(together[i, j], alone) <= near(dtype)


def test_rays_and_pixels_that_meet_nothing(device):
    """A detector much wider than the image, and pixels beside the only ray."""
    A = Projector(Volume((6, 6)), parallel_beam([0.0], 41, 0.25)).to(device)
    y = torch.ones(1, 41, device=device)
    for steps in ("diagonal", "norm"):
        result = solvers.pdhg(A, y, iterations=200, regularizer=TV(0.01), steps=steps)
        assert bool(result.x.isfinite().all())
    narrow = Projector(Volume((6, 6)), parallel_beam([0.0], 1)).to(device)
    result = solvers.pdhg(narrow, torch.full((1, 1), 6.0, device=device), iterations=500)
    assert bool(result.x.isfinite().all())
    assert abs(double(narrow(result.x))[0, 0] - 6) < 1e-3
    nothing = torch.zeros(1, 1, device=device)
    zero = solvers.pdhg(narrow, nothing, iterations=200, regularizer=TV(0.1))
    assert bool((zero.x == 0).all())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": "long"}, "steps must be one of"),
        ({"balance": 0.0}, "balance must be positive"),
        ({"relaxation": 2.0}, "relaxation must be larger than 0 and smaller than 2"),
    ],
)
def test_bad_steps(options, message):
    A = PARALLEL.build(5, 3)
    with pytest.raises(ValueError, match=message):
        solvers.pdhg(A, torch.ones(A.range_shape), iterations=2, **options)
