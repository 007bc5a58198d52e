"""Speed and accuracy of forward projection and adjoint beside other libraries.

    python benchmarks/projectors.py [--size 512] [--views 180]
    python benchmarks/projectors.py --device cuda [--case parallel-512x32-float32]

Either may name the libraries with ``--library``, once for each; all that are installed take part
otherwise. Each library runs in a process of its own, on the same random images and sinograms; one
that fails is listed with its reason, and the others go on.

On a CPU it is one image in float32, with a row for each number of threads for this library.

On a GPU the cases are those that the kernels are held to. Times are medians of whole calls between
CUDA events, packing and conversion included, the data on the GPU; the rows "from the host" and of
scikit-image are timed by the host, from NumPy arrays to NumPy arrays. "Gs/s" counts
``batch * views * columns * rows`` samples in 10^9 a second. Errors are relative L2 distances from
this library's float64 result, which the test suite compares with a dense NumPy matrix, so those of
libraries with other models contain the difference of the models: diffct has Siddon's chords,
torchtomo rotates the image's grid, and so does scikit-image, about an axis that at even sizes lies
half a pixel from ours.
The dot test is ``|<A x, y> - <x, A' y>| / (|A x| |y|)``. Extra memory is what a call takes at its
peak beyond input and output, over the larger of them; the memory that ASTRA takes past PyTorch's
allocator is not seen. The columns "ours faster" divide a library's time by this library's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click
import torch
from harness import save, table
from isolation import Failure, in_own_process
from measure import NONE, Row, cpu_rows, gpu_rows, host_rows
from peers import LIBRARIES
from workloads import GPU_CASES, SMALL_CASE, Case

Measurement = Callable[[str, Case, int], list[Row]]


def contest(
    measure: Measurement,
    libraries: Sequence[str],
    cases: Sequence[Case],
    repeats: int,
    limit: float,
) -> tuple[list[Row], list[dict[str, str]]]:
    """Measure libraries in cases; return the rows, case by case, and what is missing and why."""
    rows: dict[Case, list[Row]] = {case: [] for case in cases}
    missing = []
    for name in libraries:
        if not LIBRARIES[name].is_installed:
            missing.append({"library": name, "case": "all", "reason": "not installed"})
            continue
        calls = [(name, case, repeats) for case in cases]
        for case, result in zip(cases, in_own_process(measure, calls, limit), strict=True):
            if isinstance(result, Failure):
                missing.append({"library": name, "case": case.name, "reason": result.reason})
                click.echo(f"{name}, {case.name}: {result.reason}", err=True)
            else:
                rows[case] += result
                click.echo(f"{name}, {case.name}: {len(result) or 'no'} rows", err=True)
    return [row for case in cases for row in rows[case]], missing


def summary(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows of a GPU with the columns that a reader compares."""
    ours = {row["case"]: row for row in rows if row["library"] == "torch_radon"}
    for row in rows:
        short: Row = {"case": row["case"], "library": row["library"]}
        for what in ("forward", "adjoint"):
            short[f"{what} [Gs/s]"] = _whole(row[f"{what} [Gs/s]"])
            short[f"{what} error"] = row[f"{what} error"]
            short[f"{what}, ours faster"] = _ratio(row, ours.get(row["case"]), f"{what} [ms]")
        short["dot test"] = row["dot test"]
        memory = [row[f"{what} extra memory"] for what in ("forward", "adjoint")]
        short["extra memory"] = NONE if NONE in memory else max(memory)
        yield short


def _whole(value: float | str) -> float | str | int:
    return round(value) if isinstance(value, float) and value >= 100 else value


def _ratio(row: Row, ours: Row | None, key: str) -> str:
    if ours is None or ours is row or NONE in (row[key], ours[key]):
        return NONE
    return f"{row[key] / ours[key]:.3g}×"


def report(name: str, settings: dict[str, Any], rows: list[Row], missing: list[Any]) -> None:
    """Save a table's rows and print it, with what is missing from it."""
    path = save(name, settings, rows, missing)
    if rows:
        click.echo(table(list(summary(rows)) if "forward [Gs/s]" in rows[0] else rows))
    for entry in missing:
        click.echo(f"not measured: {entry['library']}, {entry['case']}: {entry['reason']}")
    click.echo(f"written to {path}\n")


@click.command()
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--library",
    "libraries",
    type=click.Choice(list(LIBRARIES)),
    multiple=True,
    help="A library that takes part; give it once for each.  [default: all]",
)
@click.option("--size", type=int, help="CPU: pixels a side, and columns.  [default: 512]")
@click.option("--views", type=int, help="CPU: number of views.  [default: 180]")
@click.option(
    "--case",
    "names",
    type=click.Choice([case.name for case in (*GPU_CASES, SMALL_CASE)]),
    multiple=True,
    help="GPU: a case to measure; give it once for each.  [default: all]",
)
@click.option("--repeats", default=20, show_default=True, help="Timed calls of each, at most.")
@click.option("--limit", default=90.0, show_default=True, help="Seconds for a library and case.")
@click.option("--name", help="Name of the JSON file.  [default: projectors_cpu or _cuda]")
def main(
    device: str,
    libraries: tuple[str, ...],
    size: int | None,
    views: int | None,
    names: tuple[str, ...],
    repeats: int,
    limit: float,
    name: str | None,
) -> None:
    """Time forward projection and adjoint beside other libraries."""
    name = name or f"projectors_{device}"
    able = [key for key, library in LIBRARIES.items() if device in library.devices]
    unable = sorted(set(libraries) - set(able))
    if unable:
        raise click.BadParameter(
            f"not on --device {device}: {', '.join(unable)}", param_hint="library"
        )
    libraries = libraries or tuple(able)
    if device == "cpu" and names:
        raise click.UsageError("--case is for --device cuda; a CPU takes --size and --views")
    if device == "cuda" and (size or views):
        raise click.UsageError("--size and --views are for --device cpu; a GPU takes --case")
    if device == "cpu":
        size, views = size or 512, views or 180
        settings = {"size": size, "views": views, "columns": size, "dtype": "float32"}
        cases = [Case("parallel", size, views, 1)]
        report(name, settings, *contest(cpu_rows, libraries, cases, repeats, limit))
        return
    if not torch.cuda.is_available():
        raise click.ClickException("--device cuda needs an NVIDIA GPU, and PyTorch finds none")
    settings = {"repeats": repeats}
    cases = [case for case in GPU_CASES if not names or case.name in names]
    if cases:
        report(name, settings, *contest(gpu_rows, libraries, cases, repeats, limit))
    if not names or SMALL_CASE.name in names:
        host = contest(host_rows, libraries, [SMALL_CASE], repeats, limit)
        report(f"{name}_host", settings, *host)


if __name__ == "__main__":
    main()
