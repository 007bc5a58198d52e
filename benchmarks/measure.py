"""Rows of the projector benchmark: the time of a library's calls, with their errors.

The functions run in a process of their own, one a library, so they take and return what pickles.
Errors are relative L2 distances from this library's float64 result for the same, rounded input,
those of adjoints within the inscribed circle, which every library's rays cover.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from harness import device_time, extra_memory, host_time, median_time, relative_error
from peers import find
from peers.contest import Contestant, Problem
from torch import Tensor
from workloads import Case

Row = dict[str, Any]
NONE = "–"


def cpu_rows(library: str, case: Case, repeats: int) -> list[Row]:
    """Time and error on the CPU, a row for each number of threads."""
    problem = Problem(case, "cpu")
    references = _references(problem)
    rows, most = [], torch.get_num_threads()
    for contestant in find(library).prepare(problem):
        torch.set_num_threads(contestant.threads)
        row: Row = {"library": contestant.name, "threads": contestant.threads}
        for what, call in _directions(contestant):
            row[f"{what} [ms]"] = 1e3 * median_time(call, repeats) if call else NONE
            row[f"{what} error"] = _error(contestant, what, problem, references) if call else NONE
        rows.append(row)
        torch.set_num_threads(most)
    return rows


def gpu_rows(library: str, case: Case, repeats: int) -> list[Row]:
    """Time, samples a second, errors, dot test and memory with the data on a GPU."""
    problem, noisy = Problem(case, "cuda"), Problem(case, "cuda", noise=True)
    references, noisy_references = _references(problem), _references(noisy)
    prepare = find(library).prepare
    larger = max(problem.image.nbytes, problem.sinogram.nbytes)
    rows = []
    for contestant, twin in zip(prepare(problem), prepare(noisy), strict=True):
        row: Row = {
            "library": contestant.name,
            "case": case.name,
            "beam": case.beam,
            "size": case.size,
            "views": case.views,
            "batch": case.batch,
            "dtype": case.dtype_name,
        }
        for what, call in _directions(contestant):
            row |= {f"{what} {key}": NONE for key in ("[ms]", "[Gs/s]", "error", "extra memory")}
            if call is None:
                continue
            timer = device_time if contestant.clock == "device" else median_time
            seconds = timer(call, repeats)
            row[f"{what} [ms]"] = 1e3 * seconds
            row[f"{what} [Gs/s]"] = case.samples / seconds / 1e9
            row[f"{what} error"] = _error(contestant, what, problem, references)
            if contestant.allocates == "torch":
                row[f"{what} extra memory"] = extra_memory(call) / larger
        row["error on noise"] = _error(twin, "forward", noisy, noisy_references)
        row["dot test"] = _dot_test(contestant, problem)
        rows.append(row)
    return rows


def host_rows(library: str, case: Case, repeats: int) -> list[Row]:
    """Time on the host from a call to its return, in microseconds."""
    rows = []
    for contestant in find(library).prepare(Problem(case, "cuda")):
        row: Row = {"library": contestant.name, "case": case.name}
        for what, call in _directions(contestant):
            row[f"{what} [us]"] = 1e6 * host_time(call, 25 * repeats) if call else NONE
        rows.append(row)
    return rows


def _directions(contestant: Contestant) -> Iterator[tuple[str, Callable[[], Tensor] | None]]:
    yield "forward", contestant.forward
    yield "adjoint", contestant.adjoint


def _references(problem: Problem) -> dict[str, Tensor]:
    A = problem.projector()
    return {
        "forward": A(problem.image.double()),
        "adjoint": A.T(problem.sinogram.double()) * problem.disc,
    }


def _error(
    contestant: Contestant, what: str, problem: Problem, references: dict[str, Tensor]
) -> float:
    if what == "forward":
        result = contestant.like_ours_forward(contestant.forward())
    else:
        assert contestant.adjoint is not None
        result = contestant.like_ours_adjoint(contestant.adjoint())
        result = result.to(problem.device) * problem.disc
    error = relative_error(result.to(problem.device), references[what])
    if not math.isfinite(error):
        raise RuntimeError(f"{contestant.name}: the result of {what} was not or wrongly written")
    return error


def _dot_test(contestant: Contestant, problem: Problem) -> float | str:
    """``|<A x, y> - <x, A' y>| / (|A x| |y|)``, the sums in float64."""
    if contestant.adjoint is None:
        return NONE
    forward, adjoint = contestant.exact_pair or (contestant.forward, contestant.adjoint)
    x, y = problem.image.double(), problem.sinogram.double()
    projection = contestant.like_ours_forward(forward()).to(problem.device).double()
    back = contestant.like_ours_adjoint(adjoint()).to(problem.device).double()
    difference = (projection * y).sum() - (x * back).sum()
    return float(difference.abs() / (projection.norm() * y.norm()))
