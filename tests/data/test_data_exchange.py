"""Reading and writing Data Exchange files; the files read are written with plain h5py."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scans import scan_arrays, write_arrays
from torch_radon.data import DataError, open_data_exchange, write_data_exchange

COUNTS, FLAT = "exchange/data", "exchange/data_white"
DARK, ANGLES = "exchange/data_dark", "exchange/theta"


@pytest.fixture
def arrays(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return scan_arrays(rng, views=20, rows=5, columns=16, center=8)


def test_reads_what_h5py_wrote(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    with open_data_exchange(write_arrays(tmp_path / "scan.h5", arrays)) as scan:
        assert scan.shape == (scan.views, scan.rows, scan.columns) == (20, 5, 16)
        readings = scan.read()
    np.testing.assert_array_equal(readings.counts, arrays[COUNTS])
    np.testing.assert_array_equal(readings.flat, arrays[FLAT])
    np.testing.assert_array_equal(readings.dark, arrays[DARK])
    np.testing.assert_allclose(readings.angles, np.pi / 180 * arrays[ANGLES], rtol=1e-15)
    assert readings.counts.dtype == torch.float32
    assert readings.angles.dtype == torch.float64
    assert readings.shape == (20, 5, 16)


@given(start=st.integers(0, 4), length=st.integers(1, 5), step=st.integers(1, 3))
def test_reads_any_rows(
    tmp_path: Path, arrays: dict[str, np.ndarray], start: int, length: int, step: int
) -> None:
    rows = slice(start, start + length, step)
    with open_data_exchange(write_arrays(tmp_path / "scan.h5", arrays)) as scan:
        readings = scan.read(rows)
    np.testing.assert_array_equal(readings.counts, arrays[COUNTS][:, rows])
    np.testing.assert_array_equal(readings.flat, arrays[FLAT][:, rows])
    np.testing.assert_array_equal(readings.dark, arrays[DARK][:, rows])


def test_reads_nothing_but_the_rows_asked_for(
    tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    """Rows whose compressed bytes are damaged do no harm to the others."""
    path = tmp_path / "scan.h5"
    counts = arrays.pop(COUNTS)
    write_arrays(path, arrays)
    with h5py.File(path, "a") as file:
        dataset = file.create_dataset(COUNTS, data=counts, chunks=(20, 1, 16), compression="gzip")
        chunk = dataset.id.get_chunk_info_by_coord((0, 4, 0))
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\0" * chunk.size)
    with open_data_exchange(path) as scan:
        np.testing.assert_array_equal(scan.read(slice(0, 4)).counts, counts[:, :4])
        with pytest.raises(DataError, match=r"scan\.h5: dataset 'exchange/data' cannot be read"):
            scan.read(slice(4, 5))


def test_float64_stays(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    arrays[COUNTS] = arrays[COUNTS].astype(np.float64) / 3
    with open_data_exchange(write_arrays(tmp_path / "scan.h5", arrays)) as scan:
        counts = scan.read().counts
    assert counts.dtype == torch.float64
    np.testing.assert_array_equal(counts, arrays[COUNTS])


@pytest.mark.parametrize("dtype", [">u2", ">f4", "<i4", "u1", "<f2"])
def test_any_numeric_type(tmp_path: Path, arrays: dict[str, np.ndarray], dtype: str) -> None:
    arrays[COUNTS] = (arrays[COUNTS] // 100).astype(dtype)
    with open_data_exchange(write_arrays(tmp_path / "scan.h5", arrays)) as scan:
        np.testing.assert_array_equal(scan.read().counts, arrays[COUNTS].astype(np.float32))


@pytest.mark.parametrize(
    ("units", "factor"),
    [("degrees", np.pi / 180), (b"deg", np.pi / 180), ("", np.pi / 180), ("radians", 1)],
)
def test_units_of_the_angles(
    tmp_path: Path, arrays: dict[str, np.ndarray], units: str | bytes, factor: float
) -> None:
    path = write_arrays(tmp_path / "scan.h5", arrays)
    with h5py.File(path, "a") as file:
        file[ANGLES].attrs["units"] = units
    with open_data_exchange(path) as scan:
        np.testing.assert_allclose(scan.angles, factor * arrays[ANGLES], rtol=1e-15)


def test_unknown_units_of_the_angles(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    path = write_arrays(tmp_path / "scan.h5", arrays)
    with h5py.File(path, "a") as file:
        file[ANGLES].attrs["units"] = "gon"
    with pytest.raises(DataError, match=r"theta' has units 'gon'; expected degrees or radians"):
        open_data_exchange(path)


def test_round_trip(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    path = tmp_path / "scan.h5"
    angles = np.deg2rad(arrays[ANGLES])
    write_data_exchange(path, arrays[COUNTS], arrays[FLAT], arrays[DARK], angles, title="disc")
    with h5py.File(path) as file:
        for name in (COUNTS, FLAT, DARK):
            np.testing.assert_array_equal(file[name], arrays[name])
            assert file[name].dtype == arrays[name].dtype
        np.testing.assert_allclose(file[ANGLES], arrays[ANGLES], rtol=1e-14)
        assert file[ANGLES].attrs["units"] == "degrees"
        assert file["exchange/title"].asstr()[()] == "disc"
    with open_data_exchange(path) as scan:
        np.testing.assert_allclose(scan.angles, angles, rtol=1e-14)
    assert list(tmp_path.iterdir()) == [path]


def test_a_scan_that_cannot_be_read_is_not_written(
    tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    path = tmp_path / "scan.h5"
    with pytest.raises(DataError, match=r"scan\.h5: dataset 'exchange/theta' must have shape"):
        write_data_exchange(path, arrays[COUNTS], arrays[FLAT], arrays[DARK], [0.0, 1.0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [COUNTS, FLAT, DARK, ANGLES])
def test_missing_dataset(tmp_path: Path, arrays: dict[str, np.ndarray], name: str) -> None:
    del arrays[name]
    path = write_arrays(tmp_path / "scan.h5", arrays)
    with pytest.raises(DataError, match=rf"scan\.h5: dataset '{name}' is missing .* has exchange/"):
        open_data_exchange(path)


def test_no_datasets_at_all(tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "empty.h5", {})
    with pytest.raises(DataError, match=r"'exchange/data' is missing .*; the file has no datasets"):
        open_data_exchange(path)


def test_group_where_a_dataset_should_be(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    arrays["exchange/theta/values"] = arrays.pop(ANGLES)
    path = write_arrays(tmp_path / "scan.h5", arrays)
    with pytest.raises(DataError, match="'exchange/theta' is missing"):
        open_data_exchange(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (COUNTS, lambda a: a[:, 0], r"'exchange/data' must have shape .* got \(20, 16\)"),
        (COUNTS, lambda a: a[:0], r"'exchange/data' must have shape .* got \(0, 5, 16\)"),
        (FLAT, lambda a: a[:, :, 1:], r"'exchange/data_white' .*\(frames, 5, 16\).* \(10, 5, 15\)"),
        (DARK, lambda a: a[:0], r"'exchange/data_dark' .* got \(0, 5, 16\)"),
        (DARK, lambda a: a[0], r"'exchange/data_dark' .* got \(5, 16\)"),
        (ANGLES, lambda a: a[:-1], r"'exchange/theta' must have shape \(20,\).* got \(19,\)"),
        (ANGLES, lambda a: a[:0], r"'exchange/theta' must have shape \(20,\).* got \(0,\)"),
        (ANGLES, lambda a: a * [1, np.nan] * 10, r"finite, got nan at view 1 \(10 of 20 views\)"),
        (COUNTS, lambda a: a.astype("S5"), r"'exchange/data' must hold numbers, got \|S5"),
        (COUNTS, lambda a: a.astype(complex), r"'exchange/data' must hold numbers, got complex"),
    ],
)
def test_content_that_does_not_fit(tmp_path, arrays, name, change, message):
    if "nan" in message:
        arrays[name][1::2] = np.nan
    else:
        arrays[name] = change(arrays[name])
    path = write_arrays(tmp_path / "scan.h5", arrays)
    with pytest.raises(DataError, match=message):
        open_data_exchange(path)


def test_rows_outside(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    with (
        open_data_exchange(write_arrays(tmp_path / "scan.h5", arrays)) as scan,
        pytest.raises(DataError, match=r"rows 5:5 select nothing; .* has 5 rows"),
    ):
        scan.read(slice(7, 9))


@pytest.mark.parametrize("keep", [0.999, 0.5, 0.05])
def test_truncated_file(tmp_path: Path, arrays: dict[str, np.ndarray], keep: float) -> None:
    path = write_arrays(tmp_path / "scan.h5", arrays)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(DataError, match=r"scan\.h5: HDF5 file is truncated or corrupt \(.*truncat"):
        open_data_exchange(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "an empty file"), (b"II*\0 not HDF5 at all", "not an HDF5 file")],
)
def test_another_kind_of_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "scan.h5"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"scan\.h5: {message}"):
        open_data_exchange(path)


def test_user_block_is_allowed(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    """HDF5 may begin with a block of another format; it is no other kind of file for that."""
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w", userblock_size=1024) as file:
        for name, array in arrays.items():
            file[name] = array
    with open_data_exchange(path) as scan:
        assert scan.shape == (20, 5, 16)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="truncated or corrupt"):
        open_data_exchange(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing\.h5: no such file"):
        open_data_exchange(tmp_path / "missing.h5")
    with pytest.raises(DataError, match="is a folder"):
        open_data_exchange(tmp_path)
