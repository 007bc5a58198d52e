"""How the CPU kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

# Reordering sums and contracting products lets loops vectorise; NaN and infinity keep their
# meaning, so NaN in the data reaches the result.
FASTMATH = {"reassoc", "contract", "arcp", "nsz"}


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel at its first call, cached on disk where a place for that exists."""
    return _compile(function, FASTMATH)


def jit_in_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile like `jit`, but round every operation alike wherever a loop begins and ends.

    A vectorised loop may contract products in its body and not in its remainder. A kernel whose
    loops are cut differently for different numbers of threads must not.
    """
    return _compile(function, set())


def _compile(function: Callable[..., Any], fastmath: set[str]) -> Callable[..., Any]:
    try:
        return numba.njit(function, cache=True, nogil=True, fastmath=fastmath)
    except RuntimeError:
        # numba refuses a cache if neither the package's folder nor a home folder is writable.
        return numba.njit(function, nogil=True, fastmath=fastmath)
