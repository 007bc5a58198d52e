"""The cleaning that ``torch-radon reconstruct`` offers: options reach it, reports come back."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

import torch_radon as tr
from cli.commands import fails, run
from scans import write_arrays
from torch_radon.cli import pipeline
from torch_radon.data import (
    Readings,
    crop,
    line_integrals,
    open_data_exchange,
    paganin_length,
    rebin,
    remove_stripes_sorting,
    remove_stripes_wavelet,
)

Arrays = dict[str, NDArray[np.generic]]


def reconstruct(path: Path, *options: object) -> tuple[NDArray[np.float32], dict[str, str]]:
    output = Path(str(path).partition(":")[0]).parent / "volume.npy"
    result = run("reconstruct", path, "-o", output, *options)
    assert result.exit_code == 0, result.output
    summary = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    return np.load(output), summary


def read(path: Path) -> Readings:
    with open_data_exchange(path) as scan:
        return scan.read()


def by_hand(
    readings: Readings, center: float, remove: object = None, pixel: float = 1.0
) -> NDArray[np.float32]:
    sinograms = line_integrals(readings).sinograms
    if callable(remove):
        sinograms = remove(sinograms)
    columns = readings.shape[2]
    scan = tr.parallel_beam(
        readings.angles, columns, pixel, axis_offset=(center - (columns - 1) / 2) * pixel
    )
    A = tr.Projector(tr.Volume((columns, columns), spacing=pixel), scan)
    return np.asarray(tr.fbp(A, sinograms))


@pytest.mark.parametrize(
    ("name", "remove"), [("sorting", remove_stripes_sorting), ("wavelet", remove_stripes_wavelet)]
)
def test_rings(scan_file: Path, name: str, remove: object) -> None:
    volume, summary = reconstruct(scan_file, "--rings", name, "--center", 33)
    expected = by_hand(read(scan_file), 33, remove)
    np.testing.assert_allclose(volume, expected, atol=1e-5 * expected.max())
    assert summary["rings"] == f"removed by {name}"


def test_dead_pixels_and_zingers(tmp_path: Path, arrays: Arrays) -> None:
    clean, _ = reconstruct(write_arrays(tmp_path / "clean.h5", arrays), "--center", 33)
    for name in ("data", "data_white"):
        arrays[f"exchange/{name}"][:, 1, 20] = 100
    arrays["exchange/data"][7, 0, 30] = 60_000
    path = write_arrays(tmp_path / "scan.h5", arrays)
    line = fails(1, "reconstruct", path, "-o", tmp_path / "a.npy", "--center", 33)
    assert "at 1 of 192 pixels, first at row 1, column 20" in line
    assert "repair_dead (--repair-dead) interpolates them" in line
    volume, summary = reconstruct(path, "--center", 33, "--repair-dead", "--zingers", 0.25)
    assert summary["repaired"] == "1 dead detector pixel interpolated, 1 zinger replaced"
    assert np.sqrt(np.mean((volume - clean) ** 2)) < 0.05 * clean.max()


def test_crop_moves_the_center(scan_file: Path) -> None:
    """The image is that of the cropped detector, the centre stays a column of the whole one."""
    volume, summary = reconstruct(scan_file, "--crop", "10:60", "--center", 33)
    readings = read(scan_file)
    expected = by_hand(crop(readings, columns=slice(10, 60)), 23)
    assert volume.shape == (3, 50, 50)
    np.testing.assert_allclose(volume, expected, atol=1e-5 * expected.max())
    assert summary["center"] == "column 33.00"
    assert summary["input"].endswith("64 columns, of them 10:60")


def test_binning(scan_file: Path) -> None:
    volume, summary = reconstruct(scan_file, "--bin", 2, "--center", 33, "--pixel-size", 0.5)
    expected = by_hand(rebin(read(scan_file), 2, 2), 16.25, pixel=1.0)
    assert volume.shape == (1, 32, 32)
    np.testing.assert_allclose(volume, expected, atol=1e-5 * expected.max())
    assert summary["binning"] == "2 x 2 detector pixels"
    assert "pixels of 1" in summary["output"]


@pytest.mark.parametrize(
    "options", [("--crop", "2:60"), ("--bin", "2"), ("--crop", "3:", "--bin", 2)]
)
def test_the_center_is_found_in_the_columns_of_the_file(
    scan_file: Path, options: tuple[object, ...]
) -> None:
    _, summary = reconstruct(scan_file, *options)
    assert abs(float(summary["center"].split()[1].rstrip(",")) - 33.3) < 0.2


@pytest.mark.parametrize("method", ["moments", "opposite", "sharpest"])
def test_methods_of_finding_the_center(scan_file: Path, method: str) -> None:
    _, summary = reconstruct(scan_file, "--center", method)
    assert abs(float(summary["center"].split()[1].rstrip(",")) - 33.3) < 0.5
    assert f"found by {method} in" in summary["center"]


def test_phase_retrieval_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice needs the rows around it, whichever block it is in."""
    path = tmp_path / "scan.h5"
    run(
        *("simulate", "-o", path, "--columns", 48, "--rows", 80, "--views", 20, "--no-noise"),
        *("--pixel-size", 2, "--unit", "um"),
    )
    options = ("--center", 23.5, "--delta-beta", 50, "--energy", 20, "--propagation", 20_000)
    whole, summary = reconstruct(path, *options)
    length = paganin_length(20.0, 2e-2, 50.0) / 2e-6
    assert summary["phase"] == f"Paganin's filter, length {length:.4g} detector pixels"
    monkeypatch.setattr(pipeline, "_BLOCK_BYTES", 1)
    parts, _ = reconstruct(path, *options)
    np.testing.assert_allclose(parts, whole, atol=1e-4 * whole.max())
    some, _ = reconstruct(path, *options, "--slices", "40:42")
    np.testing.assert_allclose(some, whole[40:42], atol=1e-4 * whole.max())
    plain, _ = reconstruct(path, "--center", 23.5)
    assert np.abs(whole - plain).max() > 0.01 * plain.max()


def test_a_stack_of_images(tmp_path: Path, scan_file: Path, arrays: Arrays) -> None:
    expected, _ = reconstruct(scan_file, "--center", 33)
    tifffile.imwrite(tmp_path / "counts.tif", arrays["exchange/data"], photometric="minisblack")
    np.save(tmp_path / "flat.npy", arrays["exchange/data_white"])
    np.savetxt(tmp_path / "angles.txt", arrays["exchange/theta"])
    fields = ("--flat-field", tmp_path / "flat.npy", "--dark-field", "100")
    for angles in ("0:180", tmp_path / "angles.txt"):
        volume, summary = reconstruct(
            tmp_path / "counts.tif", *fields, "--angles", angles, "--center", 33
        )
        np.testing.assert_allclose(volume, expected, atol=1e-5 * expected.max())
    dataset = f"{scan_file}:exchange/data"
    volume, summary = reconstruct(
        Path(dataset),
        *("--flat-field", f"{scan_file}:exchange/data_white", "--dark-field", 100),
        *("--angles", "0:180", "--center", 33),
    )
    np.testing.assert_allclose(volume, expected, atol=1e-5 * expected.max())
    assert summary["angles"] == "60 views, 0 to 177 degrees, step 3"
    assert "60 x 3 x 64" in run("info", tmp_path / "counts.tif").stdout


def test_what_was_done_is_recorded(tmp_path: Path, scan_file: Path) -> None:
    output = tmp_path / "volume.h5"
    options = ("--rings", "sorting", "--interpolation", "bandlimited", "--extrapolation", "0.5")
    result = run("reconstruct", scan_file, "-o", output, *options, "--redundancy", "none")
    assert "bandlimited interpolation (4 x), redundancy none, extrapolated by 0.5" in result.stdout
    with h5py.File(output) as file:
        record = dict(file["exchange/data"].attrs)
    assert record["rings"] == "removed by sorting"
    assert record["interpolation"] == "bandlimited"
    assert record["scanner"] == "parallel beam, pixels of 1"


@pytest.mark.parametrize(
    ("code", "options", "message"),
    [
        (2, ["--crop", "5"], "'5' is not a:b with whole numbers from 0, a below b"),
        (2, ["--crop", "9:3"], "'9:3' is not a:b"),
        (2, ["--crop", "5:99"], "'--crop': 5:99 is not a part of the columns in the file, 0:64"),
        (2, ["--bin", "0"], "'--bin': 0 is not in the range"),
        (2, ["--bin", "99"], "'--bin': 99 is more than the 64 columns"),
        (2, ["--bin", "4"], "'--bin': 4 is more than the 3 rows to reconstruct"),
        (2, ["--rings", "magic"], "'magic' is not one of 'none', 'sorting', 'wavelet'"),
        (2, ["--zingers", "0"], "'--zingers': 0.0 is not in the range"),
        (2, ["--delta-beta", "50"], "needs --energy, --propagation, --unit too"),
        (2, ["--energy", "20", "--unit", "mm"], "needs --delta-beta, --propagation too"),
        (2, ["--size", "0"], "'--size': 0 is not in the range"),
        (2, ["--beam", "fan"], "a fan beam needs source_distance and detector_distance"),
        (2, ["--flat-field", "1"], "needs --dark-field, --angles too"),
        (2, ["--interpolation", "magic"], "'magic' is not one of 'linear', 'cubic'"),
        (2, ["--redundancy", "magic"], "'magic' is not one of 'auto'"),
        (2, ["--extrapolation", "-1"], "'--extrapolation': -1.0 is not in the range"),
        (
            1,
            ["--source-distance", "90", "--detector-distance", "9", "--center", "moments"],
            "the moments are those of parallel beams; try opposite",
        ),
        (1, ["--source-distance", "9", "--detector-distance", "1", "--center", "31"], "source"),
    ],
)
def test_bad_options(scan_file: Path, code: int, options: list[str], message: str) -> None:
    line = fails(code, "reconstruct", scan_file, "-o", scan_file.parent / "a.npy", *options)
    assert message in line
    assert [p.name for p in scan_file.parent.iterdir()] == ["scan.h5"]


@pytest.mark.parametrize(
    ("code", "options", "message"),
    [
        (2, [], "a stack of images needs --flat-field, --dark-field, --angles too"),
        (2, ["--angles", "0:180"], "needs --flat-field, --dark-field too"),
        (1, ["--angles", "no.txt", "--flat-field", "1", "--dark-field", "0"], "no.txt: no such"),
        (2, ["--angles", "a:b", "--flat-field", "1", "--dark-field", "0"], "'a:b' is neither a:b"),
        (1, ["--angles", "0:9", "--flat-field", "no.tif", "--dark-field", "0"], "no.tif: no such"),
        (
            1,
            ["--angles", "counts.npy", "--flat-field", "1", "--dark-field", "0"],
            "60 views need as many angles",
        ),
    ],
)
def test_bad_stacks(
    tmp_path: Path,
    arrays: Arrays,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("counts.npy", arrays["exchange/data"])
    assert message in fails(code, "reconstruct", "counts.npy", "-o", "a.npy", *options)
