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

from torch_radon.solvers.arithmetic import per_item
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
    ``(N,)`` and type bool, may say that an item's step does not exist.
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
    or when its step breaks down. From then on its state is what it was, bit for bit.

    Parameters
    ----------
    problem : Problem
        For the options and the leading dimensions.
    start : State
    step : callable
        ``step(state, k)`` returns the state after iteration k, counted from 0, and leaves `state`
        alone.
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
    iterations: Tensor


class _Run:
    """One call of a solver: what holds for the whole loop, and what is done after an iteration."""

    def __init__(self, problem: Problem, start: State, step: Callable[[Any, int], Any]) -> None:
        self.problem, self.loop, self.step = problem, problem.loop, step
        residual = start.residual
        self.limit = _LIMIT * residual.clamp_min(1)
        self.carry = _Carry(
            start,
            residual > self.loop.tolerance,
            torch.zeros_like(residual, dtype=torch.int64),
        )
        self.history = [residual]
        self.called_off = False
        self.bar = Progress(self.loop.iterations) if self.loop.progress else None

    def finish(self) -> None:
        """Do the iterations, in segments between checkpoints if these are asked for."""
        total, every = self.loop.iterations, self.loop.checkpoint_every
        for first in range(0, total, every or total):
            segment = _Segment(self, first, min(first + (every or total), total))
            if every is None or not torch.is_grad_enabled():
                self.carry, residuals = segment(self.carry)
            else:
                self.carry, residuals = checkpoint(
                    segment, self.carry, use_reentrant=False, preserve_rng_state=False
                )
            self.history += residuals
            if segment.ended_early:
                return

    def advance(self, carry: _Carry, k: int) -> _Carry:
        """Do iteration k on the items that have not stopped."""
        old, active, iterations = carry
        new = self.step(old, k)
        # False for NaN as well.
        sound = active & (new.residual <= self.limit)
        # What an item says of itself as it stops is kept; its histories show where it went.
        told = {"residual": torch.where(active, new.residual, old.residual)}
        if getattr(new, "broken", None) is not None:
            sound = sound & ~new.broken
            told["broken"] = torch.where(active, new.broken, old.broken)
        state = _choose(sound, new._replace(**told), old._replace(**told))
        return _Carry(state, sound & (state.residual > self.loop.tolerance), iterations + active)

    def is_over(self, carry: _Carry, iteration: int) -> bool:
        """Tell those who asked about an iteration that was done, and whether it is the last."""
        loop, state = self.loop, carry.state
        if self.bar is not None:
            self.bar.update(state.residual)
        if loop.callback is not None:
            image, residual = self.problem.images(state.x), self.problem.items(state.residual)
            if loop.callback(iteration, image, residual) is True:
                self.called_off = True
                return True
        look = loop.check_every is not None and iteration % loop.check_every == 0
        return look and is_readable(carry.active) and not bool(carry.active.any())

    def result(self, monotone: bool) -> Result:
        """Sum up the run, and warn of items that went wrong."""
        state, _, iterations = self.carry
        residuals = torch.stack(self.history)
        last = state.residual
        diverged = ~(last <= self.limit)
        if monotone:
            precision = self.loop.projection_dtype or last.dtype
            floor = torch.finfo(precision).eps ** 0.5
            rises = residuals > _RISE * residuals.cummin(0).values
            diverged = diverged | (rises & (residuals > floor)).any(0)
        broken = getattr(state, "broken", None)
        if broken is None:
            broken = torch.zeros_like(diverged)
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
            self.problem.images(state.x),
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

    def __call__(self, carry: _Carry) -> tuple[_Carry, list[Tensor]]:
        residuals = []
        for k in range(self._first, self._last):
            carry = self._run.advance(carry, k)
            residuals.append(carry.state.residual)
            if not self._replays and self._run.is_over(carry, k + 1):
                self._last, self.ended_early = k + 1, True
                break
        self._replays = True
        return carry, residuals


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
