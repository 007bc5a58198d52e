"""What holds for all proximal solvers: batches, stopping, derivatives, precision, bad input."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from matrices import Matrix
from measures import relative_l2
from solvers.systems import PARALLEL, data
from torch_radon import linear, solvers
from torch_radon.regularization import L1, TV, NonNegative

A = PARALLEL.build(8, 9)
SHAPE = A.domain_shape
PIXELS = int(np.prod(SHAPE))
# Inner iterations where only the outer ones matter.
INNER = {"pdhg": {}, "fista": {"inner_iterations": 2}, "admm": {"inner_iterations": 2}}
DOUBLE = torch.float64


@pytest.mark.parametrize("solver", INNER)
@pytest.mark.parametrize("leading", [(), (0,), (1,), (33,), (2, 0), (2, 3)], ids=str)
def test_batches(solver, leading, generator, device):
    """A batch is a loop over its items; nothing that was given is changed."""
    operator = A.to(device)
    y = torch.rand((*leading, *A.range_shape[::-1]), generator=generator, dtype=DOUBLE)
    y = y.to(device).mT
    x0 = torch.rand(SHAPE, generator=generator, dtype=DOUBLE).to(device)
    weight = torch.rand((*leading, 1, 1), generator=generator, dtype=DOUBLE).to(device) / 20
    before = y.clone(), x0.clone(), weight.clone()

    def solve(y, weight):
        return getattr(solvers, solver)(
            operator,
            y,
            iterations=4,
            regularizer=TV(weight) + L1(0.01),
            constraint=NonNegative(),
            x0=x0,
            **INNER[solver],
        )

    result = solve(y, weight)
    assert result.x.shape == (*leading, *SHAPE)
    assert result.residuals.shape == (5, *leading)
    for old, new in zip(before, (y, x0, weight), strict=True):
        assert torch.equal(old, new)
    for index in list(np.ndindex(*leading))[-2:]:
        alone = solve(y[index], float(weight[index]))
        torch.testing.assert_close(result.x[index], alone.x, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(result.residuals[(..., *index)], alone.residuals)


@pytest.mark.parametrize("solver", INNER)
def test_items_stop_by_themselves(solver, rng, device):
    operator = A.to(device)
    y = torch.from_numpy(data(PARALLEL.build(8, 9), 3, rng)).to(device)
    y[1] = 0
    options = {"regularizer": TV(0.02), "constraint": NonNegative(), **INNER[solver]}
    solve = getattr(solvers, solver)
    result = solve(operator, y, iterations=200, tolerance=3e-3, **options)
    assert result.converged.all()
    assert result.iterations[1] == 1
    for item in range(3):
        count = int(result.iterations[item])
        assert count < 200
        alone = solve(operator, y[item], iterations=count, **options)
        torch.testing.assert_close(result.x[item], alone.x, rtol=1e-10, atol=1e-12)
        history = result.residuals[:, item]
        assert float(history[count]) <= 3e-3 < float(history[:count].min())
        assert bool((history[count:] == history[count]).all())


@pytest.mark.parametrize("solver", ["pdhg", "admm"])
@pytest.mark.parametrize("kind", [solvers.LeastSquares, solvers.LeastAbsolute])
def test_readings_without_weight_do_not_count(solver, kind, rng, device):
    """Whatever they are, nothing changes; not even where an item has no weight at all."""
    y = torch.from_numpy(data(PARALLEL.build(8, 9), 2, rng)).to(device)
    weights = torch.ones_like(y)
    weights[0, 2] = 0
    weights[1] = 0
    wrong = y.masked_fill(weights == 0, 1e3)
    found = [
        getattr(solvers, solver)(
            A.to(device), data, iterations=20, regularizer=TV(0.1), data_term=kind(weights)
        ).x
        for data in (y, wrong)
    ]
    assert bool(found[0].isfinite().all())
    if kind is solvers.LeastSquares:
        assert torch.equal(*found)
    assert float(found[0][1].abs().max()) < 1e-9


@pytest.mark.parametrize("solver", INNER)
def test_an_operator_that_maps_to_zero_changes_nothing(solver, rng, device):
    y = torch.from_numpy(data(PARALLEL.build(8, 9), 1, rng)).to(device)
    zero = Matrix(torch.zeros(3, PIXELS, dtype=DOUBLE, device=device), SHAPE, (3,))
    options = {"iterations": 20, "constraint": NonNegative(), **INNER[solver]}
    solve = getattr(solvers, solver)
    plain = solve(A.to(device), y, **options).x
    with_zero = solve(A.to(device), y, regularizer=L1(0.1, zero), **options).x
    assert bool(with_zero.isfinite().all())
    # Primal-dual steps become smaller with each operator.
    assert relative_l2(with_zero, plain) <= (0.2 if solver == "pdhg" else 1e-12)


@pytest.mark.parametrize("solver", INNER)
def test_the_optimum_is_a_fixed_point(solver, rng, device):
    """Started where it ended, a solver does not leave again."""
    y = torch.from_numpy(data(A.to("cpu"), 1, rng)).to(device)
    options = {"regularizer": TV(0.2), "constraint": NonNegative(), **INNER[solver]}
    solve = getattr(solvers, solver)
    first = solve(A.to(device), y, iterations=200, **options)
    again = solve(A.to(device), y, iterations=150, x0=first.x, **options)
    assert relative_l2(again.x, first.x) <= 1e-3


class Reads(TorchDispatchMode):
    """Counts how often the host asks for a value on the device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += "_local_scalar_dense" in str(func) or "is_nonzero" in str(func)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("solver", [*INNER, "backtracking"])
def test_the_loop_reads_nothing(solver, generator):
    y = torch.rand(2, *A.range_shape, generator=generator)
    options: dict[str, Any] = {"regularizer": TV(0.1) + L1(0.1), "constraint": NonNegative()}
    if solver == "backtracking":
        solver, options = "fista", {**options, "step": "backtracking"}
    counts = []
    for iterations in (2, 6):
        with Reads() as reads:
            getattr(solvers, solver)(
                A, y, iterations=iterations, tolerance=1e-6, **options, **INNER[solver]
            )
        counts.append(reads.count)
    assert counts[0] == counts[1]
    # With steps from sums there is nothing to read before the loop either.
    assert solver != "pdhg" or counts == [0, 0]


@pytest.mark.parametrize("solver", INNER)
@pytest.mark.parametrize("every", [None, 2], ids=["all", "checkpoints"])
def test_unrolled_derivatives(solver, every, generator):
    A = PARALLEL.build(4, 2)
    y = torch.rand(*A.range_shape, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(A.domain_shape, generator=generator, dtype=torch.float64)
    weight.requires_grad_()

    def solve(y, weight):
        return getattr(solvers, solver)(
            A,
            y,
            iterations=3,
            regularizer=TV(weight),
            constraint=NonNegative(),
            checkpoint_every=every,
            **INNER[solver],
        ).x

    assert torch.autograd.gradcheck(solve, (y, weight), atol=1e-6)


@pytest.mark.parametrize("solver", INNER)
@pytest.mark.parametrize(
    ("low", "tolerance"), [(torch.float16, 3e-3), (torch.bfloat16, 3e-2)], ids=["fp16", "bf16"]
)
def test_projections_in_half_precision(solver, low, tolerance, device):
    """Data of a flat image: those of random ones are fitted by noise, which rounding changes."""
    operator = A.to(device)
    y = operator(torch.ones(2, *SHAPE, device=device))
    options = {"iterations": 15, "regularizer": TV(0.05), "constraint": NonNegative()}
    solve = partial(getattr(solvers, solver), operator, **options, **INNER[solver])
    full = solve(y).x
    half = solve(y, projection_dtype=low).x
    assert half.dtype == torch.float32
    assert relative_l2(half, full) <= tolerance
    stored = solve(y.to(low)).x
    assert stored.dtype == torch.float32
    assert relative_l2(stored, full) <= tolerance


A_BAD = PARALLEL.build(5, 3)
Y_BAD = torch.ones(A_BAD.range_shape)


@pytest.mark.parametrize("solver", INNER)
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"regularizer": 0.1}, TypeError, "regularizer must be a torch_radon"),
        ({"constraint": torch.relu}, TypeError, "constraint must be a torch_radon"),
        ({"regularizer": TV(torch.ones(4, 1, 1))}, ValueError, "weight must have leading"),
        ({"iterations": 0}, ValueError, "iterations must be at least 1"),
        ({"x0": torch.zeros(3, 3)}, ValueError, "x0 must have shape"),
        ({"speed": 3}, TypeError, "unknown option speed"),
        ({"regularizer": L1(0.1, linear.Gradient((3, 3)))}, ValueError, r"\(3, 3\)"),
    ],
)
def test_bad_input(solver, options, error, message):
    options = {"iterations": 2, "regularizer": TV(0.1), **options}
    with pytest.raises(error, match=message):
        getattr(solvers, solver)(A_BAD, Y_BAD, **options)


@pytest.mark.parametrize("solver", ["pdhg", "admm"])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"data_term": "poisson"}, TypeError, "data_term must be a torch_radon.solvers"),
        (
            {"data_term": solvers.LeastSquares(torch.ones(3, 3))},
            ValueError,
            "weights must have shape",
        ),
        ({"data_term": solvers.LeastAbsolute(-Y_BAD)}, ValueError, "weights must not be negative"),
        ({"data_term": solvers.Poisson(-1.0)}, ValueError, "background must"),
        ({"data_term": solvers.Poisson(-Y_BAD)}, ValueError, "background must not be negative"),
    ],
)
def test_bad_data_terms(solver, options, error, message):
    with pytest.raises(error, match=message):
        getattr(solvers, solver)(A_BAD, Y_BAD, iterations=2, regularizer=TV(0.1), **options)


@pytest.mark.parametrize("solver", ["pdhg", "admm"])
def test_negative_counts_are_refused(solver):
    options = {"iterations": 2, "regularizer": TV(0.1), "data_term": solvers.Poisson()}
    with pytest.raises(ValueError, match="y must not be negative"):
        getattr(solvers, solver)(A_BAD, Y_BAD - 2, **options)
