"""Iterations that grow are found, stopped and spoken of."""

import warnings

import pytest
import torch

from matrices import Matrix
from solvers.systems import PARALLEL, SIDE, VIEWS
from torch_radon import solvers
from torch_radon.linear import operator_norm
from torch_radon.regularization import Box
from torch_radon.solvers import DivergenceWarning, Stop


@pytest.fixture
def A(device):
    return PARALLEL.build(SIDE, VIEWS).to(device)


@pytest.fixture
def y(A, device):
    return A(torch.ones(2, *A.domain_shape, dtype=torch.float64, device=device))


@pytest.mark.parametrize("excess", [1.02, 1.5, 10.0, 1e30])
def test_a_step_that_is_too_large(excess, A, y):
    step = 2 * excess / operator_norm(A, safety=1.0) ** 2
    with pytest.warns(DivergenceWarning, match="2 of 2 items; item 0 diverged: residual") as caught:
        result = solvers.landweber(A, y, iterations=60, step=step)
    # The warning points at the line that called the solver.
    assert caught[0].filename == __file__
    assert (result.status == Stop.DIVERGED).all()
    assert not result.converged.any()
    assert torch.isfinite(result.x).all()
    assert "diverged" in result.reasons[1]


def test_the_largest_step_converges(A, y):
    step = 1.99 / operator_norm(A, safety=1.0) ** 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = solvers.landweber(A, y, iterations=60, step=step)
    assert (result.residuals.diff(dim=0) <= 0).all()


def test_items_that_diverge_leave_the_others_alone():
    """The same step for two items of which one lies in the kernel of what diverges."""
    A = Matrix(torch.diag(torch.tensor([1.0, 3.0], dtype=torch.float64)))
    y = torch.tensor([[1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    with pytest.warns(DivergenceWarning, match="1 of 2 items; item 1 diverged"):
        result = solvers.landweber(A, y, iterations=40, step=0.5, tolerance=1e-6)
    assert result.status.tolist() == [Stop.CONVERGED, Stop.DIVERGED]
    torch.testing.assert_close(result.x[0], y[0], atol=2e-6, rtol=0)
    # The last iterate before the residual passed the limit of 1000, and where it went.
    before = (A(result.x[1]) - y[1]).norm() / y[1].norm()
    assert before <= 1e3 < result.residuals[-1, 1]


def test_an_operator_that_returns_nan(A, y):
    class Broken(Matrix):
        def _adjoint_batch(self, y):
            return super()._adjoint_batch(y) * float("nan")

    broken = Broken(torch.eye(3))
    with pytest.warns(DivergenceWarning, match="diverged: residual nan after 1 iteration"):
        result = solvers.landweber(broken, torch.ones(3), iterations=3, step=0.5)
    assert torch.isfinite(result.x).all()


def test_a_step_that_is_too_large_within_bounds(A, y):
    """Bounds keep the iterates finite, but their residual grows all the same."""
    step = 8 / operator_norm(A, safety=1.0) ** 2
    with pytest.warns(DivergenceWarning, match="diverged"):
        solvers.landweber(A, 0.01 * y, iterations=20, step=step, constraint=Box(0.0, 1.0))


def test_a_function_as_constraint_may_do_what_it_likes(A, y):
    """A denoiser in the loop makes the residual rise at some point, which is no divergence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = solvers.sirt(A, y, iterations=30, constraint=lambda x: 0.9 * x)
    assert (result.residuals.diff(dim=0) > -1).all()
    assert (result.status == Stop.ITERATIONS).all()


@pytest.mark.parametrize("constraint", [None, torch.relu, Box(-0.1, 0.3)])
def test_landweber_and_sirt_never_grow(constraint, A, rng, device):
    y = torch.from_numpy(rng.standard_normal((3, *A.range_shape))).to(device)
    for solve in (solvers.landweber, solvers.sirt):
        result = solve(A, y, iterations=80, constraint=constraint)
        assert (result.residuals.diff(dim=0) <= 1e-14).all()


def test_the_likelihood_of_em_never_falls(A, rng, device):
    y = torch.from_numpy(rng.poisson(3.0, (3, *A.range_shape)).astype(float)).to(device)
    values = []

    def remember(k, x, residual):
        expected = A(x)
        log = torch.xlogy(y, expected.clamp_min(1e-300))
        values.append((log - expected).flatten(1).sum(1))

    solvers.mlem(A, y, iterations=40, callback=remember)
    steps = torch.stack(values).diff(dim=0)
    assert (steps >= -1e-10).all()
    assert (steps[0] > 0).all()


def test_the_distance_of_cgls_never_grows(A, rng, device):
    y = torch.from_numpy(rng.standard_normal((3, *A.range_shape))).to(device)
    values = []

    def remember(k, x, residual):
        values.append((A(x) - y).flatten(1).norm(dim=1))

    solvers.cgls(A, y, iterations=20, callback=remember)
    assert (torch.stack(values).diff(dim=0) <= 1e-12).all()
