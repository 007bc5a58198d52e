"""The thread pool on which CPU kernels run: PyTorch's number of threads, safe after a fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import torch

_lock = threading.Lock()
_executor: ThreadPoolExecutor | None = None
_threads = 0


def run(tasks: Iterable[Callable[[], None]]) -> None:
    """Run all tasks on at most `torch.get_num_threads` threads and wait for them.

    The tasks must release the interpreter lock to run side by side and must not call `run`
    themselves. The first exception is raised again here once all tasks have ended.
    """
    tasks = list(tasks)
    threads = min(torch.get_num_threads(), len(tasks))
    if threads <= 1:
        for task in tasks:
            task()
        return
    futures = _submit(tasks)
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]


def _submit(tasks):
    global _executor, _threads
    with _lock:
        if _executor is None or _threads != torch.get_num_threads():
            # Threads of a pool that is being replaced finish what they have and end.
            if _executor is not None:
                _executor.shutdown(wait=False)
            _threads = torch.get_num_threads()
            _executor = ThreadPoolExecutor(_threads, thread_name_prefix="torch_radon")
        return [_executor.submit(task) for task in tasks]


def _forget() -> None:
    """Drop the parent's pool in a forked child, where its threads do not exist."""
    global _executor, _lock
    _executor, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
