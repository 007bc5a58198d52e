"""Any leading dimensions, any batch size in any dtype: the same as one image at a time."""

import pytest
import torch

from cases import CASES, Case, walk

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])


@walk(CASES)
@directions
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("batch", [1, 3, 33])
def test_a_batch_is_a_loop(
    case: Case,
    transposed: bool,
    batch: int,
    dtype: torch.dtype,
    device: str,
    generator: torch.Generator,
) -> None:
    operator = case.build(20).to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(batch, *operator.domain_shape, generator=generator).to(device, dtype)
    together, alone = operator(x), torch.stack([operator(image) for image in x])
    assert together.shape == (batch, *operator.range_shape)
    if device == "cuda" and dtype in (torch.float16, torch.bfloat16):
        # Tensor cores sum large batches in another order: a result may round to its neighbour.
        off = (together.double() - alone.double()).abs()
        last_bit = torch.finfo(dtype).eps * alone.double().abs()
        assert (off <= last_bit + 1e-6 * alone.double().abs().max()).all()
    else:
        assert torch.equal(together, alone)


@walk(CASES)
@directions
@pytest.mark.parametrize("leading", [(), (1,), (2, 3), (2, 1, 2, 1), (1, 1, 1, 1, 5)], ids=str)
def test_any_leading_dimensions(
    case: Case,
    transposed: bool,
    leading: tuple[int, ...],
    device: str,
    generator: torch.Generator,
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(*leading, *operator.domain_shape, generator=generator).to(device)
    result = operator(x)
    assert result.shape == (*leading, *operator.range_shape)
    flat = operator(x.reshape(-1, *operator.domain_shape))
    assert torch.equal(result, flat.reshape(result.shape))


@walk(CASES)
@directions
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("leading", [(0,), (3, 0), (0, 2, 5)], ids=str)
def test_batches_of_nothing(
    case: Case, transposed: bool, leading: tuple[int, ...], dtype: torch.dtype, device: str
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = torch.zeros(*leading, *operator.domain_shape, dtype=dtype, device=device)
    x.requires_grad_()
    result = operator(x)
    assert result.shape == (*leading, *operator.range_shape)
    assert result.dtype is dtype
    assert result.device.type == device
    result.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == x.shape


@walk(CASES)
@directions
def test_the_result_is_contiguous_and_its_own(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(2, *operator.domain_shape, generator=generator).to(device)
    first = operator(x)
    kept = first.clone()
    assert first.is_contiguous()
    operator(x + 1)
    assert torch.equal(first, kept)
