"""``torch-radon info``, and what the command says about itself."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import torch_radon
from cli.commands import fails, run
from scans import write_arrays
from torch_radon.cli import info as info_module

Arrays = dict[str, NDArray[np.generic]]


def test_scan(scan_file: Path, arrays: Arrays) -> None:
    with h5py.File(scan_file, "a") as file:
        file["exchange/title"] = "an ellipse"
    result = run("info", scan_file)
    assert result.exit_code == 0
    counts = arrays["exchange/data"]
    out = result.stdout
    assert out.startswith(f"{scan_file}, ")
    assert f"(60, 3, 64) uint16, 23.0 kB, {counts.min()} to {counts.max()}" in out
    assert "exchange/data_dark   (5, 3, 64) uint16, 1.9 kB, 100 to 100" in out
    assert "'an ellipse'" in out
    assert "scan    3 slices, 64 columns" in out
    assert "angles  60 views, 0 to 177 degrees, step 3" in out
    assert "memory  sinograms 46.1 kB, volume 49.2 kB (3 x 64 x 64 float32)" in out


def test_uneven_angles_and_values_that_are_not_finite(tmp_path: Path, arrays: Arrays) -> None:
    arrays["exchange/theta"] = np.r_[0.0:59.0:59j, 70.0]
    counts = arrays["exchange/data"].astype(np.float32)
    counts[3, 1, 4] = np.nan
    arrays["exchange/data"] = counts
    out = run("info", write_arrays(tmp_path / "scan.h5", arrays)).stdout
    assert "60 views, 0 to 70 degrees, uneven steps of 1.01724 to 11" in out
    assert ", 1 not finite" in out


def test_large_datasets_are_sampled(scan_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(info_module, "_SAMPLE_BYTES", 4000)
    assert "(every 6th)" in run("info", scan_file).stdout


def test_a_file_that_is_no_scan_is_listed_nevertheless(tmp_path: Path, arrays: Arrays) -> None:
    del arrays["exchange/theta"]
    path = write_arrays(tmp_path / "scan.h5", arrays)
    result = run("info", path)
    assert result.exit_code == 1
    assert "exchange/data_white" in result.stdout
    assert result.stderr.startswith(f"error: {path}: dataset 'exchange/theta' is missing")


def test_bad_files(tmp_path: Path) -> None:
    assert "no such file" in fails(1, "info", tmp_path / "missing.h5")
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    assert "notes.txt: not an HDF5 file" in fails(1, "info", text)


def test_installation() -> None:
    result = run("info")
    assert result.exit_code == 0
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["torch_radon"] == torch_radon.__version__
    assert lines["torch"] == torch.__version__
    assert lines["cpu"] == f"{torch.get_num_threads()} threads"
    # What the CUDA backend finds or misses is said on every machine.
    for name in ("driver", "compiler", "packages", "cache"):
        assert f"cuda {name} " in result.stdout


def test_help_and_version() -> None:
    assert f"version {torch_radon.__version__}" in run("--version").stdout
    for arguments in ([], ["--help"]):
        result = run(*arguments)
        assert result.exit_code == 0
        assert "reconstruct" in result.stdout
    assert "--center" in run("reconstruct", "--help").stdout
