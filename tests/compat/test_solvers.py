"""TorchRadon's solvers: Landweber, cg and cgne, against dense solutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from measures import double, entries, relative_max
from oracles import solvers as dense
from torch_radon.compat import ParallelBeam, Radon
from torch_radon.solvers import DivergenceWarning, Landweber, cg, cgne

SIDE = 9
ANGLES = np.linspace(0, np.pi, 12, endpoint=False)


@pytest.fixture
def problem(device: str) -> tuple[Radon, np.ndarray, torch.Tensor, torch.Tensor]:
    radon = Radon(SIDE, ANGLES, 13)
    matrix = entries(radon, torch.float64, device)
    x = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).double()
    x = x.to(device)
    return radon, matrix, x, radon.forward(x)


class Functions:
    """An operator with nothing but TorchRadon's two methods."""

    def __init__(self, matrix: np.ndarray, device: str) -> None:
        self.matrix = torch.from_numpy(matrix).to(device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.flatten(-2) @ self.matrix.T).unflatten(-1, (12, 13))

    def backward(self, y: torch.Tensor) -> torch.Tensor:
        return (y.flatten(-2) @ self.matrix).unflatten(-1, (SIDE, SIDE))


def test_step_of_landweber(problem: tuple, device: str) -> None:
    radon, matrix, _, _ = problem
    expected = 2 / np.linalg.svd(matrix)[1][0] ** 2
    for size in (SIDE, (SIDE, SIDE)):
        found = Landweber(radon).estimate_alpha(size, device)
        assert expected * (1 - 1e-5) <= found <= expected * 1.001
    assert found == Landweber(radon).estimate_alpha(SIDE, device)


@pytest.mark.parametrize("projection", [None, torch.relu])
def test_landweber(problem: tuple, projection: object, device: str) -> None:
    radon, matrix, x, y = problem
    alpha = 1.5 / np.linalg.svd(matrix)[1][0] ** 2
    y = y - 3
    start = 0.3 * x
    before = start.clone()
    for operator in (radon, Functions(matrix, device)):
        solver = Landweber(operator, projection)  # type: ignore[arg-type]
        found, values = solver.run(start, y, alpha, 20, callback=lambda x: x.clone())
        expected = dense.landweber(
            matrix,
            double(y[1, 2]).ravel(),
            20,
            x=double(start[1, 2]).ravel(),
            step=alpha,
            project=(lambda v: v) if projection is None else (lambda v: np.maximum(v, 0)),
        )
        assert len(values) == 20
        assert torch.equal(values[-1], found)
        for one, other in zip(values, expected, strict=True):
            assert relative_max(one[1, 2].flatten(), other) <= 1e-10
    assert torch.equal(start, before)
    assert solver.run(start, y, alpha, 3).shape == x.shape


def test_gradients_pass_landweber_if_asked(problem: tuple) -> None:
    radon, _, _, y = problem
    y = y[0, 0].clone().requires_grad_()
    start = torch.ones(SIDE, SIDE, dtype=y.dtype, device=y.device)
    assert not Landweber(radon).run(start, y, 1e-3, 3).requires_grad
    solver = Landweber(radon, grad=True)
    assert torch.autograd.gradcheck(lambda y: solver.run(start, y, 1e-3, 3), y)


def test_a_step_that_is_too_large_is_reported(problem: tuple) -> None:
    radon, _, x, y = problem
    alpha = 3 * Landweber(radon).estimate_alpha(SIDE, y.device)
    with pytest.warns(DivergenceWarning):
        Landweber(radon).run(torch.zeros_like(x), y, alpha, 30)


def test_cg(problem: tuple) -> None:
    radon, matrix, x, _ = problem
    system = matrix.T @ matrix + 0.5 * np.eye(SIDE**2)

    def forward(v: torch.Tensor) -> torch.Tensor:
        assert v.ndim == 3
        return radon.backward(radon.forward(v)) + 0.5 * v

    y = forward(x.flatten(0, 1)).view_as(x)
    start = torch.full_like(x, 0.2)
    before = start.clone()
    found, values = cg(forward, start, y, callback=lambda v, r: (v, r), max_iter=8, tol=0)
    expected = dense.cg(system, double(y[1, 0]).ravel(), 8, x=double(start[1, 0]).ravel())
    for (image, residual), other in zip(values, expected, strict=True):
        assert image.shape == residual.shape == (6, SIDE, SIDE)
        assert relative_max(image[3].flatten(), other) <= 1e-9
        rest = double(y[1, 0]).ravel() - system @ double(image[3]).ravel()
        np.testing.assert_allclose(double(residual[3]).ravel(), rest, atol=1e-9)
    # The original writes into its start.
    assert torch.equal(start, before)
    assert relative_max(cg(forward, start, y, tol=1e-12), x) <= 1e-9
    assert found.shape == x.shape


def test_items_of_cg_stop_on_their_own(problem: tuple) -> None:
    """The original stops all of them with the first."""
    radon, _, x, _ = problem

    def forward(v: torch.Tensor) -> torch.Tensor:
        return radon.backward(radon.forward(v)) + v

    y = forward(x.flatten(0, 1))
    start = torch.zeros_like(y)
    start[0] = x[0, 0]  # solved already
    found = cg(forward, start, y, tol=1e-8)
    assert torch.equal(found[0], start[0])
    residual = (forward(found) - y).flatten(1).norm(dim=1) / y.flatten(1).norm(dim=1)
    assert float(residual.max()) <= 2e-8
    # An item does not depend on those beside it.
    assert relative_max(cg(forward, start[3:4], y[3:4], tol=1e-8), found[3:4]) <= 1e-12


@pytest.mark.parametrize("kind", ["radon", "beam", "functions"])
def test_cgne(problem: tuple, kind: str, device: str) -> None:
    radon, matrix, x, y = problem
    y = y + 0.1 * torch.rand(y.shape, generator=torch.Generator().manual_seed(2)).to(y)
    operator = {
        "radon": lambda: radon,
        "beam": lambda: ParallelBeam(13, ANGLES),
        "functions": lambda: Functions(matrix, device),
    }[kind]()
    if kind == "functions":
        operator.backprojection = operator.backward
    start = torch.full_like(x, 0.2)
    before = start.clone()
    found, values = cgne(operator, start, y, callback=lambda v: v, max_iter=7, tol=0)
    expected = dense.cgls(matrix, double(y[0, 1]).ravel(), 7, x=double(start[0, 1]).ravel())
    for image, other in zip(values, expected, strict=True):
        assert image.shape == (6, SIDE, SIDE)
        assert relative_max(image[1].flatten(), other) <= 1e-8
    assert torch.equal(start, before)
    found = cgne(operator, start, y, tol=1e-7)
    gradient = matrix.T @ (double(y).reshape(6, -1).T - matrix @ double(found).reshape(6, -1).T)
    size = np.linalg.norm(double(y).reshape(6, -1), axis=1)
    assert (np.linalg.norm(gradient, axis=0) <= 1.01e-7 * size).all()


def test_data_that_are_zero() -> None:
    radon = Radon(SIDE, ANGLES)
    zeros = torch.zeros(2, SIDE, SIDE)
    data = radon.forward(zeros)
    assert torch.equal(cgne(radon, zeros, data, max_iter=3), zeros)
    data[1] = 1
    found = cgne(radon, zeros, data, max_iter=30)
    assert torch.equal(found[0], zeros[0])
    assert float(found[1].abs().max()) > 0


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="x must be a tensor of two dimensions"):
        cg(lambda v: v, torch.ones(3), torch.ones(3, 3))
    with pytest.raises(ValueError, match="tol"):
        cgne(Radon(4, [0.0]), torch.ones(4, 4), torch.ones(1, 4), tol=float("nan"))
