"""Derivatives of reconstructions: through all iterations, and of the solution itself."""

import gc
import weakref
from typing import Any

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from cases import PROJECTORS
from matrices import Matrix, random_matrix
from measures import relative_l2
from solvers.systems import PARALLEL, ROWS, data
from torch_radon import solvers
from torch_radon.linear import Diagonal, Gradient, Identity


@pytest.fixture
def A(device):
    return PARALLEL.build(5, 4).to(device)


@pytest.fixture
def y(A, device, rng):
    values = torch.from_numpy(data(PARALLEL.build(5, 4), 2, rng)).to(device)
    # Away from the kink of mlem at 0 counts.
    return (values + 0.5).requires_grad_()


def solve(name, A, y, **options):
    function, _, own = ROWS[name]
    return function(A, y, **own, **options)


@pytest.mark.parametrize("name", ["landweber", "cgls", "sirt", "mlem"])
def test_unrolled(name, A, y):
    assert gradcheck(lambda y: solve(name, A, y, iterations=3).x, (y,))


@pytest.mark.parametrize("name", ["os_sart", "osem"])
def test_unrolled_with_subsets(name, A, y):
    function = getattr(solvers, name)
    assert gradcheck(lambda y: function(A, y, iterations=2, subsets=2).x, (y,))


def test_unrolled_conjugate_gradient(A, y, device):
    operator = A.T @ A + 2.0 * Identity(A.domain_shape)
    right = A.T(y).detach().requires_grad_()
    assert gradcheck(lambda b: solvers.conjugate_gradient(operator, b, iterations=3).x, (right,))


@pytest.mark.parametrize("name", ["landweber", "cgls"])
def test_unrolled_twice_and_in_forward_mode(name, A, y):
    def function(y):
        return solve(name, A, y, iterations=2).x

    one = y.detach()[:1].requires_grad_()
    assert gradcheck(function, (one,), check_forward_ad=True)
    assert gradgradcheck(function, (one,), fast_mode=True)


def test_unrolled_with_respect_to_everything(A, y):
    weights = torch.rand_like(y).add(0.5).requires_grad_()
    start = torch.rand(A.domain_shape, dtype=y.dtype, device=y.device).requires_grad_()
    damping = torch.tensor([0.3, 0.8], dtype=y.dtype, device=y.device).requires_grad_()

    def function(y, weights, start, damping):
        return solvers.cgls(A, y, iterations=3, weights=weights, x0=start, damping=damping).x

    assert gradcheck(function, (y, weights, start, damping))


def test_frozen_items_have_the_derivatives_of_their_last_iterate(A, y):
    plain = solvers.landweber(A, y, iterations=6)
    tolerance = float(plain.residuals[2].max()) * 1.0001
    result = solvers.landweber(A, y, iterations=6, tolerance=tolerance)
    count = int(result.iterations[0])
    assert 0 < count < 6
    (found,) = torch.autograd.grad(result.x[0].square().sum(), y)
    early = solvers.landweber(A, y, iterations=count).x[0]
    (expected,) = torch.autograd.grad(early.square().sum(), y)
    torch.testing.assert_close(found, expected)
    assert torch.isfinite(found).all()


def test_data_of_zeros_have_finite_derivatives(A):
    for name in ("landweber", "cgls", "sirt"):
        zeros = torch.zeros(A.range_shape, dtype=torch.float64, device=next(A.buffers()).device)
        zeros.requires_grad_()
        (found,) = torch.autograd.grad(solve(name, A, zeros, iterations=3).x.sum(), zeros)
        assert torch.isfinite(found).all()


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("every", [1, 3, 50])
def test_checkpoints_change_nothing(name, every, device, rng):
    A = PARALLEL.build(8, 12).to(device)
    y = torch.from_numpy(data(PARALLEL.build(8, 12), 2, rng)).to(device).requires_grad_()
    calls: list[int] = []
    plain = solve(name, A, y, iterations=7)
    result = solve(
        name,
        A,
        y,
        iterations=7,
        checkpoint_every=every,
        callback=lambda k, *_: calls.append(k),
    )
    assert torch.equal(plain.x, result.x)
    assert torch.equal(plain.residuals, result.residuals)
    grads = [torch.autograd.grad(r.x.square().sum(), y)[0] for r in (plain, result)]
    assert torch.equal(*grads)
    # The backward pass iterates again, but tells nobody.
    assert calls == list(range(1, 8))


def test_checkpoints_and_an_early_end(A, y):
    count: list[int] = []
    options: dict[str, Any] = {"iterations": 40, "tolerance": 0.3, "check_every": 1}
    plain = solvers.landweber(A, y, **options)
    result = solvers.landweber(
        A, y, checkpoint_every=4, callback=lambda k, *_: count.append(k), **options
    )
    assert len(count) == int(result.iterations.max()) < 40
    grads = [torch.autograd.grad(r.x.square().sum(), y)[0] for r in (plain, result)]
    assert torch.equal(*grads)


def test_checkpoints_bound_the_memory(A, y):
    """Every iteration keeps several vectors, a checkpoint keeps one state for all of a segment."""
    alive: list[Any] = []

    class Watched(Matrix):
        def _apply_batch(self, x):
            image = super()._apply_batch(x)
            alive.append(weakref.ref(image))
            return image

    operator = Watched(random_matrix(40, 20, seed=1))
    right = random_matrix(1, 40, seed=2).requires_grad_()

    def images_alive(**options):
        alive.clear()
        result = solvers.cgls(operator, right, iterations=24, **options)
        gc.collect()
        count = sum(ref() is not None for ref in alive)
        assert result.x.requires_grad
        return count

    assert images_alive() == 24
    assert images_alive(checkpoint_every=6) == 0


OPTIONS: dict[str, Any] = {"iterations": 30, "differentiate": "implicit"}


def check(function, inputs):
    """Compare derivatives along random directions, for every one costs two solves."""
    return gradcheck(function, inputs, fast_mode=True)


def test_implicit_conjugate_gradient(A, y):
    operator = A.T @ A + 2.0 * Identity(A.domain_shape)
    right = A.T(y).detach().requires_grad_()
    assert check(lambda b: solvers.conjugate_gradient(operator, b, **OPTIONS).x, (right,))


def test_implicit_cgls(A, y):
    assert check(lambda y: solvers.cgls(A, y, damping=1.0, **OPTIONS).x, (y,))


def test_implicit_with_respect_to_weights_and_damping(A, y):
    D = Gradient(A.domain_shape)
    weights = torch.rand_like(y).add(0.5).requires_grad_()
    damping = torch.tensor([0.9, 1.4], dtype=y.dtype, device=y.device).requires_grad_()

    def function(y, weights, damping):
        system: dict[str, Any] = {"weights": weights, "damping": damping, "damping_operator": D}
        return solvers.cgls(A, y, **system, **OPTIONS).x

    assert check(function, (y, weights, damping))


def test_implicit_with_respect_to_what_the_operator_holds(A, y):
    values = torch.rand(A.domain_shape, dtype=y.dtype, device=y.device).add(0.5).requires_grad_()

    def function(values):
        return solvers.cgls(A @ Diagonal(values), y.detach(), damping=1.0, **OPTIONS).x

    assert check(function, (values,))


def test_implicit_is_the_closed_form(device):
    """d/dy of (A'A + c^2)^-1 A' y, from a dense inverse."""
    case = PROJECTORS[1]
    A, matrix = case.build(6, 5).to(device), torch.from_numpy(case.dense(6, 5)).to(device)
    y = torch.rand(A.range_shape, dtype=torch.float64, device=device).requires_grad_()
    x = solvers.cgls(A, y, damping=0.5, **OPTIONS).x
    g = torch.rand_like(x)
    (found,) = torch.autograd.grad(x, y, g)
    normal = matrix.T @ matrix + 0.25 * torch.eye(matrix.shape[1], device=device).double()
    expected = matrix @ torch.linalg.solve(normal, g.flatten())
    assert relative_l2(found.flatten(), expected) < 1e-10
    unrolled = solvers.cgls(A, y, damping=0.5, iterations=30).x
    assert torch.equal(unrolled, x)


def test_implicit_derivatives_do_not_depend_on_the_start(A, y):
    """Without any iteration the value is the start, and the derivative is the solution's."""
    solution = solvers.cgls(A, y.detach(), damping=1.0, iterations=80).x
    x = solvers.cgls(A, y, x0=solution, damping=1.0, tolerance=1e-9, **OPTIONS)
    assert (x.iterations == 0).all()
    (found,) = torch.autograd.grad(x.x.sum(), y)
    cold = solvers.cgls(A, y, damping=1.0, **OPTIONS).x
    (expected,) = torch.autograd.grad(cold.sum(), y)
    torch.testing.assert_close(found, expected)


def test_implicit_keeps_no_iterates_and_calls_back_once(A, y):
    calls: list[int] = []
    result = solvers.cgls(
        A, y, damping=1.0, callback=lambda k, *_: calls.append(k), progress=False, **OPTIONS
    )
    result.x.sum().backward()
    assert calls == list(range(1, 31))
    assert not result.residuals.requires_grad


def test_implicit_derivatives_are_of_first_order(A, y):
    g = torch.ones(2, *A.domain_shape, dtype=y.dtype, device=y.device, requires_grad=True)
    x = solvers.cgls(A, y, damping=1.0, **OPTIONS).x
    (first,) = torch.autograd.grad(x, y, g, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()
