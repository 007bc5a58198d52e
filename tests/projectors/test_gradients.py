"""The derivative in the data is the exact adjoint, to any order."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from cases import CASES, Case, walk

directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])


def _input(shape: tuple[int, ...], device: str, generator: torch.Generator) -> torch.Tensor:
    x = torch.randn(2, *shape, generator=generator, dtype=torch.float64)
    return x.to(device).requires_grad_()


@walk(CASES)
@directions
def test_gradcheck(case: Case, transposed: bool, device: str, generator: torch.Generator) -> None:
    operator = case.build(5, 3).to(device)
    operator = operator.T if transposed else operator
    x = _input(operator.domain_shape, device, generator)
    assert gradcheck(operator, x, check_forward_ad=True)


@walk(CASES)
@directions
def test_gradgradcheck(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(5, 3).to(device)
    operator = operator.T if transposed else operator
    x = _input(operator.domain_shape, device, generator)
    # The square gives second derivatives that are not all zero.
    assert gradgradcheck(lambda v: operator(v) ** 2, x)


@walk(CASES)
@directions
@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str
)
def test_the_gradient_is_the_adjoint_bit_for_bit(
    case: Case, transposed: bool, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    operator = case.build(20).to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(3, *operator.domain_shape, generator=generator).to(device, dtype)
    y = torch.randn(3, *operator.range_shape, generator=generator).to(device, dtype)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(operator(x), x, y)
    assert gradient.dtype is dtype
    assert torch.equal(gradient, operator.T(y))


@walk(CASES)
def test_third_order(case: Case, device: str, generator: torch.Generator) -> None:
    operator = case.build(6, 3).to(device)
    x = _input(operator.domain_shape, device, generator)
    v = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(device)
    total = (operator(x) ** 3).sum()
    (first,) = torch.autograd.grad(total, x, create_graph=True)
    (second,) = torch.autograd.grad((first * v).sum(), x, create_graph=True)
    (third,) = torch.autograd.grad((second * v).sum(), x)
    torch.testing.assert_close(third, operator.T(6 * operator(v) ** 2), rtol=1e-12, atol=1e-12)


@walk(CASES)
def test_gradients_of_sums_have_stride_zero_and_work(case: Case, device: str) -> None:
    operator = case.build(12).to(device)
    x = torch.ones(2, *operator.domain_shape, device=device, requires_grad=True)
    operator(x).sum().backward()
    ones = torch.ones(2, *operator.range_shape, device=device)
    assert x.grad is not None
    assert torch.equal(x.grad, operator.T(ones))


@walk(CASES)
def test_no_graph_where_none_is_wanted(case: Case, device: str) -> None:
    operator = case.build(12).to(device)
    x = torch.ones(operator.domain_shape, device=device, requires_grad=True)
    assert operator(x).requires_grad
    assert not operator(x.detach()).requires_grad
    with torch.no_grad():
        assert not operator(x).requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(operator(x.detach()), operator(x.detach().clone()))


@walk(CASES)
def test_a_wider_output_still_gives_gradients_in_the_dtype_of_the_input(
    case: Case, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    x = torch.randn(operator.domain_shape, generator=generator).to(device, torch.float16)
    x.requires_grad_()
    with torch.autocast(device, dtype=torch.float16 if device == "cuda" else torch.bfloat16):
        result = operator(x)
    assert result.dtype is torch.float32
    result.square().sum().backward()
    assert x.grad is not None
    assert x.grad.dtype is torch.float16
    expected = 2 * operator.T(operator(x.detach().double()))
    torch.testing.assert_close(x.grad.double(), expected, rtol=2e-3, atol=2e-3)
