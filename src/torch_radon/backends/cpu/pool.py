"""The thread pool on which CPU kernels run: PyTorch's number of threads, safe after a fork."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import torch

_lock = threading.Lock()
_executor: ThreadPoolExecutor | None = None
_threads = 0


def run(tasks: Iterable[Callable[[], None]]) -> None:
    """Run all tasks on at most `torch.get_num_threads` threads, this one included, and wait.

    The tasks must release the interpreter lock to run side by side and must not call `run`
    themselves. They are begun in their order, each by the next thread that is free. The first
    exception is raised again here once all threads have ended.
    """
    queue = deque(tasks)
    helpers = min(torch.get_num_threads(), len(queue)) - 1

    def work() -> None:
        while True:
            try:
                task = queue.popleft()
            except IndexError:
                return
            task()

    futures = _submit(work, helpers) if helpers > 0 else []
    try:
        work()
    finally:
        errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]


def _submit(work: Callable[[], None], count: int) -> list[Future[None]]:
    global _executor, _threads
    with _lock:
        if _executor is None or _threads != torch.get_num_threads():
            # Threads of a pool that is being replaced finish what they have and end.
            if _executor is not None:
                _executor.shutdown(wait=False)
            _threads = torch.get_num_threads()
            _executor = ThreadPoolExecutor(_threads, thread_name_prefix="torch_radon")
        return [_executor.submit(work) for _ in range(count)]


def _forget() -> None:
    """Drop the parent's pool in a forked child, where its threads do not exist."""
    global _executor, _lock
    _executor, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
