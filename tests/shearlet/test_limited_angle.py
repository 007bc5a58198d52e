"""Reconstruction from a wedge of angles: against dense float64, and the figure of the paper."""

import time

import numpy as np
import pytest
import scipy.linalg
import torch

import backends_under_test
from measures import double, relative_l2
from oracles.joseph import joseph_matrix
from oracles.shearlet import symmetrised
from shearlet.limited_angle import P0, P1, experiment, reconstruct


def test_is_what_dense_matrices_give(device: str) -> None:
    """Every inner system solved by Cholesky, shearlets by AlphaTransform's filters and NumPy."""
    side, scales, iterations = 48, 2, 25
    problem = experiment(side, scales, 12, device, torch.float64)
    matrix = joseph_matrix(problem.A.volume, problem.A.scan)
    truth = double(problem.truth).ravel()
    weights = double(problem.weights)
    bank = symmetrised(side, side, [0.5] * scales, real=True, parseval=True)
    factor = scipy.linalg.cho_factor(P0 * matrix.T @ matrix + (1 + P1) * np.eye(side**2))
    seen = P0 * matrix.T @ (matrix @ truth)
    z = u = np.zeros((len(bank), side, side))
    positive = v = np.zeros(side**2)
    image = truth
    for _ in range(iterations):
        back = np.fft.ifft2((bank * np.fft.fft2(z - u)).sum(axis=0)).real.ravel()
        image = scipy.linalg.cho_solve(factor, seen + P1 * back + positive - v)
        coefficients = np.fft.ifft2(bank * np.fft.fft2(image.reshape(side, side))).real
        moved = coefficients + u
        z = np.sign(moved) * np.maximum(abs(moved) - P0 / P1 * weights, 0)
        u = moved - z
        positive, v = np.maximum(image + v, 0), np.minimum(image + v, 0)
    expected = torch.from_numpy(image.reshape(side, side))
    assert relative_l2(reconstruct(problem, iterations), expected) <= 2e-4
    single = experiment(side, scales, 12, device, torch.float32)
    assert relative_l2(reconstruct(single, iterations), expected) <= 2e-4
    assert 0.02 < relative_l2(expected, problem.truth) < 0.5


@pytest.mark.cuda
def test_the_papers_experiment() -> None:
    """9.275 % in the paper; 9.076 % by a float64 reference. It takes minutes on a CPU."""
    backends_under_test.skip_or_fail("cuda")
    problem = experiment(512, 5, 100, "cuda", torch.float32)
    reconstruct(problem, 2)
    torch.cuda.synchronize()
    start = time.perf_counter()
    image = reconstruct(problem, 80)
    torch.cuda.synchronize()
    print(f"{time.perf_counter() - start:.2f} s")
    assert relative_l2(image, problem.truth) <= 0.0915
