"""What the iterations of a loop told of every item, read in one go at the end."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Report(NamedTuple):
    """What one iteration tells of every item.

    Attributes
    ----------
    residual : Tensor, shape (N,)
        Its relative residual, whether or not it has stopped.
    broken : Tensor of bool, shape (N,), or None
        Whether its step does not exist, for solvers whose steps may not.
    """

    residual: Tensor
    broken: Tensor | None


class History(NamedTuple):
    """The reports of a whole loop, up to where each item stopped.

    Attributes
    ----------
    residuals : Tensor, shape (K + 1, N)
        Of the start and after each iteration; the last one of an item is repeated.
    iterations : Tensor of int64, shape (N,)
        How many the item did.
    broken : Tensor of bool, shape (N,)
        Whether its last one broke down.
    """

    residuals: Tensor
    iterations: Tensor
    broken: Tensor


def read(reports: list[Report], tolerance: float, limit: Tensor) -> History:
    """Find where each item stopped.

    Parameters
    ----------
    reports : list of Report
        Of the start, and of each iteration.
    tolerance : float
        At and below which an item stops.
    limit : Tensor, shape (N,)
        Above which it does.

    Returns
    -------
    History
    """
    residuals = torch.stack([report.residual for report in reports])
    flags = [report.broken for report in reports if report.broken is not None]
    broken = torch.stack(flags) if flags else torch.zeros_like(residuals, dtype=torch.bool)
    goes_on = (residuals > tolerance) & (residuals <= limit) & ~broken
    # An item does an iteration if it went on after all that were before.
    iterations = goes_on[:-1].cumprod(0).sum(0)
    number = torch.arange(len(reports), device=residuals.device)
    told = residuals.gather(0, torch.minimum(number[:, None], iterations))
    return History(told, iterations, broken.gather(0, iterations[None])[0])
