"""The CPU backend under threads: callers side by side, and a pool that follows PyTorch."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from cases import CASES, Case, walk


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@walk(CASES)
def test_many_callers_of_one_operator(case: Case, generator: torch.Generator) -> None:
    operator = case.build(64, 30)
    images = torch.randn(8, 2, *operator.domain_shape, generator=generator)
    expected = [(operator(x), operator.T(operator(x))) for x in images]
    torch.set_num_threads(2)
    start = threading.Barrier(8)

    def call(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        start.wait()
        for _ in range(5):
            result = operator(x), operator.T(operator(x))
        return result

    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(call, images))
    for (y, x), (expected_y, expected_x) in zip(found, expected, strict=True):
        assert torch.equal(y, expected_y)
        assert torch.equal(x, expected_x)


def test_callers_that_change_the_number_of_threads(generator: torch.Generator) -> None:
    operator = CASES[1].build(64, 30)
    x = torch.randn(3, *operator.domain_shape, generator=generator)
    expected = operator(x)
    start = threading.Barrier(4)

    def call(caller: int) -> bool:
        start.wait()
        same = True
        for turn in range(20):
            torch.set_num_threads(1 + (caller + turn) % 4)
            same &= torch.equal(operator(x), expected)
        return same

    with ThreadPoolExecutor(4) as callers:
        assert all(callers.map(call, range(4)))


def test_gradients_from_many_threads(generator: torch.Generator) -> None:
    operator = CASES[3].build(32, 10)
    images = torch.randn(8, *operator.domain_shape, generator=generator)
    expected = 2 * operator.T(operator(images))

    def call(x: torch.Tensor) -> torch.Tensor:
        x = x.clone().requires_grad_()
        operator(x).square().sum().backward()
        assert x.grad is not None
        return x.grad

    with ThreadPoolExecutor(8) as callers:
        assert torch.equal(torch.stack(list(callers.map(call, images))), expected)


def test_the_pool_holds_no_more_threads_than_pytorch_allows(generator: torch.Generator) -> None:
    operator = CASES[1].build(64, 30)
    x = torch.randn(4, *operator.domain_shape, generator=generator)
    counts = []
    for allowed in (4, 1, 2):
        torch.set_num_threads(allowed)
        for _ in range(3):
            operator(x)
        ours = [t for t in threading.enumerate() if t.name.startswith("torch_radon")]
        counts.append(len(ours))
        assert len(ours) <= 4
    assert counts[0] <= 4
    assert counts[2] <= 2 + counts[0]
