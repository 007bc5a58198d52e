"""Calls in a process of their own: what crashes or hangs there leaves the others alone."""

from __future__ import annotations

import multiprocessing
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, NamedTuple


class Failure(NamedTuple):
    """Why a call gave no result."""

    reason: str


def in_own_process(
    function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], limit: float
) -> Iterator[Any | Failure]:
    """Yield what `function` returns for each tuple of arguments, or its `Failure`.

    The calls share one new process, so that they share what it loads and compiles. One that takes
    longer than `limit` seconds ends it, and then the calls that follow fail too.
    """
    # A forked child could not use the GPU that its parent uses.
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(sender, function, calls), daemon=True)
    process.start()
    # With its only writer in the child, the pipe ends when the child does.
    sender.close()
    for _ in calls:
        if not receiver.poll(limit):
            process.kill()
            yield Failure(f"no result within {limit:g} s")
            continue
        try:
            yield receiver.recv()
        except EOFError:
            process.join(limit)
            yield Failure(f"its process ended with exit code {process.exitcode}")
    # Some libraries crash or hang when they are unloaded; their results are in hand by then.
    process.join(limit)
    process.kill()


def attempt(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any | Failure:
    """Return what `function` returns, or its `Failure` if it raises an exception."""
    try:
        return function(*arguments)
    except Exception as error:  # a library may raise anything: it is reported, not judged
        traceback.print_exc(file=sys.stderr)
        return Failure(f"{type(error).__name__}: {error}".strip().replace("\n", " ")[:300])


def _serve(sender: Connection, function: Callable[..., Any], calls: Sequence[Any]) -> None:
    for arguments in calls:
        sender.send(attempt(function, arguments))
