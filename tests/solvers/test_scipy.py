"""The Krylov solvers against SciPy's, iteration by iteration."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import cg, lsqr

from cases import PROJECTORS, walk
from measures import relative_l2
from solvers.systems import data, iterates
from torch_radon import solvers
from torch_radon.linear import Identity


@walk(PROJECTORS)
@pytest.mark.parametrize("damping", [0.0, 0.6])
def test_cgls_is_lsqr(case, damping, device, rng):
    A, matrix = case.build(10, 8), case.dense(10, 8)
    y = data(A, 1, rng)[0]
    # Both methods lose digits from iteration to iteration, each in its own way.
    found = iterates(solvers.cgls, A.to(device), torch.from_numpy(y).to(device), 8, damping=damping)
    for k in (1, 4, 8):
        expected = lsqr(matrix, y.ravel(), damp=damping, iter_lim=k, atol=0, btol=0, conlim=0)[0]
        assert relative_l2(found[k - 1], expected) <= 1e-9


@walk(PROJECTORS)
def test_conjugate_gradient_is_cg(case, device, rng):
    A, matrix = case.build(10, 8), case.dense(10, 8)
    normal = matrix.T @ matrix + 2 * np.eye(matrix.shape[1])
    right = rng.standard_normal(A.domain_shape)
    operator = (A.T @ A + 2.0 * Identity(A.domain_shape)).to(device)
    given = torch.from_numpy(right).to(device)
    found = iterates(solvers.conjugate_gradient, operator, given, 12)
    for k in (1, 5, 12):
        expected = cg(normal, right.ravel(), rtol=0, atol=0, maxiter=k)[0]
        assert relative_l2(found[k - 1], expected) <= 1e-9


def test_the_tolerance_of_conjugate_gradient_is_scipys(device, rng):
    A = PROJECTORS[0].build(10, 8)
    matrix = PROJECTORS[0].dense(10, 8)
    normal = matrix.T @ matrix + 2 * np.eye(matrix.shape[1])
    right = rng.standard_normal(A.domain_shape)
    steps: list[object] = []
    cg(normal, right.ravel(), rtol=1e-6, atol=0, callback=steps.append)
    operator = (A.T @ A + 2.0 * Identity(A.domain_shape)).to(device)
    result = solvers.conjugate_gradient(
        operator, torch.from_numpy(right).to(device), iterations=100, tolerance=1e-6
    )
    assert int(result.iterations) == len(steps)
