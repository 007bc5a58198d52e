"""dot_test: finds wrong transposes, and says how wrong."""

import math

import pytest
import torch

from cases import CASES, Case, walk
from matrices import Matrix, random_matrix
from torch_radon import dot_test


@walk(CASES)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-13), (torch.float32, 1e-6)])
def test_exact_pairs_pass(case: Case, dtype: torch.dtype, bound: float, device: str) -> None:
    generator = torch.Generator().manual_seed(1)
    operator = case.build(64, 30).to(device)
    assert dot_test(operator, dtype=dtype, device=device, generator=generator) <= bound
    assert dot_test(operator.T, dtype=dtype, device=device, generator=generator) <= bound


def test_is_the_formula_it_states() -> None:
    operator = Matrix(random_matrix(7, 5, seed=1), wrong=0.1)
    found = dot_test(operator, generator=torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(5, generator=generator, dtype=torch.float64)
    y = torch.randn(7, generator=generator, dtype=torch.float64)
    image, back = operator(x), operator.T(y)
    expected = abs(image @ y - x @ back) / (image.norm() * y.norm())
    assert found == pytest.approx(float(expected), rel=1e-12)
    assert found > 1e-3


def test_a_generator_makes_it_reproducible() -> None:
    operator = Matrix(random_matrix(7, 5, seed=1), wrong=0.1)
    first, again, other = (
        dot_test(operator, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_the_dtype_is_that_of_the_data() -> None:
    class Seen(Matrix):
        def _apply_batch(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x.dtype)
            return super()._apply_batch(x)

    seen: list[torch.dtype] = []
    dot_test(Seen(random_matrix(7, 5, seed=1)), dtype=torch.float32)
    dot_test(Seen(random_matrix(7, 5, seed=1)))
    assert seen == [torch.float32, torch.float64]


def test_operators_that_see_nothing_pass_unless_their_transpose_does() -> None:
    nothing = torch.zeros(7, 5, dtype=torch.float64)
    assert dot_test(Matrix(nothing)) == 0
    mismatch = dot_test(Matrix(nothing, wrong=1.0), generator=torch.Generator().manual_seed(1))
    assert mismatch > 0
    assert math.isfinite(mismatch)
