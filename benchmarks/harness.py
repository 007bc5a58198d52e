"""What benchmarks share: timing, the machine's description, results as JSON and as a table."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


# Slow calls are repeated for no longer than this, in seconds, but three times at least.
LONG = 5.0


def median_time(call: Callable[[], object], repeats: int = 7) -> float:
    """Median duration of a call in seconds, after one call that warms up."""
    call()
    durations: list[float] = []
    while _goes_on(durations, repeats):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def device_time(call: Callable[[], object], repeats: int = 20) -> float:
    """Median duration on the GPU in seconds, between two events, after warming calls.

    The calls follow each other without a pause, as they do in a loop: the host's work counts only
    where it takes longer than the GPU's. Work on other streams than the current one counts if the
    call or the current stream waits for it.
    """
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    count = min(repeats, max(3, int(LONG / (time.perf_counter() - start))))
    events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(count)]
    # Work for the GPU until the host is ahead of it.
    call()
    for begin, end in events:
        begin.record()
        call()
        end.record()
    torch.cuda.synchronize()
    return 1e-3 * statistics.median(begin.elapsed_time(end) for begin, end in events)


def host_time(call: Callable[[], object], repeats: int = 500) -> float:
    """Median time on the host from a call to its return in seconds, the GPU left to itself."""
    for _ in range(20):
        call()
    torch.cuda.synchronize()
    durations: list[float] = []
    while _goes_on(durations, repeats):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    torch.cuda.synchronize()
    return statistics.median(durations)


def extra_memory(call: Callable[[], torch.Tensor]) -> int:
    """Bytes of the GPU that PyTorch's allocator gives a call at its peak, but for the result."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    result = call()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before - result.nbytes


def relative_error(result: torch.Tensor, reference: torch.Tensor) -> float:
    """Relative L2 distance, computed in float64."""
    reference = reference.double()
    return float((result.double() - reference).norm() / reference.norm())


def machine() -> dict[str, str]:
    """Name the processor and the versions that a figure depends on."""
    packages = ("torch", "numba", "numpy", "astra-toolbox", "scikit-image", "torch-radon")
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": str(torch.get_num_threads()),
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
        **(_gpu() if torch.cuda.is_available() else {}),
    }


def save(
    name: str,
    settings: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    missing: Sequence[dict[str, str]] = (),
) -> Path:
    """Write results with the machine that they were measured on to ``results/name.json``.

    `missing` lists what was asked for and could not be measured, and why.
    """
    content = {"machine": machine(), "settings": settings, "rows": list(rows)}
    if missing:
        content["missing"] = list(missing)
    return write(RESULTS / f"{name}.json", content)


def write(path: Path, content: dict[str, Any]) -> Path:
    """Write JSON, making its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Format rows that share their keys as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([_cell(row[key]) for key in head] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _goes_on(durations: Sequence[float], repeats: int) -> bool:
    return len(durations) < repeats and (len(durations) < 3 or sum(durations) < LONG)


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpu() -> dict[str, str]:
    packages = ("cuda-core", "cuda-bindings", "numba-cuda", "torchtomo", "diffct")
    return {
        "gpu": torch.cuda.get_device_name(),
        "cuda": str(torch.version.cuda),
        **{name: _version(name) for name in packages},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
