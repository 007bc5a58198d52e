"""operator_norm: against dense singular values, and the same every time."""

import numpy as np
import pytest
import torch

from cases import CASES, walk
from matrices import Matrix, random_matrix
from torch_radon.linear import Diagonal, Gradient, Stack, operator_norm
from torch_radon.linear.norm import largest_eigenvalue


@walk(CASES)
def test_is_the_largest_singular_value(case, device):
    A = case.build(14, 9).to(device)
    expected = np.linalg.norm(case.dense(14, 9), 2)
    assert operator_norm(A, safety=1.0, dtype=torch.float64) == pytest.approx(expected, rel=1e-6)
    assert operator_norm(A, safety=1.0) == pytest.approx(expected, rel=1e-5)
    assert operator_norm(A) == pytest.approx(1.01 * expected, rel=1e-5)
    assert operator_norm(A.T, safety=1.0) == pytest.approx(expected, rel=1e-5)


def test_approaches_from_below():
    matrix = random_matrix(30, 40, seed=3)
    expected = float(torch.linalg.matrix_norm(matrix, 2))
    found = [
        operator_norm(Matrix(matrix), iterations=k, safety=1.0, dtype=torch.float64)
        for k in (1, 2, 4, 8, 16, 30)
    ]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(expected, rel=1e-10)
    assert found[-1] <= expected * (1 + 1e-12)


class Unknown(Gradient):
    """A gradient that has forgotten its norm."""

    norm_bound = None  # type: ignore[assignment]


@pytest.mark.parametrize("shape", [(50, 70), (12, 14, 16)])
@pytest.mark.parametrize(("iterations", "error"), [(10, 0.015), (20, 0.004), (40, 0.0015)])
def test_the_error_on_differences_is_what_is_documented(shape, iterations, error):
    D = Unknown(shape)
    found = operator_norm(D, iterations=iterations, safety=1.0)
    expected = Gradient(shape).norm_bound
    assert (1 - error) * expected < found <= expected * (1 + 1e-6)


def test_stacks_of_what_is_known_and_what_is_not():
    A = Matrix(random_matrix(9, 12, seed=1), domain_shape=(3, 4))
    D = Gradient((3, 4))
    matrix = torch.cat([A.matrix, torch.from_numpy(_dense(D))])
    expected = float(torch.linalg.matrix_norm(matrix, 2))
    assert operator_norm(Stack(A, D), safety=1.0) == pytest.approx(expected, rel=1e-5)


def _dense(operator):
    return operator(torch.eye(12, dtype=torch.float64).reshape(12, 3, 4)).reshape(12, -1).T.numpy()


def test_is_the_same_every_time():
    A = Matrix(random_matrix(30, 40, seed=3))
    torch.manual_seed(1)
    first = operator_norm(A, iterations=2)
    torch.manual_seed(2)
    assert operator_norm(A, iterations=2) == first


def test_operators_that_see_nothing_or_little():
    assert operator_norm(Matrix(torch.zeros(3, 4))) == 0
    ranks = torch.zeros(5, 5, dtype=torch.float64)
    ranks[0, 0] = 3
    assert operator_norm(Matrix(ranks), safety=1.0) == pytest.approx(3, rel=1e-5)


def test_with_a_preconditioner_and_for_every_item():
    """The largest eigenvalue of P M, from the dense, unsymmetric matrix."""
    root, factors = random_matrix(20, 20, seed=5), random_matrix(1, 20, seed=6)[0].abs() + 0.1
    M = root @ root.T
    scales = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    start = torch.rand(2, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = largest_eigenvalue(
        lambda v: scales * (v @ M), start, 20, precondition=Diagonal(factors)
    )
    expected = torch.linalg.eigvals(torch.diag(factors) @ M).real.max()
    torch.testing.assert_close(found, scales[:, 0] * expected, rtol=1e-9, atol=0)


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="A must be a LinearOperator, got Tensor"):
        operator_norm(torch.eye(3))  # type: ignore[arg-type]
    A = Matrix(torch.eye(3))
    with pytest.raises(ValueError, match="iterations must be at least 1, got 0"):
        operator_norm(A, iterations=0)
    with pytest.raises(ValueError, match="safety must be positive, got -1"):
        operator_norm(A, safety=-1.0)
