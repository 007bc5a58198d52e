"""Wrong arguments are refused by name, before anything is computed."""

import inspect

import pytest
import torch

from matrices import Matrix, random_matrix
from solvers.systems import PARALLEL, ROWS, SIDE, VIEWS
from torch_radon import solvers
from torch_radon.linear import Gradient, Identity, RampFilter

A = PARALLEL.build(SIDE, VIEWS)
Y = torch.ones(2, *A.range_shape)
BAD = Y.clone()
BAD[1, 3, 4] = float("nan")
INFINITE = Y.clone()
INFINITE[0, 0, 0] = float("inf")
NEGATIVE = Y.clone()
NEGATIVE[0, 1, 2] = -0.5


class Untouched(Matrix):
    """An operator that must not be applied."""

    def _apply_batch(self, x):
        raise AssertionError("applied before the arguments were checked")

    _adjoint_batch = _apply_batch


@pytest.mark.parametrize(
    ("y", "options", "error", "says"),
    [
        (Y[..., :-1], {}, ValueError, r"y must have shape \(\.\.\., 12, 13\), got \(2, 12, 12\)"),
        (torch.ones(13), {}, ValueError, r"y must have shape \(\.\.\., 12, 13\), got \(13,\)"),
        (Y.long(), {}, TypeError, "y must be of a real floating-point type, got torch.int64"),
        (Y + 0j, {}, TypeError, "y must be of a real floating-point type, got torch.complex64"),
        (Y.tolist(), {}, TypeError, "y must be a torch.Tensor, got list"),
        (BAD, {}, ValueError, "y must be finite, but it has NaN"),
        (INFINITE, {}, ValueError, "y must be finite, but it has NaN or infinite"),
        (Y, {"iterations": 0}, ValueError, "iterations must be at least 1, got 0"),
        (Y, {"iterations": 2.5}, TypeError, "iterations must be an integer, got 2.5"),
        (Y, {"tolerance": -1.0}, ValueError, "tolerance must not be negative, got -1"),
        (Y, {"tolerance": float("nan")}, ValueError, "tolerance must be finite"),
        (Y, {"callback": 3}, TypeError, "callback must be callable, got int"),
        (Y, {"check_every": 0}, ValueError, "check_every must be at least 1, got 0"),
        (Y, {"checkpoint_every": 0}, ValueError, "checkpoint_every must be at least 1, got 0"),
        (Y, {"projection_dtype": torch.int32}, TypeError, "projection_dtype.*got torch.int32"),
        (Y, {"x0": torch.ones(5, 5)}, ValueError, r"x0 must .* \(\.\.\., 8, 6\), got \(5, 5\)"),
        (Y, {"x0": torch.ones(3, 8, 6)}, ValueError, r"x0 .* broadcast to \(2,\).*\(3, 8, 6\)"),
        (Y, {"x0": torch.full((8, 6), float("nan"))}, ValueError, "x0 must be finite"),
        (Y, {"x0": 0.0}, TypeError, "x0 must be a torch.Tensor, got float"),
        (Y, {"tolerence": 0.1}, TypeError, "tolerence"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", [*ROWS, "conjugate_gradient"])
def test_of_every_solver(name, y, options, error, says):
    operator = Untouched(random_matrix(156, 48, seed=1), A.domain_shape, A.range_shape)
    solve = ROWS[name][0] if name in ROWS else solvers.conjugate_gradient
    with pytest.raises(error, match=says):
        solve(operator, y, **{"iterations": 3, **options})


def test_the_number_of_iterations_is_the_users_choice():
    """In every solver, for none has a number that is right everywhere."""
    functions = [getattr(solvers, name) for name in solvers.__all__ if name.islower()]
    found = [
        parameters["iterations"]
        for parameters in (inspect.signature(solver).parameters for solver in functions)
        if "iterations" in parameters
    ]
    assert len(found) == 12
    assert all(parameter.default is inspect.Parameter.empty for parameter in found)


@pytest.mark.parametrize("name", [*ROWS, "conjugate_gradient"])
def test_operators_must_be_operators(name):
    solve = ROWS[name][0] if name in ROWS else solvers.conjugate_gradient
    with pytest.raises(TypeError, match="A must be a LinearOperator, got Tensor"):
        solve(torch.eye(3), torch.ones(3), iterations=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("solve", "y", "options", "error", "says"),
    [
        (solvers.landweber, Y, {"step": 0.0}, ValueError, "step must be positive"),
        (solvers.landweber, Y, {"constraint": 3}, TypeError, r"constraint .* project\(x\)"),
        (
            solvers.landweber,
            Y,
            {"constraint": torch.relu, "preconditioner": RampFilter((8, 6))},
            ValueError,
            "constraint cannot be combined",
        ),
        (solvers.landweber, Y, {"weights": -Y}, ValueError, "weights must not be negative, got"),
        (solvers.landweber, Y, {"weights": Y[..., 1:]}, ValueError, "weights must have shape"),
        (solvers.cgls, Y, {"weights": BAD}, ValueError, "weights must be finite"),
        (solvers.cgls, Y, {"weights": 2.0}, TypeError, "weights must be a torch.Tensor"),
        (
            solvers.cgls,
            Y,
            {"preconditioner": Gradient((8, 6))},
            ValueError,
            r"preconditioner must map \(8, 6\) to itself, got \(2, 8, 6\)",
        ),
        (
            solvers.cgls,
            Y,
            {"preconditioner": Identity((4, 4))},
            ValueError,
            r"preconditioner must take shape \(8, 6\), it takes \(4, 4\)",
        ),
        (solvers.cgls, Y, {"damping": -1.0}, ValueError, "damping must not be negative, got -1"),
        (
            solvers.cgls,
            Y,
            {"damping": torch.tensor([0.1, -0.1])},
            ValueError,
            "damping must not be negative, got -0.1",
        ),
        (
            solvers.cgls,
            Y,
            {"damping_operator": Gradient((8, 6))},
            ValueError,
            "damping_operator needs a damping above 0",
        ),
        (
            solvers.cgls,
            Y,
            {"damping": 1.0, "damping_operator": Gradient((3, 3))},
            ValueError,
            r"damping_operator must take shape \(8, 6\)",
        ),
        (
            solvers.cgls,
            Y,
            {"damping": 1.0, "damping_operator": torch.eye(3)},
            TypeError,
            "damping_operator must be a LinearOperator, got Tensor",
        ),
        (solvers.cgls, Y, {"differentiate": "magic"}, ValueError, "implicit, got 'magic'"),
        (solvers.sirt, Y, {"relaxation": 2.0}, ValueError, "relaxation must lie between 0 and 2"),
        (solvers.sart, Y, {"relaxation": 0.0}, ValueError, "relaxation must lie between 0 and 2"),
        (solvers.os_sart, Y, {"subsets": 13}, ValueError, "number of views, 12, got 13"),
        (solvers.os_sart, Y, {"subsets": 0}, ValueError, "subsets must be at least 1, got 0"),
        (solvers.os_sart, Y, {"subsets": []}, ValueError, "at least one subset"),
        (solvers.os_sart, Y, {"subsets": [[0, 0]]}, ValueError, "nothing twice"),
        (solvers.os_sart, Y, {"subsets": [[12]]}, IndexError, "12"),
        (solvers.os_sart, Y, {"ordering": "best"}, ValueError, "multilevel.*got 'best'"),
        (solvers.mlem, NEGATIVE, {}, ValueError, "y must not be negative, got -0.5"),
        (solvers.osem, NEGATIVE, {}, ValueError, "y must not be negative, got -0.5"),
        (solvers.mlem, Y, {"background": -1.0}, ValueError, "background must not be negative"),
        (solvers.mlem, Y, {"background": Y[0, 0]}, ValueError, "background must have shape"),
        (solvers.osem, Y, {"x0": -torch.ones(8, 6)}, ValueError, "x0 must not be negative"),
        (
            solvers.weighted_least_squares,
            Y,
            {"photons": 0.0},
            ValueError,
            "photons must be positive",
        ),
    ],
)  # fmt: skip
def test_of_one_solver(solve, y, options, error, says):
    with pytest.raises(error, match=says):
        solve(A, y, **{"iterations": 3, **options})


def _square(matrix):
    return Matrix(matrix)


def test_conjugate_gradient_refuses_rectangular_operators():
    with pytest.raises(ValueError, match=r"must be symmetric, but it maps \(8, 6\) to \(12, 13\)"):
        solvers.conjugate_gradient(A, Y, iterations=3)


@pytest.mark.parametrize("size", [5, 60])
def test_conjugate_gradient_refuses_operators_that_are_not_symmetric(size):
    matrix = random_matrix(size, size, seed=1)
    for wrong in (matrix, matrix - matrix.T, matrix @ matrix.T + 0.5 * matrix):
        with pytest.raises(ValueError, match="A must be symmetric, but <A u, v> and <u, A v>"):
            solvers.conjugate_gradient(_square(wrong), torch.ones(size), iterations=3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_conjugate_gradient_takes_symmetric_operators_in_every_precision(dtype):
    B = PARALLEL.build(SIDE, VIEWS)
    y = torch.ones(B.domain_shape, dtype=dtype)
    assert solvers.conjugate_gradient(B.T @ B, y, iterations=3).status == 0


@pytest.mark.parametrize("wrong", [torch.zeros(6, 6), torch.eye(6) * 0.0])
def test_an_operator_that_sees_nothing_breaks_down(wrong):
    with pytest.warns(solvers.DivergenceWarning, match="broke down"):
        result = solvers.conjugate_gradient(_square(wrong), torch.ones(6), iterations=3)
    assert (result.x == 0).all()


def test_an_indefinite_operator_breaks_down():
    matrix = torch.diag(torch.tensor([3.0, 2.0, 1.0, -4.0]))
    rights = torch.tensor([[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    with pytest.warns(solvers.DivergenceWarning, match="1 of 2 items; item 1 broke down"):
        result = solvers.conjugate_gradient(_square(matrix), rights, iterations=4, tolerance=1e-5)
    assert result.converged.tolist() == [True, False]
    torch.testing.assert_close(result.x[0], torch.tensor([1 / 3, 0.5, 1.0, 0.0]))
    assert result.status.tolist() == [solvers.Stop.CONVERGED, solvers.Stop.BREAKDOWN]


def test_an_indefinite_preconditioner_breaks_down():
    P = Matrix(torch.diag(torch.tensor([1.0, -1.0, -1.0])))
    with pytest.warns(solvers.DivergenceWarning, match="broke down"):
        solvers.cgls(
            Matrix(torch.eye(3)), torch.tensor([0.1, 1.0, 1.0]), iterations=2, preconditioner=P
        )
