"""The CPU backend in forked and spawned processes, DataLoader workers above all."""

import math
import multiprocessing
import sys
import warnings

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from cases import CASES
from torch_radon import LinearOperator

STARTS = [start for start in ("fork", "spawn") if start in multiprocessing.get_all_start_methods()]


class _Sinograms(Dataset[torch.Tensor]):
    """Projects an image that depends on the index, in whichever process asks."""

    def __init__(self, operator: LinearOperator) -> None:
        self.operator = operator

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> torch.Tensor:
        image = torch.linspace(0, index + 1, math.prod(self.operator.domain_shape))
        torch.set_num_threads(2)
        return self.operator(image.reshape(self.operator.domain_shape))


def _warm(operator: LinearOperator) -> None:
    """Start the pool in the parent, so that a child inherits what it must not use."""
    torch.set_num_threads(2)
    operator(torch.ones(8, *operator.domain_shape))


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("case", [CASES[1], CASES[4]], ids=lambda case: case.name)
def test_dataloader_workers(case, start: str) -> None:
    operator = case.build(64, 30)
    data = _Sinograms(operator)
    _warm(operator)
    loader = DataLoader(
        data, batch_size=3, num_workers=2, multiprocessing_context=start, timeout=120
    )
    found = torch.cat(list(loader))
    assert torch.equal(found, torch.stack([data[i] for i in range(len(data))]))
    # The parent's pool still works afterwards.
    _warm(operator)


def _child(operator: LinearOperator, queue) -> None:
    _warm(operator)
    queue.put(operator(torch.ones(2, *operator.domain_shape)).double().sum().item())


@pytest.mark.skipif("fork" not in STARTS, reason="this platform does not fork")
def test_fork_while_other_threads_project() -> None:
    import threading

    operator = CASES[1].build(64, 30)
    _warm(operator)
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            operator(torch.ones(8, *operator.domain_shape))

    busy = [threading.Thread(target=keep_busy) for _ in range(2)]
    for thread in busy:
        thread.start()
    context = multiprocessing.get_context("fork")
    try:
        expected = operator(torch.ones(2, *operator.domain_shape)).double().sum().item()
        for _ in range(5):
            queue = context.Queue()
            child = context.Process(target=_child, args=(operator, queue))
            with warnings.catch_warnings():
                # Python 3.12 warns of forks beside threads, which is what is tested here.
                warnings.simplefilter("ignore", DeprecationWarning)
                child.start()
            assert queue.get(timeout=60) == expected
            child.join(60)
            assert child.exitcode == 0
    finally:
        stop.set()
        for thread in busy:
            thread.join()


def test_this_platform_is_covered() -> None:
    assert "spawn" in STARTS
    assert ("fork" in STARTS) == (sys.platform != "win32")
