"""LinearOperator: what every operator inherits."""

import pytest
import torch

from matrices import Matrix, random_matrix
from torch_radon import LinearOperator


def _operator() -> Matrix:
    return Matrix(random_matrix(6, 20, seed=1), domain_shape=(4, 5), range_shape=(6,))


def test_shapes() -> None:
    operator = _operator()
    assert operator.domain_shape == operator.T.range_shape == (4, 5)
    assert operator.range_shape == operator.T.domain_shape == (6,)


@pytest.mark.parametrize("leading", [(), (3,), (2, 3), (0,), (2, 0, 3)], ids=str)
def test_leading_dimensions_are_one_batch_for_the_subclass(leading: tuple[int, ...]) -> None:
    operator = _operator()
    x = torch.ones(*leading, 4, 5, dtype=torch.float64)
    assert operator(x).shape == (*leading, 6)
    assert operator.batches == [x.numel() // 20]
    assert operator.T(operator(x)).shape == x.shape


def test_applies_the_matrix_and_its_transpose() -> None:
    operator = _operator()
    x, y = random_matrix(4, 5, seed=2), random_matrix(1, 6, seed=3)[0]
    torch.testing.assert_close(operator(x), operator.matrix @ x.flatten())
    torch.testing.assert_close(operator.T(y).flatten(), operator.matrix.T @ y)


def test_the_transpose_of_the_transpose_is_the_operator() -> None:
    operator = _operator()
    assert operator.T.T is operator
    assert isinstance(operator.T, LinearOperator)


def test_the_base_class_alone_applies_nothing() -> None:
    with pytest.raises((NotImplementedError, TypeError)):
        LinearOperator((3,), (3,))(torch.ones(3))  # type: ignore[abstract]


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        (torch.ones(4, 6), ValueError, r"\(\.\.\., 4, 5\), got \(4, 6\)"),
        (torch.ones(5), ValueError, r"\(\.\.\., 4, 5\), got \(5,\)"),
        (torch.ones(()), ValueError, r"\(\.\.\., 4, 5\), got \(\)"),
        (torch.ones(4, 5, 1), ValueError, r"\(\.\.\., 4, 5\), got \(4, 5, 1\)"),
        (torch.ones(20), ValueError, r"\(\.\.\., 4, 5\), got \(20,\)"),
        (torch.ones(4, 5, dtype=torch.int32), TypeError, "float32.*got torch.int32"),
        ([[1.0]], TypeError, "torch.Tensor, got list"),
    ],
)
def test_bad_input_is_refused_before_the_subclass_sees_it(
    value: torch.Tensor, error: type[Exception], says: str
) -> None:
    operator = _operator()
    with pytest.raises(error, match=says):
        operator(value)
    assert operator.batches == []


def test_the_transpose_checks_its_own_input() -> None:
    with pytest.raises(ValueError, match=r"\(\.\.\., 6\), got \(4, 5\)"):
        _operator().T(torch.ones(4, 5))
