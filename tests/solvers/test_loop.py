"""What all solvers share: batches, stopping item by item, callbacks, progress, and no waiting."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import torch_radon as tr
from matrices import Matrix, random_matrix
from solvers.systems import PARALLEL, ROWS, SIDE, VIEWS, data
from torch_radon import solvers
from torch_radon.solvers import Stop

names = pytest.mark.parametrize("name", ROWS)


def solve(name, A, y, **options):
    function, _, own = ROWS[name]
    return function(A, y, **own, **options)


@pytest.fixture
def A(device):
    return PARALLEL.build(SIDE, VIEWS).to(device)


@pytest.fixture
def y(A, device, rng):
    return torch.from_numpy(data(PARALLEL.build(SIDE, VIEWS), 6, rng)).to(device)


def _ramp(A):
    """A positive image that differs from pixel to pixel."""
    device = next(A.buffers()).device
    size = int(np.prod(A.domain_shape))
    return torch.linspace(0.5, 1.5, size, dtype=torch.float64, device=device).reshape(
        A.domain_shape
    )


@names
@pytest.mark.parametrize("leading", [(), (1,), (2, 3), (0,), (2, 0)], ids=str)
def test_leading_dimensions_come_back_as_they_were(name, leading, A, y):
    items = int(np.prod(leading))
    batch = y[:items].reshape(*leading, *A.range_shape)
    result = solve(name, A, batch, iterations=3)
    assert result.x.shape == (*leading, *A.domain_shape)
    assert result.iterations.shape == result.converged.shape == result.status.shape == leading
    assert result.residuals.shape == (4, *leading)
    assert len(result.reasons) == items
    for index, vector in enumerate(batch.reshape(-1, *A.range_shape)):
        alone = solve(name, A, vector, iterations=3)
        torch.testing.assert_close(result.x.reshape(-1, *A.domain_shape)[index], alone.x)
        torch.testing.assert_close(result.residuals.reshape(4, -1)[:, index], alone.residuals)


def test_a_large_batch(A, y):
    batch = torch.cat([y] * 6)[:33]
    result = solvers.cgls(A, batch, iterations=3)
    torch.testing.assert_close(result.x[32], solvers.cgls(A, y[2], iterations=3).x)


@names
def test_strides_do_not_matter_and_nothing_given_is_changed(name, A, y):
    turned = y.transpose(-1, -2).contiguous().transpose(-1, -2)
    start = torch.full(A.domain_shape, 0.5, dtype=y.dtype, device=y.device)
    before = (turned.clone(), start.clone())
    result = solve(name, A, turned, iterations=3, x0=start)
    expected = solve(name, A, y, iterations=3, x0=start)
    assert torch.equal(result.x, expected.x)
    assert torch.equal(turned, before[0])
    assert torch.equal(start, before[1])
    assert result.x.data_ptr() != start.data_ptr()


@names
def test_each_item_stops_by_itself_and_stays_as_it_was(name, A):
    truth = _ramp(A)
    both = A(torch.stack([truth, truth.flip(-1)]))
    near = torch.stack([1.003 * truth + 0.001, torch.ones_like(truth)])
    plain = solve(name, A, both, iterations=5, x0=near)
    history = plain.residuals
    tolerance = float(history[2, 0])
    assert float(history[1:, 1].min()) > tolerance
    count = int((history[:, 0] <= tolerance).nonzero()[0])
    assert count > 0
    result = solve(name, A, both, iterations=5, x0=near, tolerance=tolerance)
    assert result.iterations.tolist() == [count, 5]
    assert result.converged.tolist() == [True, False]
    assert result.status.tolist() == [Stop.CONVERGED, Stop.ITERATIONS]
    early = solve(name, A, both, iterations=count, x0=near)
    assert torch.equal(result.x[0], early.x[0])
    assert torch.equal(result.x[1], plain.x[1])
    assert torch.equal(result.residuals[: count + 1], plain.residuals[: count + 1])
    assert (result.residuals[count:, 0] == result.residuals[count, 0]).all()
    assert result.reasons[0].startswith("converged: residual")
    assert f"after {count} iteration" in result.reasons[0]
    assert result.reasons[1].startswith("did all 5 iterations")
    assert "item 0: converged" in str(result)
    assert "1 iterations, 1 converged" in repr(result)


@names
def test_a_start_that_is_good_enough_is_the_result(name, A, y):
    image = torch.full(A.domain_shape, 0.3, dtype=y.dtype, device=y.device)
    result = solve(name, A, A(image), iterations=3, x0=image, tolerance=1e-6)
    assert result.iterations == 0
    assert result.converged
    assert torch.equal(result.x, image)


@names
def test_data_of_zeros_have_an_image_of_zeros(name, A, y):
    batch = torch.stack([torch.zeros_like(y[0]), y[0]])
    result = solve(name, A, batch, iterations=4)
    assert (result.x[0] == 0).all()
    assert result.residuals[:, 0].tolist() == [0] * 5
    assert result.converged.tolist() == [True, False]
    torch.testing.assert_close(result.x[1], solve(name, A, y[0], iterations=4).x)


@names
def test_residuals_do_not_depend_on_the_scale_of_the_data(name, A, y):
    one, other = (solve(name, A, factor * y, iterations=4) for factor in (1.0, 1e6))
    torch.testing.assert_close(one.residuals, other.residuals)
    torch.testing.assert_close(1e6 * one.x, other.x)


@pytest.mark.parametrize("name", ["landweber", "mlem"])
def test_the_residual_is_the_distance_from_the_data(name, A, y):
    result = solve(name, A, y, iterations=4)
    distance = (A(result.x) - y).flatten(1).norm(dim=1) / y.flatten(1).norm(dim=1)
    torch.testing.assert_close(result.residuals[-1], distance)


def test_the_residual_of_sirt_is_weighted(A, y):
    result = solvers.sirt(A, y, iterations=4)
    R = solvers.row_weights(A, y)

    def size(r):
        return (R * r.square()).flatten(1).sum(1).sqrt()

    torch.testing.assert_close(result.residuals[-1], size(A(result.x) - y) / size(y))


def test_the_residual_of_cgls_is_that_of_the_normal_equations(A, y):
    result = solvers.cgls(A, y, iterations=4, damping=0.5)
    gradient = (A.T(y - A(result.x)) - 0.25 * result.x).flatten(1).norm(dim=1)
    torch.testing.assert_close(result.residuals[-1], gradient / A.T(y).flatten(1).norm(dim=1))


@names
def test_check_every_ends_the_loop_and_changes_nothing_else(name, A, y):
    calls = []
    clean = A(_ramp(A))
    options = {"tolerance": 0.1, "iterations": 60}
    plain = solve(name, A, clean, **options)
    needed = int(plain.iterations)
    assert 0 < needed < 50
    result = solve(name, A, clean, **options, check_every=5, callback=lambda k, *_: calls.append(k))
    done = -(-needed // 5) * 5
    assert calls == list(range(1, done + 1))
    assert len(result.residuals) == done + 1
    assert torch.equal(result.x, plain.x)
    assert torch.equal(result.residuals, plain.residuals[: done + 1])


@names
def test_a_callback_sees_every_iterate_and_can_end_the_loop(name, A, y):
    seen = []
    batch = y.reshape(2, 3, *A.range_shape)

    def callback(k, x, residual):
        assert x.shape == (2, 3, *A.domain_shape)
        assert residual.shape == (2, 3)
        seen.append((k, x.clone(), residual.clone()))
        return k == 4

    result = solve(name, A, batch, iterations=10, callback=callback)
    assert [k for k, _, _ in seen] == [1, 2, 3, 4]
    assert torch.equal(seen[-1][1], result.x)
    assert torch.equal(torch.stack([r for _, _, r in seen]), result.residuals[1:])
    assert (result.status == Stop.CALLBACK).all()
    assert "callback" in result.reasons[0]
    assert torch.equal(seen[1][1], solve(name, A, batch, iterations=2).x)


def test_progress_is_shown_on_request_only(A, y, capsys):
    solvers.landweber(A, y, iterations=5)
    assert capsys.readouterr().err == ""
    solvers.landweber(A, y, iterations=5, progress=True)
    shown = capsys.readouterr().err
    assert "5/5" in shown
    assert "residual" in shown


def test_the_bar_is_closed_when_an_iteration_fails(A, y, capsys):
    def fail(*_):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        solvers.landweber(A, y, iterations=5, progress=True, callback=fail)
    assert "1/5" in capsys.readouterr().err


class NoReading(TorchDispatchMode):
    """Fails when the host asks for a value on the device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert "_local_scalar_dense" not in str(func), "a value was read"
        assert "is_nonzero" not in str(func), "a value was read"
        return func(*args, **(kwargs or {}))


@names
def test_the_loop_reads_nothing(name, A, y):
    with NoReading():
        result = solve(name, A, y, iterations=3, tolerance=0.1)
    torch.testing.assert_close(result.x, solve(name, A, y, iterations=3, tolerance=0.1).x)


def test_reading_would_be_noticed(y):
    with pytest.raises(AssertionError, match="a value was read"), NoReading():
        bool(y.sum() > 0)


@names
def test_under_no_grad_and_in_inference_mode(name, A, y):
    expected = solve(name, A, y, iterations=3).x
    with torch.no_grad():
        assert torch.equal(solve(name, A, y.requires_grad_(), iterations=3).x, expected)
    with torch.inference_mode():
        assert torch.equal(solve(name, A, y.detach(), iterations=3).x, expected)


@pytest.mark.parametrize("name", ["landweber", "cgls", "sirt", "mlem"])
def test_compiles_without_graph_breaks(name, A, y):
    options = {"step": 0.01} if name == "landweber" else {}

    @torch.compile(backend="eager", fullgraph=True)
    def reconstruct(y):
        result = solve(name, A, y, iterations=3, tolerance=0.1, **options)
        return result.x, result.residuals, result.converged

    result = solve(name, A, y, iterations=3, tolerance=0.1, **options)
    found = reconstruct(y)
    for a, b in zip(found, (result.x, result.residuals, result.converged), strict=True):
        torch.testing.assert_close(a, b)


def test_maps_with_vmap(A, y):
    found = torch.func.vmap(lambda y: solvers.cgls(A, y, iterations=3).x)(y)
    torch.testing.assert_close(found, solvers.cgls(A, y, iterations=3).x)


def test_any_operator_will_do():
    operator = Matrix(random_matrix(9, 4, seed=1))
    truth = random_matrix(3, 4, seed=2)
    result = solvers.cgls(operator, operator(truth), iterations=4)
    torch.testing.assert_close(result.x, truth)


def test_results_are_exact_on_exact_data(A, y):
    """Iterating on after convergence must not spoil the result."""
    truth = torch.full(A.domain_shape, 0.3, dtype=torch.float32, device=y.device)
    result = solvers.cgls(A, A(truth), iterations=400)
    assert torch.isfinite(result.x).all()
    assert tr.dot_test(A) < 1e-13
    torch.testing.assert_close(result.x, truth, atol=1e-4, rtol=0)
