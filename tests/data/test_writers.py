"""Volumes written slice by slice: read back by the libraries themselves, and never half there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import torch

from torch_radon.data import DataError, open_writer
from torch_radon.data.atomic import replacing

SUFFIXES = [".h5", ".hdf5", ".tif", ".tiff", ".npy", ".TIF"]


def read(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.asarray(np.load(path))
    if path.suffix.lower().startswith(".tif"):
        return np.asarray(tifffile.imread(path))
    with h5py.File(path) as file:
        return np.asarray(file["exchange/data"])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip_in_blocks(tmp_path: Path, generator: torch.Generator, suffix: str) -> None:
    path = tmp_path / f"volume{suffix}"
    images = torch.randn(5, 6, 7, generator=generator)
    with open_writer(path, (5, 6, 7)) as writer:
        writer.write(images[:2])
        writer.write(images[2:2])
        writer.write(images[2:])
        assert not path.exists()
    result = read(path)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, images)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".h5", ".tif", ".npy"])
def test_other_types_and_strides(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"volume{suffix}"
    images = torch.arange(48.0, dtype=torch.float64).reshape(4, 3, 4).transpose(1, 2)
    with open_writer(path, (4, 4, 3)) as writer:
        writer.write(images)
    np.testing.assert_array_equal(read(path), images)


def test_attributes(tmp_path: Path) -> None:
    attributes: dict[str, str | float] = {"center": 12.5, "filter": "hann", "slices": 3}
    for suffix in (".h5", ".tif"):
        with open_writer(tmp_path / f"volume{suffix}", (2, 4, 4), attributes) as writer:
            writer.write(torch.zeros(2, 4, 4))
    with h5py.File(tmp_path / "volume.h5") as file:
        kept = dict(file["exchange/data"].attrs)
    assert kept == {**attributes, "axes": "z:y:x"}
    with tifffile.TiffFile(tmp_path / "volume.tif") as tif:
        assert json.loads(tif.pages[0].description) == attributes  # type: ignore[union-attr]
        assert len(tif.pages) == 2


@pytest.mark.parametrize("suffix", [".h5", ".tif", ".npy"])
@pytest.mark.parametrize("old", [None, b"what was there before"])
def test_nothing_changes_if_writing_fails(tmp_path: Path, suffix: str, old: bytes | None) -> None:
    path = tmp_path / f"volume{suffix}"
    if old is not None:
        path.write_bytes(old)

    def interrupted() -> None:
        with open_writer(path, (3, 4, 4)) as writer:
            writer.write(torch.zeros(1, 4, 4))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([] if old is None else [old])


def test_slices_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "volume.npy"

    def write(*images: torch.Tensor) -> None:
        with open_writer(path, (3, 4, 4)) as writer:
            for block in images:
                writer.write(block)

    with pytest.raises(ValueError, match=r"shape \(n, 4, 4\), got \(1, 4, 5\)"):
        write(torch.zeros(1, 4, 5))
    with pytest.raises(ValueError, match="has 3 slices, got 4"):
        write(torch.zeros(2, 4, 4), torch.zeros(2, 4, 4))
    with pytest.raises(ValueError, match="2 of 3 slices were written"):
        write(torch.zeros(2, 4, 4))
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match=r"folder .*nowhere does not exist"),
        replacing(tmp_path / "nowhere" / "a.npy"),
    ):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file is not a folder"), replacing(tmp_path / "file/a.npy"):
        pass
    with pytest.raises(DataError, match="is a folder, give"), replacing(tmp_path):
        pass
    with (
        pytest.raises(DataError, match=r"cannot write \.jpg, the output is one of \.h5"),
        open_writer(tmp_path / "a.jpg", (1, 2, 2)),
    ):
        pass


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    with pytest.raises(DataError, match="no permission"), replacing(folder / "a.npy"):
        pass


def test_disk_error_names_the_file(tmp_path: Path) -> None:
    def fill() -> None:
        with replacing(tmp_path / "a.npy"):
            raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"a\.npy: cannot be written \(No space left on device\)"):
        fill()
