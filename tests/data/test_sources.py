"""Stacks of images in TIFF, NumPy and HDF5 files, and scans made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import torch

from torch_radon.data import (
    DataError,
    StackScan,
    line_integrals,
    open_stack,
    open_writer,
    read_volume,
)

Write = Callable[[Path, np.ndarray], str]


def as_npy(folder: Path, data: np.ndarray) -> str:
    np.save(folder / "stack.npy", data)
    return str(folder / "stack.npy")


def as_tiff(folder: Path, data: np.ndarray) -> str:
    tifffile.imwrite(folder / "stack.tif", data, photometric="minisblack")
    return str(folder / "stack.tif")


def as_compressed_tiff(folder: Path, data: np.ndarray) -> str:
    path = folder / "stack.tiff"
    tifffile.imwrite(path, data, photometric="minisblack", compression="zlib")
    return str(path)


def as_big_endian_tiff(folder: Path, data: np.ndarray) -> str:
    tifffile.imwrite(folder / "stack.tif", data, photometric="minisblack", byteorder=">")
    return str(folder / "stack.tif")


def as_folder(folder: Path, data: np.ndarray) -> str:
    (folder / "images").mkdir()
    for number, image in enumerate(data):
        tifffile.imwrite(folder / "images" / f"view_{number}.tif", image)
    (folder / "images" / "notes.txt").write_text("not an image")
    return str(folder / "images")


def as_hdf5(folder: Path, data: np.ndarray) -> str:
    with h5py.File(folder / "stack.h5", "w") as file:
        file["entry/data"] = data
    return f"{folder / 'stack.h5'}:entry/data"


FORMATS = [as_npy, as_tiff, as_compressed_tiff, as_big_endian_tiff, as_folder, as_hdf5]


@pytest.fixture
def data(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 60_000, (12, 7, 9)).astype(np.uint16)


@pytest.mark.parametrize("write", FORMATS)
@pytest.mark.parametrize("dtype", ["uint16", "float32", "uint8"])
def test_whole_and_parts(tmp_path: Path, data: np.ndarray, write: Write, dtype: str) -> None:
    data = (data // 300).astype(dtype)
    stack = open_stack(write(tmp_path, data))
    assert stack.shape == (12, 7, 9)
    assert stack.read().dtype == torch.float32
    np.testing.assert_array_equal(stack.read(), data.astype(np.float32))
    part = stack.read(slice(1, 11, 3), slice(2, 5))
    np.testing.assert_array_equal(part, data[1:11:3, 2:5].astype(np.float32))
    stack.close()
    np.testing.assert_array_equal(part, data[1:11:3, 2:5].astype(np.float32))


@pytest.mark.parametrize("write", [as_npy, as_tiff, as_hdf5])
def test_float64_stays(tmp_path: Path, data: np.ndarray, write: Write) -> None:
    exact = data / 7
    np.testing.assert_array_equal(open_stack(write(tmp_path, exact)).read(), exact)


@pytest.mark.parametrize("write", [as_npy, as_tiff, as_hdf5])
def test_one_image(tmp_path: Path, data: np.ndarray, write: Write) -> None:
    stack = open_stack(write(tmp_path, data[0]))
    assert stack.shape == (1, 7, 9)
    np.testing.assert_array_equal(stack.read(rows=slice(1, 3))[0], data[0, 1:3])


def test_rows_cost_only_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without compression are mapped, never decoded as a whole."""
    data = np.arange(10 * 64 * 32, dtype=np.uint16).reshape(10, 64, 32)
    for path in (as_tiff(tmp_path, data), as_folder(tmp_path, data)):
        stack = open_stack(path)
        with monkeypatch.context() as patch:
            patch.setattr(tifffile.TiffPage, "asarray", None)
            patch.setattr(tifffile.TiffFrame, "asarray", None)
            np.testing.assert_array_equal(stack.read(rows=slice(60, 62)), data[:, 60:62])


@pytest.mark.parametrize("name", ["volume.h5", "volume.tif", "volume.npy"])
def test_volumes_that_were_written(tmp_path: Path, name: str, generator: torch.Generator) -> None:
    volume = torch.rand(4, 5, 6, generator=generator)
    with open_writer(tmp_path / name, (4, 5, 6), {"method": "fbp"}) as writer:
        writer.write(volume)
    torch.testing.assert_close(read_volume(tmp_path / name), volume, rtol=0, atol=0)
    torch.testing.assert_close(read_volume(tmp_path / name, slice(1, 3)), volume[1:3])


def test_numbers_in_names_count(tmp_path: Path) -> None:
    for number in (9, 10, 100, 1):
        tifffile.imwrite(tmp_path / f"a{number}.tif", np.full((2, 3), number, np.uint8))
    assert open_stack(tmp_path).read()[:, 0, 0].tolist() == [1, 9, 10, 100]


def test_files_that_cannot_be_used(tmp_path: Path, data: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"nowhere\.tif: no such file"):
        open_stack(tmp_path / "nowhere.tif")
    (tmp_path / "a.tif").write_text("no image")
    with pytest.raises(DataError, match=r"a\.tif: not a TIFF file, or truncated"):
        open_stack(tmp_path / "a.tif")
    (tmp_path / "a.npy").write_text("no array")
    with pytest.raises(DataError, match=r"a\.npy: not a NumPy file of numbers"):
        open_stack(tmp_path / "a.npy")
    np.save(tmp_path / "text.npy", np.array([["a"]]))
    with pytest.raises(DataError, match=r"text\.npy: must hold numbers"):
        open_stack(tmp_path / "text.npy")
    np.save(tmp_path / "four.npy", np.zeros((2, 2, 2, 2)))
    with pytest.raises(DataError, match=r"must hold images \(n, H, W\).* got shape \(2, 2, 2, 2\)"):
        open_stack(tmp_path / "four.npy")
    (tmp_path / "a.jpg").write_text("")
    with pytest.raises(DataError, match=r"cannot read \.jpg, images are in one of \.tif"):
        open_stack(tmp_path / "a.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="folder without a TIFF file"):
        open_stack(tmp_path / "empty")
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((4, 4, 3), np.uint8), photometric="rgb")
    with pytest.raises(DataError, match=r"must hold grey images \(H, W\), got shape \(4, 4, 3\)"):
        open_stack(tmp_path / "rgb.tif")
    path = as_hdf5(tmp_path, data)
    with pytest.raises(DataError, match="dataset 'entry/other' is missing"):
        open_stack(path.replace("data", "other"))


def test_images_that_differ(tmp_path: Path, data: np.ndarray) -> None:
    path = as_folder(tmp_path, data)
    tifffile.imwrite(Path(path) / "view_3.tif", data[3, :5])
    with pytest.raises(
        DataError, match=r"view_3\.tif: image 0 is \(5, 9\) uint16, expected \(7, 9"
    ):
        open_stack(path).read()


@pytest.mark.parametrize("write", [as_npy, as_tiff, as_compressed_tiff])
def test_truncated(tmp_path: Path, data: np.ndarray, write: Write) -> None:
    path = Path(write(tmp_path, data))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="truncated"):
        open_stack(path).read()


def test_selecting_nothing(tmp_path: Path, data: np.ndarray) -> None:
    with pytest.raises(DataError, match="rows 7:7 select nothing of 7"):
        open_stack(as_npy(tmp_path, data)).read(rows=slice(9, 12))


def test_scan(tmp_path: Path, rng: np.random.Generator) -> None:
    counts = rng.integers(200, 900, (6, 5, 8)).astype(np.uint16)
    flat = rng.integers(1000, 1100, (4, 5, 8)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "counts.tif", counts, photometric="minisblack")
    np.save(tmp_path / "flat.npy", flat)
    angles = np.linspace(0, np.pi, 6)
    with StackScan(tmp_path / "counts.tif", tmp_path / "flat.npy", 100.0, angles) as scan:
        assert (scan.views, scan.rows, scan.columns) == (6, 5, 8)
        readings = scan.read(slice(1, 3))
    sinograms = line_integrals(readings).sinograms
    expected = -np.log((counts[:, 1:3] - 100.0) / (flat[:, 1:3].mean(0) - 100.0))
    np.testing.assert_allclose(sinograms, expected.transpose(1, 0, 2), rtol=1e-4)
    np.testing.assert_array_equal(readings.angles, angles)


def test_scan_that_does_not_fit(tmp_path: Path) -> None:
    np.save(tmp_path / "counts.npy", np.ones((6, 5, 8)))
    np.save(tmp_path / "flat.npy", np.ones((2, 5, 7)))
    with pytest.raises(DataError, match=r"flat field must have images of \(5, 8\) .* got \(5, 7\)"):
        StackScan(tmp_path / "counts.npy", tmp_path / "flat.npy", 0.0, np.zeros(6))
    with pytest.raises(DataError, match=r"6 views need as many angles, got \(4,\)"):
        StackScan(tmp_path / "counts.npy", 1.0, 0.0, np.zeros(4))
    with pytest.raises(DataError, match=r"angles must be finite.*, got nan"):
        StackScan(tmp_path / "counts.npy", 1.0, 0.0, np.full(6, np.nan))
