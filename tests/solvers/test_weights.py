"""Row and column sums, Poisson weights, and the diagonal preconditioner."""

import numpy as np
import pytest
import torch

from cases import PROJECTORS, walk
from matrices import Matrix
from measures import relative_max
from torch_radon import solvers


@walk(PROJECTORS)
def test_are_one_over_the_sums_of_the_matrix(case, device):
    A, matrix = case.build(12, 7).to(device), case.dense(12, 7)
    like = torch.empty((), dtype=torch.float64, device=device)
    for found, sums in (
        (solvers.row_weights(A, like), matrix.sum(1)),
        (solvers.column_weights(A, like), matrix.sum(0)),
    ):
        expected = np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0)
        assert relative_max(found.flatten(), expected) < 1e-10


def test_rays_and_pixels_that_see_nothing_weigh_nothing():
    A = Matrix(torch.tensor([[1.0, 0.0, 3.0], [0.0, 0.0, 0.0]]))
    like = torch.empty(())
    assert solvers.row_weights(A, like).tolist() == [0.25, 0.0]
    assert solvers.column_weights(A, like).tolist() == [1.0, 0.0, pytest.approx(1 / 3)]


@walk(PROJECTORS)
def test_the_diagonal_preconditioner_majorises(case):
    """P^-1 - A'WA has no negative eigenvalue, so that steps of 1 never overshoot."""
    A, matrix = case.build(8, 9), case.dense(8, 9)
    generator = np.random.default_rng(1)
    weights = generator.uniform(0, 2, A.range_shape)
    given = torch.from_numpy(weights)
    P = solvers.diagonal_preconditioner(A, given).flatten().numpy()
    normal = matrix.T @ (weights.ravel()[:, None] * matrix)
    seen = normal.sum(1) > 0
    assert np.linalg.eigvalsh(np.diag(1 / P[seen]) - normal[np.ix_(seen, seen)]).min() > -1e-9
    assert (P > 0).all()


def test_the_diagonal_preconditioner_of_every_item():
    A = PROJECTORS[1].build(8, 9)
    weights = torch.rand(3, *A.range_shape, generator=torch.Generator().manual_seed(1))
    found = solvers.diagonal_preconditioner(A, weights)
    assert found.shape == (3, *A.domain_shape)
    torch.testing.assert_close(found[1], solvers.diagonal_preconditioner(A, weights[1]))


def test_poisson_weights_are_inverse_variances():
    """Against the variance of many simulated counts."""
    generator = torch.Generator().manual_seed(7)
    y = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    counts = torch.poisson(1e5 * torch.exp(-y).expand(100_000, 3), generator=generator)
    variance = torch.log(counts / 1e5).var(0)
    torch.testing.assert_close(solvers.poisson_weights(y, 1e5), 1 / variance, rtol=0.02, atol=0)


def test_poisson_weights_take_photons_of_every_ray_and_refuse_nonsense():
    y = torch.zeros(2, 3, dtype=torch.float16)
    photons = torch.tensor([[1.0], [2.0]])
    weights = solvers.poisson_weights(y, photons)
    assert weights.tolist() == [[1.0] * 3, [2.0] * 3]
    assert weights.dtype == torch.float32
    with pytest.raises(TypeError, match=r"y must be of a real floating-point type.*int64"):
        solvers.poisson_weights(torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ValueError, match="photons must be positive, got -1"):
        solvers.poisson_weights(y, -1.0)


def test_the_diagonal_preconditioner_wants_an_operator():
    with pytest.raises(TypeError, match="A must be a LinearOperator, got Tensor"):
        solvers.diagonal_preconditioner(torch.eye(3))  # type: ignore[arg-type]
