"""Bad input on the command line: one line that names the culprit, an exit code, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cli.commands import fails, run
from scans import write_arrays
from torch_radon.cli import app
from torch_radon.cli import reconstruct as reconstruct_module

Arrays = dict[str, NDArray[np.generic]]
BAD_DATA, BAD_USAGE = 1, 2


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """No test of this file leaves an output, a picture or a temporary file."""
    yield
    left = {p.name for p in tmp_path.iterdir()} - {"scan.h5", "notes.txt", "file"}
    assert left == set()


def test_truncated_file(tmp_path: Path, scan_file: Path) -> None:
    content = scan_file.read_bytes()
    scan_file.write_bytes(content[: len(content) // 2])
    line = fails(BAD_DATA, "reconstruct", scan_file, "-o", tmp_path / "a.npy")
    assert f"{scan_file}: HDF5 file is truncated or corrupt" in line


@pytest.mark.parametrize("name", ["data", "data_white", "data_dark", "theta"])
def test_missing_dataset(tmp_path: Path, arrays: Arrays, name: str) -> None:
    del arrays[f"exchange/{name}"]
    path = write_arrays(tmp_path / "scan.h5", arrays)
    line = fails(BAD_DATA, "reconstruct", path, "-o", tmp_path / "a.npy")
    assert f"{path}: dataset 'exchange/{name}' is missing" in line


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("data_white", lambda a: 0 * a, "flat field does not exceed the dark field at 64 of 64"),
        ("theta", lambda a: np.full_like(a, np.nan), "'exchange/theta' must be finite, got nan"),
        ("theta", lambda a: a[:0], "'exchange/theta' must have shape (60,)"),
        ("theta", lambda a: a[:7], "'exchange/theta' must have shape (60,)"),
        ("data", lambda a: a[:0], "none of them 0, got (0, 3, 64)"),
        ("data", lambda a: a * np.float32("nan"), "counts must be finite, got nan at frame 0"),
        ("data_dark", lambda a: a[:, :, 1:], "'exchange/data_dark' must have shape"),
        ("data", lambda a: np.full_like(a, 1000), "centre of rotation: "),
        ("theta", lambda a: a / 10, "the angles cover 18.0 degrees"),
    ],
)
def test_bad_data(
    tmp_path: Path,
    arrays: Arrays,
    name: str,
    change: Callable[[NDArray[np.generic]], NDArray[np.generic]],
    message: str,
) -> None:
    arrays[f"exchange/{name}"] = change(arrays[f"exchange/{name}"])
    path = write_arrays(tmp_path / "scan.h5", arrays)
    line = fails(BAD_DATA, "reconstruct", path, "-o", tmp_path / "a.npy")
    assert message in line
    assert str(path) in line


def test_few_views_need_a_center(tmp_path: Path, arrays: Arrays) -> None:
    for name in ("data", "theta"):
        arrays[f"exchange/{name}"] = arrays[f"exchange/{name}"][::6]
    path = write_arrays(tmp_path / "scan.h5", arrays)
    line = fails(BAD_DATA, "reconstruct", path, "-o", tmp_path / "a.npy")
    assert "at least 16 views and 16 columns are needed, got 10 and 64; give the centre" in line
    assert run("reconstruct", path, "--center", "33", "-o", tmp_path / "a.npy").exit_code == 0
    (tmp_path / "a.npy").unlink()


def test_wrong_kind_of_file(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no scan")
    assert f"{text}: not an HDF5 file" in fails(
        BAD_DATA, "reconstruct", text, "-o", tmp_path / "a.npy"
    )
    assert "no such file" in fails(
        BAD_DATA, "reconstruct", tmp_path / "missing.h5", "-o", tmp_path / "a.npy"
    )
    assert "is a folder" in fails(BAD_DATA, "reconstruct", tmp_path, "-o", tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["-o", "nowhere/a.npy"],
            "'-o' / '--output': nowhere/a.npy: folder nowhere does not exist",
        ),
        (["-o", "file/a.npy"], "file is not a folder"),
        (["-o", "."], "'-o' / '--output': .: "),
        (["-o", "a.jpg"], "cannot write .jpg, the output is one of .h5"),
        (["-o", "a"], "cannot write a file without suffix"),
        (["-o", "scan.h5"], "scan.h5 is the input file"),
        ([], "Missing option '-o' / '--output'"),
        (["-o", "a.npy", "--preview", "a.npy"], "cannot write .npy, a picture is one of .png"),
        (["-o", "a.npy", "--preview", "nowhere/a.png"], "'--preview': nowhere/a.png: folder nowh"),
        (
            ["-o", "a.npy", "--slices", "2:9"],
            "'--slices': 2:9 is not a part of the slices in the f",
        ),
        (["-o", "a.npy", "--slices", "3"], "3:4 is not a part of the slices in the file, 0:3"),
        (["-o", "a.npy", "--slices", "2:2"], "2:2 is not a part"),
        (["-o", "a.npy", "--slices=-1:"], "'-1:' is not a:b with whole numbers from 0"),
        (["-o", "a.npy", "--slices", "x:2"], "'x:2' is not a:b"),
        (["-o", "a.npy", "--slices", ""], "'' is not a:b"),
        (["-o", "a.npy", "--center", "64"], "column 64 is not on the detector, 0 to 63"),
        (["-o", "a.npy", "--center", "nan"], "'nan' is neither 'auto', 'moments', "),
        (["-o", "a.npy", "--center", "middle"], "'middle' is neither"),
        (["-o", "a.npy", "--method", "magic"], "'magic' is not"),
        (["-o", "a.npy", "--filter", "boxcar"], "'boxcar' is not one of 'ramp'"),
        (["-o", "a.npy", "--cutoff", "0"], "'--cutoff': 0.0 is not in the range 0<x<=1"),
        (["-o", "a.npy", "--pixel-size", "-1"], "'--pixel-size': -1.0 is not in the range"),
        (["-o", "a.npy", "--device", "abacus"], "'abacus' is not one of auto, cpu, cuda"),
        (["-o", "a.npy", "--device", "meta"], "'meta' is not one of auto, cpu, cuda"),
        (["-o", "a.npy", "--nonsense"], "No such option"),
    ],
)
def test_bad_options(
    scan_file: Path,
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(scan_file.parent)
    Path("file").write_text("")
    line = fails(BAD_USAGE, "reconstruct", scan_file.name, *options)
    assert message in line
    assert line.endswith("(see torch-radon reconstruct --help)")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_no_cuda_device(tmp_path: Path, scan_file: Path, device: str) -> None:
    line = fails(BAD_USAGE, "reconstruct", scan_file, "-o", tmp_path / "a.npy", "--device", device)
    assert f"'--device': '{device}': PyTorch finds no CUDA device" in line


def test_unknown_command() -> None:
    assert "No such command 'simulat'" in fails(BAD_USAGE, "simulat")


def _break(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(reconstruct_module, "reconstruct_scan", broken)


def test_the_unforeseen(tmp_path: Path, scan_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _break(monkeypatch, ZeroDivisionError("two lines\nof text"))
    line = fails(BAD_DATA, "reconstruct", scan_file, "-o", tmp_path / "a.npy")
    assert line == "error: ZeroDivisionError: two lines of text (--debug shows the traceback)"
    result = run("reconstruct", scan_file, "-o", tmp_path / "a.npy", "--debug")
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize("error", [MemoryError("8 GB"), torch.OutOfMemoryError("8 GB")])
def test_out_of_memory(
    tmp_path: Path, scan_file: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    _break(monkeypatch, error)
    line = fails(BAD_DATA, "reconstruct", scan_file, "-o", tmp_path / "a.npy")
    assert line == "error: not enough memory (8 GB); another --device may have more"


def test_interrupted(tmp_path: Path, scan_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _break(monkeypatch, KeyboardInterrupt())
    result = run("reconstruct", scan_file, "-o", tmp_path / "a.npy")
    assert result.exit_code == app.INTERRUPTED
    assert result.stderr.strip() == "error: interrupted"


def test_as_a_process(tmp_path: Path) -> None:
    """The exit code and the two streams as a shell sees them."""
    command = [sys.executable, "-m", "torch_radon", "reconstruct", "missing.h5", "-o", "a.npy"]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == BAD_DATA
    assert done.stdout == ""
    assert done.stderr == "error: missing.h5: no such file\n"
