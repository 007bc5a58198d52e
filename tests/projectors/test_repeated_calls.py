"""What an operator remembers of earlier calls never shows in later ones."""

import copy

import pytest
import torch

from cases import CASES, PROJECTORS, Case, walk
from torch_radon.projectors.base import _KEPT

directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])


def _randn(shape: tuple[int, ...], device: str, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=generator).to(device)


@walk(CASES)
@directions
def test_every_way_of_calling_gives_the_same_bits(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = _randn((2, 3, *operator.domain_shape), device, generator)
    expected = operator(x)
    for _ in range(2):
        assert torch.equal(operator(x[1, 2]), expected[1, 2])
        assert torch.equal(operator(x[1]), expected[1])
        assert torch.equal(operator(x[:, 1]), expected[:, 1])
        assert torch.equal(operator._apply_batch(x[0]), expected[0])
        assert torch.equal(operator(x.requires_grad_()), expected)
        x.requires_grad_(False)
        assert operator(x[0, 0].double()).dtype is torch.float64
        assert operator(x[:0]).shape == expected[:0].shape
        assert operator(x[0, :0]).shape == expected[0, :0].shape


@walk(CASES)
@directions
def test_strides_may_change(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = _randn((3, *operator.domain_shape), device, generator)
    expected = operator(x)
    across = x.mT.contiguous().mT
    wide = torch.stack([x, -x], -1)[..., 0]
    for strided in (across, wide, x.flip(0).flip(0)):
        assert torch.equal(operator(strided), expected)
        assert torch.equal(operator(strided[1]), expected[1])
    assert torch.equal(operator(x[:1].expand_as(x)), expected[:1].expand_as(expected))


@walk(CASES)
@directions
def test_results_are_not_overwritten(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = _randn(tuple(operator.domain_shape), device, generator)
    first = operator(x)
    kept = first.clone()
    operator(2 * x)
    assert torch.equal(first, kept)


@walk(CASES)
@directions
def test_derivatives_after_plain_calls(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = _randn(tuple(operator.domain_shape), device, generator)
    y = _randn(tuple(operator.range_shape), device, generator)
    expected = operator(x)
    leaf = x.clone().requires_grad_()
    with torch.no_grad():
        assert not operator(leaf).requires_grad
    result = operator(leaf)
    assert torch.equal(result, expected)
    result.backward(y)
    assert leaf.grad is not None
    assert torch.equal(leaf.grad, operator.T(y))
    with torch.inference_mode():
        assert torch.equal(operator(leaf), expected)
    batch = torch.stack([x, 2 * x])
    assert torch.equal(torch.vmap(operator)(batch), operator(batch))
    assert torch.equal(torch.func.jvp(operator, (x,), (x,))[1], expected)


@walk(CASES)
@directions
def test_autocast_after_plain_calls(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = _randn(tuple(operator.domain_shape), device, generator).bfloat16()
    for _ in range(2):
        assert operator(x).dtype is torch.bfloat16
        with torch.autocast(device):
            assert operator(x).dtype is torch.float32
            assert operator(x.double()).dtype is torch.float64


@walk(PROJECTORS)
def test_the_type_of_results_may_change(case: Case, device: str) -> None:
    operator = case.build(12).to(device)
    x = torch.ones(operator.domain_shape, device=device)
    assert operator(x).dtype is torch.float32
    operator.out_dtype = torch.float64  # type: ignore[assignment]
    assert operator(x).dtype is torch.float64


@walk(CASES)
@directions
def test_bad_input_after_good(case: Case, transposed: bool, device: str) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = torch.ones(operator.domain_shape, device=device)
    operator(x)
    with pytest.raises(TypeError, match=r"dense tensor, got layout torch\.sparse_coo"):
        operator(x.to_sparse())
    with pytest.raises(ValueError, match="input is on meta"):
        operator(x.to("meta"))
    with pytest.raises(ValueError, match="input must have shape"):
        operator(x[1:])
    with pytest.raises(TypeError, match=r"torch\.int64"):
        operator(x.long())


@walk(CASES)
@directions
def test_an_operator_that_has_moved(case: Case, transposed: bool, device: str) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = torch.ones(operator.domain_shape, device=device)
    operator(x)
    stays = copy.deepcopy(operator)
    operator.to("meta")
    with pytest.raises(ValueError, match=f"input is on {device}.* is on meta"):
        operator(x)
    assert stays(x).device.type == device


@walk(CASES)
@directions
def test_signs_and_zeros_that_are_not_in_memory(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    shape = operator.domain_shape
    pairs = torch.view_as_complex(_randn((*shape, 2), device, generator))
    negated = pairs.conj().imag
    assert negated.is_neg()
    for _ in range(2):
        assert torch.equal(operator(negated), -operator(pairs.imag))
        assert torch.equal(operator(negated[None]), -operator(pairs.imag[None]))
    zeros = torch._efficientzerotensor(*shape, device=device)
    assert not operator(zeros).any()
    assert operator(zeros).shape == operator.range_shape


@walk(PROJECTORS[:1])
def test_more_shapes_than_are_kept(case: Case, device: str) -> None:
    operator = case.build(5, 3).to(device)
    x = torch.ones(_KEPT + 9, *operator.domain_shape, device=device)
    expected = operator(x)
    for batch in range(_KEPT + 9):
        assert torch.equal(operator(x[:batch]), expected[:batch])
    assert len(operator._prepared) <= _KEPT  # type: ignore[arg-type]
