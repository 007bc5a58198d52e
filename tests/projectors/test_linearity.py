"""Operators are linear and have no constant part."""

import pytest
import torch

from cases import CASES, Case, walk
from measures import relative_l2


@walk(CASES)
@pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
def test_sums_and_multiples_go_through(
    case: Case,
    transposed: bool,
    dtype: torch.dtype,
    bound: float,
    device: str,
    generator: torch.Generator,
) -> None:
    operator = case.build(40).to(device)
    operator = operator.T if transposed else operator
    a, b = torch.randn(2, *operator.domain_shape, generator=generator, dtype=dtype).to(device)
    expected = 2.5 * operator(a).double() - 0.3 * operator(b).double()
    assert relative_l2(operator(2.5 * a - 0.3 * b), expected) <= bound


@walk(CASES)
@pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])
def test_zero_gives_exactly_zero(case: Case, transposed: bool, device: str) -> None:
    operator = case.build().to(device)
    operator = operator.T if transposed else operator
    result = operator(torch.zeros(operator.domain_shape, device=device))
    assert torch.equal(result, torch.zeros_like(result))


@walk(CASES)
@pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])
@pytest.mark.parametrize("factor", [-4.0, 2.0**70, 2.0**-70])
def test_powers_of_two_go_through_exactly(
    case: Case, transposed: bool, factor: float, device: str, generator: torch.Generator
) -> None:
    operator = case.build().to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(operator.domain_shape, generator=generator).to(device)
    assert torch.equal(operator(factor * x), factor * operator(x))
