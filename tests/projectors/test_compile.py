"""torch.compile without graph breaks: the compiled route gives the bits of the eager one."""

import shutil

import pytest
import torch

from cases import BACKPROJECTORS, CASES, PROJECTORS, Case, walk


@pytest.fixture(autouse=True)
def _fresh_compiler() -> None:
    torch.compiler.reset()


@walk(CASES)
@pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])
def test_fullgraph(case: Case, transposed: bool, device: str, generator: torch.Generator) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    compiled = torch.compile(operator, fullgraph=True, backend="aot_eager")
    x = torch.randn(2, 3, *operator.domain_shape, generator=generator).to(device)
    assert torch.equal(compiled(x), operator(x))


@walk(CASES)
def test_gradients_through_a_compiled_loss(
    case: Case, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)

    def loss(x: torch.Tensor) -> torch.Tensor:
        return operator(torch.sin(x)).square().mean()

    x = torch.randn(2, *operator.domain_shape, generator=generator, dtype=torch.float64)
    eager = x.to(device).requires_grad_()
    traced = x.to(device).requires_grad_()
    loss(eager).backward()
    torch.compile(loss, fullgraph=True, backend="aot_eager")(traced).backward()
    torch.testing.assert_close(traced.grad, eager.grad, rtol=1e-13, atol=1e-13)


@walk([PROJECTORS[1], PROJECTORS[4], BACKPROJECTORS[3]])
def test_a_changing_batch_size(case: Case, device: str, generator: torch.Generator) -> None:
    operator = case.build(12).to(device)
    compiled = torch.compile(operator, fullgraph=True, backend="aot_eager", dynamic=True)
    for batch in (2, 5, 1, 7):
        x = torch.randn(batch, *operator.domain_shape, generator=generator).to(device)
        assert torch.equal(compiled(x), operator(x))


@walk([PROJECTORS[1], PROJECTORS[4], BACKPROJECTORS[3]])
def test_vmap_inside(case: Case, device: str, generator: torch.Generator) -> None:
    operator = case.build(12).to(device)
    x = torch.randn(3, *operator.domain_shape, generator=generator).to(device)
    compiled = torch.compile(
        lambda z: torch.vmap(lambda image: operator(image))(z), fullgraph=True, backend="aot_eager"
    )
    assert torch.equal(compiled(x), operator(x))


@walk([PROJECTORS[1], BACKPROJECTORS[3]])
def test_forward_derivatives_inside_are_right_or_refused(
    case: Case, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    x = torch.randn(operator.domain_shape, generator=generator).to(device)

    def tangent(z: torch.Tensor) -> torch.Tensor:
        return torch.func.jvp(operator, (z,), (z,))[1]

    # torch.library operators have no forward-mode derivatives; without care they are zero.
    try:
        found = torch.compile(tangent, fullgraph=True, backend="aot_eager")(x)
    except RuntimeError:
        return
    assert torch.equal(found, operator(x))


@walk([PROJECTORS[1], BACKPROJECTORS[3]])
def test_the_default_compiler(case: Case, device: str, generator: torch.Generator) -> None:
    if device == "cpu" and not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        pytest.skip("torch.compile's default backend needs a C++ compiler")
    operator = case.build(12).to(device)
    compiled = torch.compile(lambda x: operator(2 * x) + 1, fullgraph=True)
    x = torch.randn(2, *operator.domain_shape, generator=generator).to(device)
    torch.testing.assert_close(compiled(x), operator(2 * x) + 1)


@walk([PROJECTORS[1], PROJECTORS[4], BACKPROJECTORS[3]])
def test_export(case: Case, device: str, generator: torch.Generator) -> None:
    operator = case.build(12).to(device)
    x = torch.randn(2, *operator.domain_shape, generator=generator).to(device)
    exported = torch.export.export(operator, (x,))
    assert torch.equal(exported.module()(x), operator(x))
