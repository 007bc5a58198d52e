"""torch.func and vmap: transforms compose with the operators."""

import pytest
import torch
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

from cases import CASES, Case, walk

directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])


def _randn(shape: tuple[int, ...], device: str, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(device)


@walk(CASES)
@directions
def test_vmap_is_a_batch(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = _randn((3, *operator.domain_shape), device, generator)
    assert torch.equal(vmap(operator)(x), operator(x))
    assert torch.equal(vmap(operator, in_dims=2)(x.movedim(0, 2)), operator(x))
    assert torch.equal(vmap(operator, out_dims=1)(x), operator(x).movedim(0, 1))
    nested = _randn((2, 3, *operator.domain_shape), device, generator)
    assert torch.equal(vmap(vmap(operator))(nested), operator(nested))


@walk(CASES)
@directions
def test_grad_jvp_and_vjp(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x, v = (_randn((2, *operator.domain_shape), device, generator) for _ in range(2))
    y = _randn((2, *operator.range_shape), device, generator)
    value, tangent = jvp(operator, (x,), (v,))[:2]
    assert torch.equal(value, operator(x))
    assert torch.equal(tangent, operator(v))
    assert tangent.abs().max() > 0
    value, pull = vjp(operator, x)[:2]
    assert torch.equal(value, operator(x))
    assert torch.equal(pull(y)[0], operator.T(y))
    slope = grad(lambda z: (operator(z) * y).sum())(x)
    assert torch.equal(slope, operator.T(y))


@walk(CASES)
def test_jacobians_are_the_matrix(case: Case, device: str) -> None:
    operator = case.build(5, 3).to(device)
    x = torch.zeros(operator.domain_shape, dtype=torch.float64, device=device)
    expected = torch.from_numpy(case.dense(5, 3)).to(device)
    size = expected.shape
    torch.testing.assert_close(jacrev(operator)(x).reshape(size), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(jacfwd(operator)(x).reshape(size), expected, rtol=0, atol=1e-12)


@walk(CASES)
def test_hessian_of_the_data_misfit_is_the_normal_matrix(case: Case, device: str) -> None:
    operator = case.build(5, 3).to(device)
    x = torch.ones(operator.domain_shape, dtype=torch.float64, device=device)
    matrix = torch.from_numpy(case.dense(5, 3)).to(device)
    found = hessian(lambda z: operator(z).square().sum() / 2)(x)
    normal = matrix.T @ matrix
    torch.testing.assert_close(found.reshape(normal.shape), normal, rtol=0, atol=1e-11)


@walk(CASES)
def test_gradients_per_sample(case: Case, device: str, generator: torch.Generator) -> None:
    operator = case.build(12).to(device)
    x = _randn((3, *operator.domain_shape), device, generator)
    found = vmap(grad(lambda z: operator(z).square().sum()))(x)
    torch.testing.assert_close(found, 2 * operator.T(operator(x)), rtol=1e-13, atol=1e-13)


@walk(CASES)
def test_batches_of_gradients(case: Case, device: str, generator: torch.Generator) -> None:
    operator = case.build(12).to(device)
    x = _randn(tuple(operator.domain_shape), device, generator).requires_grad_()
    result = operator(x)
    directions = _randn((5, *operator.range_shape), device, generator)
    (found,) = torch.autograd.grad(result, x, directions, is_grads_batched=True)
    assert torch.equal(found, operator.T(directions))


@walk(CASES)
def test_what_vmap_does_not_map_is_computed_once(
    case: Case, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    x = _randn(tuple(operator.domain_shape), device, generator)
    scales = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, device=device)
    found = vmap(lambda scale: scale * operator(x))(scales)
    assert torch.equal(found, scales[:, None, None] * operator(x))


@walk(CASES)
def test_forward_mode_dual_numbers(case: Case, device: str, generator: torch.Generator) -> None:
    operator = case.build(12).to(device)
    x, v = (_randn(tuple(operator.domain_shape), device, generator) for _ in range(2))
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, v)
        tangent = torch.autograd.forward_ad.unpack_dual(operator(dual)).tangent
    assert torch.equal(tangent, operator(v))
