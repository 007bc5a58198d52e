"""What a part asks for, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Row = dict[str, Any]
Device = Literal["cpu", "cuda"]


class Outcome(NamedTuple):
    """Rows of a table, and images by name for the figures."""

    rows: list[Row]
    pictures: dict[str, NDArray[np.float16]] = {}  # noqa: RUF012


class Job(NamedTuple):
    """Calls of a function, one after the other in one process.

    Attributes
    ----------
    label : str
        What it is, for messages.
    function : callable
        Returns an `Outcome`.
    calls : list of tuple
        Arguments of each call.
    """

    label: str
    function: Callable[..., Outcome]
    calls: list[tuple[Any, ...]]


def picture(image: Tensor) -> NDArray[np.float16]:
    """Keep an image for a figure."""
    return image.detach().cpu().numpy().astype(np.float16)
