"""A bounded memory for operators that a call needs besides those of its module."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import _get_current_dispatch_mode

# Results that each function remembers.
_KEPT = 32

Made = TypeVar("Made")


def remember(make: Callable[..., Made]) -> Callable[..., Made]:
    """Remember what a function made for its last few arguments, usable for gradients later."""

    def made(*arguments: Any) -> Made:
        # Tables that were made for inference could not be used for a gradient.
        with torch.inference_mode(False):
            return make(*arguments)

    remembered = lru_cache(_KEPT)(made)

    def recall(*arguments: Hashable) -> Made:
        # What is made while a mode such as that of fake tensors is on must not outlive it.
        is_real = _get_current_dispatch_mode() is None
        return remembered(*arguments) if is_real else made(*arguments)

    return recall
