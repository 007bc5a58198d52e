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


def median_time(call: Callable[[], object], repeats: int = 7) -> float:
    """Median duration of a call in seconds, after one call that warms up."""
    call()
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


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
    }


def save(name: str, settings: dict[str, Any], rows: Sequence[dict[str, Any]]) -> Path:
    """Write results with the machine that they were measured on to ``results/name.json``."""
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    content = {"machine": machine(), "settings": settings, "rows": list(rows)}
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Format rows that share their keys as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([_cell(row[key]) for key in head] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
