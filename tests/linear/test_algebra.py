"""Sums, multiples, stacks, diagonals, selections: as matrices, and as operators."""

import copy
import pickle

import numpy as np
import pytest
import torch

from cases import PROJECTORS, Case, walk
from matrices import Matrix, random_matrix
from measures import dot_mismatch, entries, relative_max
from torch_radon import LinearOperator, dot_test
from torch_radon.linear import (
    Diagonal,
    Gradient,
    Identity,
    RampFilter,
    Selection,
    Stack,
    operator_norm,
    subset,
)

A = Matrix(random_matrix(3, 4, seed=1))
B = Matrix(random_matrix(3, 4, seed=2))
C = Matrix(random_matrix(5, 4, seed=3))
SQUARE = PROJECTORS[1].build(6, 5)

VALUES = random_matrix(4, 6, seed=4)

# What is checked, and its matrix built by other means.
ROWS: dict[str, tuple[LinearOperator, torch.Tensor]] = {
    "sum": (A + B, A.matrix + B.matrix),
    "difference": (A - B, A.matrix - B.matrix),
    "multiple": (2.5 * A, 2.5 * A.matrix),
    "multiple from the right": (A * 2, 2 * A.matrix),
    "multiple by numbers of NumPy": (
        np.float32(0.5) * A * np.int64(3),  # type: ignore[operator]
        1.5 * A.matrix,
    ),
    "negative": (-A, -A.matrix),
    "expression": (
        A.T @ (A - 0.5 * B) + Identity((4,)),
        A.matrix.T @ (A.matrix - 0.5 * B.matrix) + torch.eye(4),
    ),
    "identity": (Identity((2, 3)), torch.eye(6)),
    "diagonal": (Diagonal(VALUES), torch.diag(VALUES.flatten())),
    "broadcast diagonal": (
        Diagonal(VALUES[:, :1], (4, 6)),
        torch.diag(VALUES[:, :1].expand(4, 6).flatten()),
    ),
    "stack": (Stack(A, C, 2.0 * B), torch.cat([A.matrix, C.matrix, 2 * B.matrix])),
    "stack on its side": (
        Stack(A.T, B.T).T,
        torch.cat([A.matrix, B.matrix], 1),
    ),
    "selection": (Selection((4, 2), [3, 0]), torch.eye(8)[[6, 7, 0, 1]]),
    "subset of a matrix": (subset(C, slice(None, None, 2)), C.matrix[::2]),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_is_the_matrix_it_stands_for(name: str) -> None:
    operator, matrix = ROWS[name]
    found = torch.from_numpy(entries(operator, torch.float64, "cpu"))
    torch.testing.assert_close(found, matrix.double())
    turned = torch.from_numpy(entries(operator.T, torch.float64, "cpu"))
    torch.testing.assert_close(turned, matrix.double().T)


@pytest.mark.parametrize("name", ROWS)
def test_norm_bounds_are_bounds(name: str) -> None:
    operator, matrix = ROWS[name]
    bound = operator.norm_bound
    if bound is not None:
        assert bound >= torch.linalg.matrix_norm(matrix.double(), 2) * (1 - 1e-12)
        assert operator_norm(operator) == bound


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("leading", [(), (0,), (2, 3)], ids=str)
def test_batches_and_types(name: str, leading: tuple[int, ...]) -> None:
    operator, _ = ROWS[name]
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        x = torch.ones(*leading, *operator.domain_shape, dtype=dtype)
        y = operator(x)
        assert y.shape == (*leading, *operator.range_shape)
        assert y.dtype == dtype
        assert operator.T(y).shape == x.shape


@pytest.mark.parametrize("name", ROWS)
def test_copies_and_pickles(name: str) -> None:
    operator, _ = ROWS[name]
    x = torch.ones(operator.domain_shape, dtype=torch.float64)
    for again in (copy.deepcopy(operator), pickle.loads(pickle.dumps(operator))):
        assert torch.equal(again(x), operator(x))


def test_the_identity_returns_a_copy() -> None:
    x = torch.ones(2, 3)
    assert Identity((2, 3))(x).data_ptr() != x.data_ptr()


@pytest.mark.parametrize("other", [2.0, torch.ones(3, 4), None, True])
def test_sums_with_anything_else_are_type_errors(other: object) -> None:
    with pytest.raises(TypeError):
        A + other  # type: ignore[operator]
    with pytest.raises(TypeError):
        A - other  # type: ignore[operator]


@pytest.mark.parametrize("factor", [torch.ones(()), "2", None, True, B])
def test_multiples_with_anything_but_numbers_are_type_errors(factor: object) -> None:
    with pytest.raises(TypeError):
        A * factor  # type: ignore[operator]


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"\(4,\) to \(3,\), B \(4,\) to \(5,\)"):
        A + C
    with pytest.raises(ValueError, match="factor must be finite"):
        float("nan") * A
    with pytest.raises(ValueError, match=r"take the same shape, got \[\(3,\), \(4,\)\]"):
        Stack(A, A.T)
    with pytest.raises(ValueError, match="at least one operator"):
        Stack()
    with pytest.raises(TypeError, match=r"operators\[0\] must be a LinearOperator, got Tensor"):
        Stack(torch.eye(4))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"values must be of a real floating-point type.*int64"):
        Diagonal(torch.arange(3))
    with pytest.raises(ValueError, match=r"broadcast to shape \(2, 2\), got \(4, 6\)"):
        Diagonal(VALUES, (2, 2))
    with pytest.raises(ValueError, match="at least one of 4"):
        Selection((4, 2), slice(0, 0))
    with pytest.raises(ValueError, match="nothing twice"):
        Selection((4, 2), [1, 1])
    with pytest.raises(IndexError):
        Selection((4, 2), [4])
    with pytest.raises(TypeError, match="A must be a LinearOperator, got Tensor"):
        subset(torch.eye(3), 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"axes must be from 1 to 2 for shape \(4, 4\), got 3"):
        RampFilter((4, 4), axes=3)


def test_splitting_a_stack(generator: torch.Generator) -> None:
    stack = Stack(SQUARE, Gradient(SQUARE.domain_shape))
    x = torch.randn(2, *SQUARE.domain_shape, generator=generator)
    image, slopes = stack.split(stack(x))
    assert torch.equal(image, SQUARE(x))
    assert torch.equal(slopes, Gradient(SQUARE.domain_shape)(x))


def test_diagonals_learn_and_follow_their_data() -> None:
    weights = torch.nn.Parameter(torch.ones(4, 6))
    learnt = Diagonal(weights)
    assert list(learnt.parameters()) == [weights]
    learnt(torch.full((4, 6), 3.0)).sum().backward()
    assert weights.grad is not None
    assert torch.equal(weights.grad, torch.full((4, 6), 3.0))
    held = Diagonal(VALUES)
    assert not list(held.parameters())
    assert torch.equal(held.to(torch.float32).values, VALUES.float())


@walk(PROJECTORS)
@pytest.mark.parametrize("views", [slice(1, None, 3), [4, 0, 2], 3], ids=str)
def test_subsets_of_views(case: Case, views: object, device: str) -> None:
    projector = case.build(10, 7).to(device)
    part = subset(projector, views)
    rows = torch.arange(7)[views].reshape(-1)  # type: ignore[index]
    matrix = torch.from_numpy(entries(projector, torch.float64, device))
    expected = matrix.reshape(7, -1, matrix.shape[1])[rows].flatten(0, 1)
    assert part.range_shape == (len(rows), projector.range_shape[1])
    assert type(part) is type(projector)
    assert torch.equal(torch.from_numpy(entries(part, torch.float64, device)), expected)


def test_algebra_with_projectors_is_differentiable(device: str) -> None:
    projector = PROJECTORS[1].build(5, 4).to(device)
    normal = projector.T @ projector + 0.3 * Identity(projector.domain_shape)
    x = torch.rand(2, *projector.domain_shape, dtype=torch.float64, device=device)
    assert torch.autograd.gradcheck(normal, x.requires_grad_())


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((7, 12), 2), ((7, 12), 1), ((1, 5), 2), ((3, 4, 5), 3), ((3, 4, 6), 2)],
)
class TestRampFilter:
    def test_is_symmetric_and_positive(self, shape: tuple[int, ...], axes: int) -> None:
        P = RampFilter(shape, axes)
        matrix = torch.from_numpy(entries(P, torch.float64, "cpu"))
        torch.testing.assert_close(matrix, matrix.T)
        eigenvalues = torch.linalg.eigvalsh(matrix)
        assert eigenvalues.min() > 0
        assert P.norm_bound >= eigenvalues.max()
        assert dot_test(P) < 1e-13

    def test_is_the_filter_it_states(self, shape: tuple[int, ...], axes: int) -> None:
        """Against a dense discrete Fourier transform of the padded axes."""
        matrix = torch.from_numpy(entries(RampFilter(shape, axes), torch.float64, "cpu"))
        sizes = shape[-axes:]
        n = [2 * size for size in sizes]
        grids = torch.meshgrid(
            *(torch.fft.fftfreq(k, dtype=torch.float64) for k in n), indexing="ij"
        )
        magnitude = sum(grid.square() for grid in grids).sqrt()  # type: ignore[union-attr]
        magnitude = magnitude.clamp_min(0.5 / max(n))
        kernel = torch.fft.ifftn(magnitude).real
        line = torch.arange(matrix.shape[0]).reshape(shape)
        column = torch.zeros(shape, dtype=torch.float64)
        middle = tuple(size // 2 for size in shape)
        index = tuple(slice(None) if k >= len(shape) - axes else m for k, m in enumerate(middle))
        shifts = [torch.arange(size) - size // 2 for size in sizes]
        grid = torch.meshgrid(*shifts, indexing="ij")
        column[index] = kernel[tuple(g % k for g, k in zip(grid, n, strict=True))]
        assert relative_max(matrix[:, line[middle]].reshape(shape), column) < 1e-12

    def test_half_precision_and_moves(self, shape: tuple[int, ...], axes: int) -> None:
        P = RampFilter(shape, axes)
        x = torch.rand(shape, generator=torch.Generator().manual_seed(1))
        assert relative_max(P(x.half()), P(x.half().double())) < 1e-3
        assert torch.equal(copy.deepcopy(P).to(torch.bfloat16)(x.double()), P(x.double()))


def test_dot_products_of_large_operators(device: str, generator: torch.Generator) -> None:
    projector = PROJECTORS[2].build(40, 30)
    operator = Stack(
        projector, 3.0 * Gradient(projector.domain_shape), RampFilter(projector.domain_shape)
    ).to(device)
    assert dot_mismatch(operator, torch.float64, device, generator) <= 1e-13
    assert dot_mismatch(operator, torch.float32, device, generator) <= 1e-6
