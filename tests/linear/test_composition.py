"""``A @ B``: products of operators and their transposes."""

import copy
import pickle

import pytest
import torch

from cases import BACKPROJECTORS, PROJECTORS, Case, walk
from matrices import Matrix, random_matrix
from measures import dot_mismatch, entries, relative_max
from torch_radon import LinearOperator

A = Matrix(random_matrix(3, 4, seed=1))
B = Matrix(random_matrix(4, 5, seed=2))
C = Matrix(random_matrix(5, 2, seed=3))


def _matrix(operator: LinearOperator) -> torch.Tensor:
    return torch.from_numpy(entries(operator, torch.float64, "cpu"))


def test_is_the_product_of_the_matrices() -> None:
    product = A @ B
    assert isinstance(product, LinearOperator)
    assert product.domain_shape == (5,)
    assert product.range_shape == (3,)
    torch.testing.assert_close(_matrix(product), A.matrix @ B.matrix)


def test_the_transpose_reverses_the_order() -> None:
    torch.testing.assert_close(_matrix((A @ B).T), B.matrix.T @ A.matrix.T)
    torch.testing.assert_close(_matrix((A @ B).T.T), A.matrix @ B.matrix)


def test_is_associative() -> None:
    torch.testing.assert_close(_matrix((A @ B) @ C), _matrix(A @ (B @ C)))


def test_shapes_that_do_not_fit_are_both_named() -> None:
    with pytest.raises(ValueError, match=r"\(5,\).*\(3,\)|\(3,\).*\(5,\)"):
        B @ A


@pytest.mark.parametrize("other", [2.0, torch.ones(4, 4), None], ids=["number", "tensor", "none"])
def test_products_with_anything_else_are_type_errors(other: object) -> None:
    with pytest.raises(TypeError):
        A @ other  # type: ignore[operator]


@walk(PROJECTORS)
def test_normal_operators_are_symmetric(
    case: Case, device: str, generator: torch.Generator
) -> None:
    operator = case.build(10, 5).to(device)
    normal = entries(operator.T @ operator, torch.float64, device)
    assert relative_max(normal, normal.T) <= 1e-13
    matrix = case.dense(10, 5)
    assert relative_max(normal, matrix.T @ matrix) <= 1e-12
    assert dot_mismatch(operator.T @ operator, torch.float64, device, generator) <= 1e-13


def test_a_projector_and_a_backprojector(device: str, generator: torch.Generator) -> None:
    product = (BACKPROJECTORS[1].build(20) @ PROJECTORS[1].build(20)).to(device)
    assert dot_mismatch(product, torch.float64, device, generator) <= 1e-13
    x = torch.randn(2, *product.domain_shape, generator=generator, dtype=torch.float64).to(device)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(product(x).sum(), x)
    ones = torch.ones(2, *product.range_shape, dtype=torch.float64, device=device)
    torch.testing.assert_close(gradient, product.T(ones))


def test_copies_pickles_and_states(generator: torch.Generator) -> None:
    product = PROJECTORS[1].build(12).T @ PROJECTORS[1].build(12)
    x = torch.randn(product.domain_shape, generator=generator)
    assert product.state_dict() == {}
    for again in (copy.deepcopy(product), pickle.loads(pickle.dumps(product))):
        assert torch.equal(again(x), product(x))
        assert torch.equal(again.T(x), product.T(x))
    assert torch.equal(copy.deepcopy(product).to(torch.bfloat16)(x), product(x))
