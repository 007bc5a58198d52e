"""Strides do not matter, and no input is ever changed."""

from collections.abc import Callable

import pytest
import torch

from cases import CASES, Case, walk

LAYOUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "contiguous": lambda x: x,
    "last-axes-swapped": lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2),
    "batch-innermost": lambda x: x.permute(1, 2, 0).contiguous().permute(2, 0, 1),
    "every-second": lambda x: torch.stack([x, x + 9], -1).flatten(-2)[..., ::2],
    "reversed": lambda x: x.flip(-1).contiguous().flip(-1),
    "window": lambda x: torch.nn.functional.pad(x, (3, 2, 1, 4))[:, 1:-4, 3:-2],
    "offset": lambda x: torch.cat([x[:1], x])[1:],
}
directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])


@walk(CASES)
@directions
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_strided_inputs_give_the_same_bits(
    case: Case,
    transposed: bool,
    layout: str,
    dtype: torch.dtype,
    device: str,
    generator: torch.Generator,
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(3, *operator.domain_shape, generator=generator).to(device, dtype)
    view = LAYOUTS[layout](x)
    assert torch.equal(view, x)
    assert torch.equal(operator(view), operator(x))


@walk(CASES)
@directions
def test_expanded_inputs_of_stride_zero(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    image = torch.randn(operator.domain_shape, generator=generator).to(device)
    repeated = operator(image.expand(4, *operator.domain_shape))
    assert torch.equal(repeated, operator(image).expand(4, *operator.range_shape))
    constant = torch.full((), 1.5, device=device).expand(operator.domain_shape)
    assert torch.equal(operator(constant), operator(constant.contiguous()))


@walk(CASES)
@directions
@pytest.mark.parametrize("layout", LAYOUTS)
def test_inputs_are_left_alone(
    case: Case, transposed: bool, layout: str, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    base = torch.randn(3, *operator.domain_shape, generator=generator).to(device)
    x = LAYOUTS[layout](base).requires_grad_()
    before, version = x.detach().clone(), x._version
    result = operator(x)
    gradient = torch.ones_like(result)
    result.backward(gradient)
    assert torch.equal(x.detach(), before)
    assert x._version == version
    assert torch.equal(gradient, torch.ones_like(result))
