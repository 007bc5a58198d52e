"""Under autocast operators compute and return float32, whatever the storage."""

import pytest
import torch

from cases import CASES, Case, walk

directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])


@walk(CASES)
@directions
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_returns_float32(
    case: Case, transposed: bool, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(2, *operator.domain_shape, generator=generator).to(device, dtype)
    with torch.autocast(device, dtype=torch.bfloat16):
        result = operator(x)
    assert result.dtype is torch.float32
    torch.testing.assert_close(result, operator(x.float()), rtol=1e-5, atol=1e-5)


@walk(CASES)
def test_the_compiled_route_too(case: Case, device: str, generator: torch.Generator) -> None:
    torch.compiler.reset()
    operator = case.build(12).to(device)
    compiled = torch.compile(operator, fullgraph=True, backend="aot_eager")
    x = torch.randn(2, *operator.domain_shape, generator=generator).to(device, torch.bfloat16)
    with torch.autocast(device, dtype=torch.bfloat16):
        result, eager = compiled(x), operator(x)
    assert result.dtype is torch.float32
    assert torch.equal(result, eager)


def test_behind_a_network(device: str, generator: torch.Generator) -> None:
    operator = CASES[1].build(12).to(device)
    network = torch.nn.Conv2d(1, 1, 3, padding=1).to(device)
    x = torch.randn(2, 1, *operator.domain_shape, generator=generator).to(device)
    with torch.autocast(device, dtype=torch.bfloat16):
        hidden = network(x)
        result = operator(hidden)
        assert hidden.dtype is torch.bfloat16
        assert result.dtype is torch.float32
        result.sum().backward()
    assert network.weight.grad is not None
    assert network.weight.grad.abs().max() > 0
