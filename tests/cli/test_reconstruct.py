"""``torch-radon reconstruct``: files in, files out, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray

import torch_radon as tr
from cli.commands import run
from torch_radon.analytic.fbp import fbp
from torch_radon.cli import pipeline

Arrays = dict[str, NDArray[np.generic]]


def by_hand(
    arrays: Arrays, rows: slice, center: float, pixel: float = 1.0, **options: object
) -> NDArray[np.float32]:
    """The same reconstruction from NumPy's line integrals and the public functions."""
    counts, flat, dark = (
        np.asarray(arrays[f"exchange/data{name}"], dtype=np.float64)[:, rows]
        for name in ("", "_white", "_dark")
    )
    zero = dark.mean(0)
    lines = -np.log((counts - zero) / (flat.mean(0) - zero))
    angles = np.deg2rad(np.asarray(arrays["exchange/theta"], dtype=np.float64))
    columns = counts.shape[2]
    scan = tr.parallel_beam(
        angles, columns, pixel, axis_offset=(center - (columns - 1) / 2) * pixel
    )
    A = tr.Projector(tr.Volume((columns, columns), spacing=pixel), scan)
    sinograms = torch.from_numpy(lines.transpose(1, 0, 2)).float()
    return np.asarray(fbp(A, sinograms, **options))  # type: ignore[arg-type]


def test_volume_center_and_record(tmp_path: Path, scan_file: Path, arrays: Arrays) -> None:
    output = tmp_path / "volume.h5"
    result = run("reconstruct", scan_file, "--center", "auto", "-o", output)
    assert result.exit_code == 0, result.output
    with h5py.File(output) as file:
        volume = np.asarray(file["exchange/data"])
        record = dict(file["exchange/data"].attrs)
    assert abs(record["center"] - 33.3) < 0.1
    expected = by_hand(arrays, slice(None), record["center"])
    np.testing.assert_allclose(volume, expected, atol=1e-5 * expected.max())
    assert volume.dtype == np.float32
    assert record["method"] == "fbp"
    assert record["filter"] == "ramp"
    assert record["slices"] == "0:3"
    assert record["voxel_size"] == 1.0
    assert record["source"] == "scan.h5"
    assert record["axes"] == "z:y:x"


def test_summary_says_what_was_done(tmp_path: Path, scan_file: Path) -> None:
    output, preview = tmp_path / "volume.npy", tmp_path / "preview.png"
    result = run(
        *("reconstruct", scan_file, "-o", output, "--preview", preview),
        *("--slices", "1:3", "--filter", "hann", "--pixel-size", "0.5"),
    )
    assert result.exit_code == 0
    assert result.stderr == "", "no progress bar where nobody watches"
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["input"] == f"{scan_file}, slices 1:3 of 3, 64 columns"
    assert lines["angles"] == "60 views, 0 to 177 degrees, step 3"
    assert lines["center"].startswith("column 33.")
    assert "found by moments in" in lines["center"]
    assert lines["counts"] == "0 of 7680 readings raised to the smallest transmission, 1e-05"
    assert lines["method"] == "fbp, filter hann, cutoff 1"
    assert lines["device"].startswith("c")
    assert lines["output"].startswith(f"{output}, 2 x 64 x 64 float32 (")
    volume = np.load(output)
    smallest, _, largest = lines["values"].split()[:3]
    np.testing.assert_allclose(float(smallest), volume.min(), rtol=1e-3)
    np.testing.assert_allclose(float(largest), volume.max(), rtol=1e-3)
    assert lines["preview"] == str(preview)
    assert preview.read_bytes()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("text", "rows"),
    [("1:3", slice(1, 3)), (":2", slice(0, 2)), ("2:", slice(2, 3)), ("1", slice(1, 2))],
)
def test_options_reach_the_algorithm(
    tmp_path: Path, scan_file: Path, arrays: Arrays, text: str, rows: slice
) -> None:
    output = tmp_path / "volume.tif"
    result = run(
        *("reconstruct", scan_file, "-o", output, "--slices", text, "--center", "30.25", "--quiet"),
        *("--filter", "cosine", "--cutoff", "0.6", "--pixel-size", "0.25", "--device", "cpu"),
        *("--method", "fbp"),
    )
    assert (result.exit_code, result.output) == (0, "")
    volume = np.atleast_3d(tifffile.imread(output)).reshape(-1, 64, 64)
    expected = by_hand(arrays, rows, 30.25, 0.25, filter="cosine", cutoff=0.6)
    np.testing.assert_allclose(volume, expected, atol=1e-5 * expected.max())


def test_blocks_of_slices_give_the_same(
    tmp_path: Path, scan_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little memory a block may take, at least one slice fits and nothing changes."""
    for name, size in (("whole", pipeline._BLOCK_BYTES), ("parts", 1)):
        monkeypatch.setattr(pipeline, "_BLOCK_BYTES", size)
        preview = tmp_path / f"{name}.png"
        result = run(
            *("reconstruct", scan_file, "-q", "-o", tmp_path / f"{name}.npy"),
            *("--preview", preview, "--center", "33"),
        )
        assert result.exit_code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "whole.npy"), np.load(tmp_path / "parts.npy"))
    assert (tmp_path / "whole.png").read_bytes() == (tmp_path / "parts.png").read_bytes()


def test_clamped_readings_are_reported(tmp_path: Path, arrays: Arrays) -> None:
    from scans import write_arrays

    arrays["exchange/data"][5:8, 1, 20] = 0
    path = write_arrays(tmp_path / "scan.h5", arrays)
    result = run("reconstruct", path, "-o", tmp_path / "a.npy", "--center", "33")
    assert "3 of 11520 readings raised to the smallest transmission, 1e-05" in result.stdout
    result = run(
        *("reconstruct", path, "-o", tmp_path / "b.npy", "--center", "33"),
        *("--min-transmission", "0.001"),
    )
    assert "3 of 11520 readings raised to the smallest transmission, 0.001" in result.stdout


def test_an_output_of_that_name_is_replaced(tmp_path: Path, scan_file: Path) -> None:
    output = tmp_path / "volume.npy"
    output.write_text("old")
    assert run("reconstruct", scan_file, "-q", "-o", output).exit_code == 0
    assert np.load(output).shape == (3, 64, 64)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scan.h5", "volume.npy"]
