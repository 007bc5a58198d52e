"""The loop under all solvers.

A solver gives a start and a step between states; the loop does the rest: each item of the batch
stops by itself and is frozen from then on, histories, divergence, callbacks, progress, and
checkpoints for the backward pass. Nothing in it waits for the device unless asked to.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from torch_radon.solvers.arithmetic import is_transformed, per_item
from torch_radon.solvers.history import Report, read
from torch_radon.solvers.problem import Problem, is_readable
from torch_radon.solvers.progress import Progress
from torch_radon.solvers.result import DivergenceWarning, Result, Stop

# A residual this many times its start (or that of the zero image, if larger) has diverged.
_LIMIT = 1e3

# How much a residual that can only fall may grow by rounding, relative to its smallest value.
_RISE = 1.01


class State(Protocol):
    """What a step maps to its next value: a NamedTuple of tensors ``(N, ...)`` or tuples of them.

    Two of them the loop knows: the iterate and its relative residual. A third, ``broken`` of shape
    ``(N,)`` and type bool, or None, may say that an item's step does not exist.
    """

    @property
    def x(self) -> Tensor:
        """Iterates, ``(N, *domain)``."""
        ...

    @property
    def residual(self) -> Tensor:
        """Relative residuals, ``(N,)``, detached: the stop quantity."""
        ...


S = TypeVar("S", bound=State)


def iterate(
    problem: Problem,
    start: S,
    step: Callable[[S, int], S],
    *,
    monotone: bool = False,
) -> Result:
    """Take steps from a start until every item has stopped or all iterations are done.

    An item stops when its residual falls to the tolerance (at the start already, if it is that
    small), when the residual is not finite or a thousand times that of the start and of zeros,
    or when its step breaks down. From then on its iterate is what it was, bit for bit; the rest of
    its state is too where derivatives are recorded, and elsewhere goes on unseen.

    Parameters
    ----------
    problem : Problem
        For the options and the leading dimensions.
    start : State
    step : callable
        ``step(state, k)`` returns the state after iteration k, counted from 0, computes each item
        from its own, and leaves `state` alone.
    monotone : bool, default False
        Whether theory says that the residual can only fall, so that growth is divergence.

    Returns
    -------
    Result

    Warns
    -----
    DivergenceWarning
        If an item diverged or broke down; its reason is in the result.
    """
    run = _Run(problem, start, step)
    try:
        run.finish()
    finally:
        if run.bar is not None:
            run.bar.close()
    return run.result(monotone)


class _Carry(NamedTuple):
    """What goes from one iteration to the next."""

    state: Any
    active: Tensor
    report: Report


class _Run:
    """One call of a solver: what holds for the whole loop, and what is done after an iteration."""

    def __init__(self, problem: Problem, start: State, step: Callable[[Any, int], Any]) -> None:
        self.problem, self.loop, self.step = problem, problem.loop, step
        residual = start.residual
        self.limit = _LIMIT * residual.clamp_min(1)
        report = Report(residual, getattr(start, "broken", None))
        self.carry = _Carry(start, residual > self.loop.tolerance, report)
        self.reports = [report]
        self.called_off = False
        self.bar = Progress(self.loop.iterations) if self.loop.progress else None
        self.is_watched = self.bar is not None or self.loop.callback is not None

    def finish(self) -> None:
        """Do the iterations, in segments between checkpoints if these are asked for."""
        total, every = self.loop.iterations, self.loop.checkpoint_every
        for first in range(0, total, every or total):
            segment = _Segment(self, first, min(first + (every or total), total))
            if every is None or not torch.is_grad_enabled():
                self.carry, reports = segment(self.carry)
            else:
                self.carry, reports = checkpoint(
                    segment, self.carry, use_reentrant=False, preserve_rng_state=False
                )
            self.reports += reports
            if segment.ended_early:
                return

    def advance(self, carry: _Carry, k: int) -> _Carry:
        """Do iteration k, and keep what it does to items that have not stopped."""
        old, active, before = carry
        new = self.step(old, k)
        residual, broken = new.residual, getattr(new, "broken", None)
        # False for NaN as well.
        sound = active & (residual <= self.limit)
        if broken is not None:
            # For flags this is "and not", in one operation.
            sound = sound > broken
        if is_transformed() or _requires_grad(new):
            # Derivatives would pass through whatever a stopped item went on to.
            state = _choose(sound, new, old)
        else:
            # The rest of its state nobody sees, and no item sees that of another.
            state = new._replace(x=_choose(sound, new.x, old.x))
        if self.is_watched:
            # Else the same is done at the end, for all iterations at once.
            residual = torch.where(active, residual, before.residual)
        return _Carry(state, sound & (residual > self.loop.tolerance), Report(residual, broken))

    def is_over(self, carry: _Carry, iteration: int) -> bool:
        """Tell those who asked about an iteration that was done, and whether it is the last."""
        loop, residual = self.loop, carry.report.residual
        if self.bar is not None:
            self.bar.update(residual)
        if loop.callback is not None:
            image = self.problem.images(carry.state.x)
            if loop.callback(iteration, image, self.problem.items(residual)) is True:
                self.called_off = True
                return True
        look = loop.check_every is not None and iteration % loop.check_every == 0
        return look and is_readable(carry.active) and not bool(carry.active.any())

    def result(self, monotone: bool) -> Result:
        """Sum up the run, and warn of items that went wrong."""
        residuals, iterations, broken = read(self.reports, self.loop.tolerance, self.limit)
        last = residuals[-1]
        diverged = ~(last <= self.limit)
        if monotone:
            precision = self.loop.projection_dtype or last.dtype
            floor = torch.finfo(precision).eps ** 0.5
            rises = residuals > _RISE * residuals.cummin(0).values
            diverged = diverged | (rises & (residuals > floor)).any(0)
        converged = (last <= self.loop.tolerance) & ~broken
        otherwise = Stop.CALLBACK if self.called_off else Stop.ITERATIONS
        status = torch.full_like(iterations, otherwise.value)
        for stop, items in (
            (Stop.CONVERGED, converged),
            (Stop.DIVERGED, diverged & ~converged),
            (Stop.BREAKDOWN, broken),
        ):
            status = status.masked_fill(items, stop.value)
        result = Result(
            self.problem.images(self.carry.state.x),
            self.problem.items(iterations),
            self.problem.items(residuals),
            self.problem.items(converged),
            self.problem.items(status),
            self.loop.tolerance,
        )
        _warn(result)
        return result


class _Segment:
    """Iterations between two checkpoints; done a second time when a gradient needs them."""

    def __init__(self, run: _Run, first: int, last: int) -> None:
        self._run, self._first, self._last = run, first, last
        self._replays = False
        self.ended_early = False

    def __call__(self, carry: _Carry) -> tuple[_Carry, list[Report]]:
        reports = []
        for k in range(self._first, self._last):
            carry = self._run.advance(carry, k)
            reports.append(carry.report)
            if not self._replays and self._run.is_over(carry, k + 1):
                self._last, self.ended_early = k + 1, True
                break
        self._replays = True
        return carry, reports


def _requires_grad(state: tuple[Any, ...]) -> bool:
    for part in state:
        if isinstance(part, Tensor):
            if part.requires_grad:
                return True
        elif isinstance(part, tuple) and _requires_grad(part):
            return True
    return False


def _choose(items: Tensor, new: Any, old: Any) -> Any:
    """Take the items of `new` that are chosen, and those of `old` elsewhere."""
    if isinstance(new, Tensor):
        return new if new is old else torch.where(per_item(items, new), new, old)
    if isinstance(new, tuple):
        parts = [_choose(items, a, b) for a, b in zip(new, old, strict=True)]
        return type(new)(*parts) if hasattr(new, "_fields") else tuple(parts)
    return new


def _warn(result: Result) -> None:
    if not is_readable(result.status):
        return
    items = (result.status >= Stop.DIVERGED).flatten().tolist()
    if not any(items):
        return
    first = items.index(True)
    whose = "" if len(items) == 1 else f"{sum(items)} of {len(items)} items; item {first} "
    warnings.warn(f"{whose}{result.reasons[first]}", DivergenceWarning, stacklevel=_user_level())


def _user_level() -> int:
    """How many calls above `_warn` the code of the user is."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("torch_radon."):
        frame, level = frame.f_back, level + 1
    return level
