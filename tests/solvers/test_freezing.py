"""Items that have stopped, beside items that go on, with and without somebody who looks."""

import warnings

import pytest
import torch

from matrices import Matrix, random_matrix
from solvers.systems import PARALLEL, ROWS, SIDE, VIEWS
from torch_radon import solvers
from torch_radon.solvers import Stop

names = pytest.mark.parametrize("name", ROWS)


def solve(name, A, y, **options):
    function, _, own = ROWS[name]
    return function(A, y, **own, **options)


@pytest.fixture
def A(device):
    return PARALLEL.build(SIDE, VIEWS).to(device)


def projections(A, device):
    """Of images that are far from and near to the start of ones."""
    size = 3 * A.domain_shape[0] * A.domain_shape[1]
    images = torch.linspace(0.2, 2, size, dtype=torch.float64, device=device)
    images = images.reshape(3, *A.domain_shape)
    images[1] = 1 + 1e-4 * images[1]
    return A(images)


def assert_same(a, b):
    for one, other in ((a.x, b.x), (a.residuals, b.residuals)):
        assert torch.equal(one.nan_to_num(-1), other.nan_to_num(-1))
    assert torch.equal(a.iterations, b.iterations)
    assert torch.equal(a.converged, b.converged)
    assert torch.equal(a.status, b.status)


@names
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["fp64", "fp32"])
def test_a_callback_changes_nothing(name, dtype, A, device):
    y = projections(A, device).to(dtype)
    start = torch.ones(A.domain_shape, dtype=dtype, device=device)
    options = {"iterations": 8, "x0": start, "tolerance": 1e-3}
    plain = solve(name, A, y, **options)
    assert plain.iterations.unique().numel() > 1
    told = []
    watched = solve(name, A, y, **options, callback=lambda k, x, r: told.append((x, r)))
    assert_same(plain, watched)
    for k, (x, residual) in enumerate(told, 1):
        assert torch.equal(residual, watched.residuals[k])
        # Images that were kept are still what they were.
        assert torch.equal(x, solve(name, A, y, **{**options, "iterations": k}).x)


@names
def test_with_and_without_derivatives_the_result_is_the_same(name, A, device):
    y = projections(A, device)
    start = torch.ones(A.domain_shape, dtype=y.dtype, device=device)
    options = {"iterations": 8, "x0": start, "tolerance": 1e-3}
    plain = solve(name, A, y, **options)
    recorded = solve(name, A, y.clone().requires_grad_(), **options)
    assert recorded.x.requires_grad
    assert_same(plain, recorded)
    assert not recorded.residuals.requires_grad


def indefinite():
    """A matrix and right-hand sides of which one is solved, one breaks down, and one goes on."""
    A = Matrix(torch.diag(torch.tensor([1.0, 2.0, 3.0, -4.0], dtype=torch.float64)))
    y = torch.tensor([[0, 1.0, 0, 0], [0, 1, 0, 2], [1, 1, 1, 0]], dtype=torch.float64)
    return A, y


def test_a_breakdown_is_told_when_and_where_it_was():
    A, y = indefinite()
    results = []
    for callback in (None, lambda *_: None):
        with pytest.warns(solvers.DivergenceWarning, match="1 of 3 items; item 1 broke down"):
            results.append(
                solvers.conjugate_gradient(A, y, iterations=6, tolerance=1e-12, callback=callback)
            )
    assert_same(*results)
    assert results[0].status.tolist() == [Stop.CONVERGED, Stop.BREAKDOWN, Stop.CONVERGED]
    assert results[0].iterations.tolist() == [1, 1, 3]
    assert torch.equal(results[0].x[1], torch.zeros(4, dtype=torch.float64))


class Spoiled(Matrix):
    """Returns NaN for the second item from its third application on."""

    def _apply_batch(self, x):
        result = super()._apply_batch(x)
        if len(self.batches) >= 3:
            result[1] = float("nan")
        return result


@pytest.mark.parametrize("name", ["landweber", "cgls"])
@pytest.mark.parametrize("recorded", [False, True], ids=["plain", "recorded"])
def test_nan_of_one_item_stays_with_it(name, recorded):
    matrix = random_matrix(9, 4, seed=1)
    y = random_matrix(3, 9, seed=2).requires_grad_(recorded)
    options = {"step": 0.01} if name == "landweber" else {}
    solve = getattr(solvers, name)
    with pytest.warns(solvers.DivergenceWarning, match="1 of 3 items; item 1 diverged"):
        result = solve(Spoiled(matrix), y, iterations=7, **options)
    count = int(result.iterations[1])
    assert result.residuals[count, 1].isnan()
    assert torch.isfinite(result.x).all()
    sound = solve(Matrix(matrix), y, iterations=7, **options)
    assert torch.equal(result.x[::2], sound.x[::2])
    before = solve(Matrix(matrix), y, iterations=count - 1, **options)
    assert torch.equal(result.x[1], before.x[1])
    if recorded:
        found, expected = (torch.autograd.grad(r.x.sum(), y)[0][::2] for r in (result, sound))
        assert torch.equal(found, expected)


@pytest.mark.parametrize("name", ["landweber", "cgls"])
def test_transforms_in_single_precision(name, A, device):
    """Where numbers are converted between float64 and the type of the images."""
    y = projections(A, device).float()
    options = {"step": 0.01} if name == "landweber" else {}

    def reconstruct(y):
        return solve(name, A, y, iterations=3, **options).x

    plain = reconstruct(y)
    torch.testing.assert_close(torch.func.vmap(reconstruct)(y), plain)
    compiled = torch.compile(reconstruct, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(y), plain)
    # What is computed from data is homogeneous of degree one: its derivative there is itself.
    tangent = torch.func.jvp(reconstruct, (y,), (y,))[1]
    torch.testing.assert_close(tangent, plain, rtol=1e-3, atol=1e-4)
    y.requires_grad_()
    value = reconstruct(y)
    (gradient,) = torch.autograd.grad((value * plain).sum(), y)
    torch.testing.assert_close((gradient * y).sum(), (plain * plain).sum(), rtol=1e-3, atol=0)


def test_zero_residuals_stop_without_a_tolerance():
    """Whole numbers, so that one step meets the data exactly."""
    A = Matrix(torch.eye(4, dtype=torch.float64))
    y = torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]], dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for solver in (solvers.cgls, solvers.conjugate_gradient):
            result = solver(A, y, iterations=5)
            assert torch.equal(result.x, y)
            assert result.iterations.tolist() == [1, 0]
            assert result.converged.all()
            assert (result.residuals[1:] == 0).all()
