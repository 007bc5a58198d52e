"""What a solver returns: the images, and how it came to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor


class DivergenceWarning(UserWarning):
    """An item's residual grew instead of falling, or its iteration broke down."""


class Stop(IntEnum):
    """Why an item stopped; the values of `Result.status`."""

    ITERATIONS = 0
    """It did all iterations that it was given."""
    CONVERGED = 1
    """Its residual fell to the tolerance."""
    CALLBACK = 2
    """The callback returned True."""
    DIVERGED = 3
    """Its residual grew, or was no finite number."""
    BREAKDOWN = 4
    """A step did not exist; the solver's page says when."""


@dataclass(frozen=True)
class Result:
    """Images with the history of their iteration.

    All members are tensors on the device of the data; only the properties that return text read
    them on the host. The dots stand for the leading dimensions of the data.

    Attributes
    ----------
    x : Tensor
        The last iterate of each item, shape ``(..., *domain_shape)``. An item that diverged has
        the last one before its residual passed the limit.
    iterations : Tensor of int64, shape (...)
        Iterations that the item took.
    residuals : Tensor, shape (K + 1, ...)
        The relative residual (the solver says which) of the start and after each of the K
        iterations that were done. From where an item stopped its last value is repeated.
    converged : Tensor of bool, shape (...)
        Whether the residual fell to the tolerance.
    status : Tensor of int64, shape (...)
        Why the item stopped, as a `Stop`.
    tolerance : float
        What the residuals were compared with.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((8, 8)), tr.parallel_beam([0.0, 0.8, 1.6], columns=12))
    >>> result = solvers.cgls(A, A(torch.ones(2, 8, 8)), iterations=50, tolerance=1e-3)
    >>> result.x.shape
    torch.Size([2, 8, 8])
    >>> result.converged
    tensor([True, True])
    """

    x: Tensor
    iterations: Tensor
    residuals: Tensor
    converged: Tensor
    status: Tensor
    tolerance: float

    @property
    def reasons(self) -> list[str]:
        """Why each item stopped, in words, items in the order of ``x.flatten``-ed leading axes."""
        columns = self.residuals.detach().reshape(len(self.residuals), -1).T.tolist()
        rows = zip(
            self.status.flatten().tolist(), self.iterations.flatten().tolist(), columns, strict=True
        )
        return [self._reason(Stop(code), count, history) for code, count, history in rows]

    def _reason(self, code: Stop, count: int, history: list[float]) -> str:
        steps = f"{count} iteration" + ("" if count == 1 else "s")
        last = f"{history[-1]:.3g}"
        if code is Stop.CONVERGED:
            return f"converged: residual {last} <= tolerance {self.tolerance:.3g} after {steps}"
        if code is Stop.CALLBACK:
            return f"stopped by the callback after {steps} at residual {last}"
        if code is Stop.DIVERGED:
            return f"diverged: residual {last} after {steps}, {min(history):.3g} at its smallest"
        if code is Stop.BREAKDOWN:
            return f"broke down after {steps} at residual {last}"
        return f"did all {steps}, residual {last}"

    def __str__(self) -> str:
        reasons = self.reasons
        if len(reasons) == 1:
            return reasons[0]
        return "\n".join(f"item {index}: {reason}" for index, reason in enumerate(reasons))

    def __repr__(self) -> str:
        counts = torch.bincount(self.status.flatten(), minlength=len(Stop)).tolist()
        named = zip(Stop, counts, strict=True)
        stops = ", ".join(f"{count} {stop.name.lower()}" for stop, count in named if count)
        return f"Result(x of shape {tuple(self.x.shape)}, items: {stops or 'none'})"
