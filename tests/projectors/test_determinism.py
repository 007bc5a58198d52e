"""Same input, same device, same bits: in every run and for every number of threads."""

from collections.abc import Iterator

import pytest
import torch

from cases import CASES, Case, walk

directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])
DTYPES = [torch.float64, torch.float32, torch.bfloat16]


@pytest.fixture
def threads() -> Iterator[None]:
    """Put PyTorch's number of threads back afterwards."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@walk(CASES)
@directions
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_two_runs_give_the_same_bits(
    case: Case, transposed: bool, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    operator, again = case.build(128, 40).to(device), case.build(128, 40).to(device)
    operator, again = (operator.T, again.T) if transposed else (operator, again)
    x = torch.randn(2, *operator.domain_shape, generator=generator).to(device, dtype)
    first = operator(x)
    for _ in range(3):
        assert torch.equal(operator(x), first)
    assert torch.equal(again(x.clone()), first)


@walk(CASES)
@directions
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.usefixtures("threads")
def test_any_number_of_threads_gives_the_same_bits(
    case: Case, transposed: bool, dtype: torch.dtype, batch: int, generator: torch.Generator
) -> None:
    operator = case.build(128, 41)
    operator = operator.T if transposed else operator
    x = torch.randn(batch, *operator.domain_shape, generator=generator).to(dtype)
    torch.set_num_threads(1)
    single = operator(x)
    for count in (2, 3, 7):
        torch.set_num_threads(count)
        assert torch.equal(operator(x), single)
