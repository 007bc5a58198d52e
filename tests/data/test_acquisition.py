"""The geometry of a scanner: as an object and in a file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import torch_radon as tr
from scans import scan_arrays, write_arrays
from torch_radon.data import Acquisition, DataError, open_data_exchange, write_data_exchange

ANGLES = np.linspace(0, 2 * np.pi, 12, endpoint=False)
FAN = Acquisition("fan", 0.5, 40.0, 20.0, detector_offset=1.5, unit="mm")


def test_scan_of_a_fan() -> None:
    expected = tr.fan_beam(
        ANGLES, 9, 0.5, source_distance=40.0, detector_distance=20.0, detector_offset=1.5
    )
    np.testing.assert_allclose(FAN.scan(ANGLES, 9).to_vectors(), expected.to_vectors())
    assert FAN.center(9) == 1.0
    moved = tr.fan_beam(
        ANGLES, 9, 0.5, source_distance=40.0, detector_distance=20.0, detector_offset=-1.0
    )
    np.testing.assert_allclose(FAN.scan(ANGLES, 9, center=6.0).to_vectors(), moved.to_vectors())


@pytest.mark.parametrize("curved", [False, True])
def test_the_axis_projects_onto_the_center(curved: bool) -> None:
    scanner = Acquisition("fan", 0.5, 40.0, 20.0, curved=curved)
    scan = scanner.scan(ANGLES, 64, center=20.0)
    grain = tr.phantoms.Phantom([tr.phantoms.ellipse(1.0, (0, 0), (0.1, 0.1))])
    assert (grain.project(scan).argmax(1) == 20).all()


def test_scan_of_parallel_rays() -> None:
    scan = Acquisition(pixel_size=0.25).scan(ANGLES, 9, center=5.5)
    expected = tr.parallel_beam(ANGLES, 9, 0.25, axis_offset=1.5 * 0.25)
    np.testing.assert_allclose(scan.to_vectors(), expected.to_vectors(), atol=1e-15)


@pytest.mark.parametrize(
    "acquisition",
    [
        FAN,
        Acquisition("fan", 2.0, 7.0, 0.0, curved=True),
        Acquisition("parallel", 0.3, unit="um"),
        Acquisition(detector_offset=-3.0),
    ],
)
def test_round_trip(tmp_path: Path, acquisition: Acquisition) -> None:
    ones = np.ones((12, 1, 8))
    write_data_exchange(tmp_path / "scan.h5", ones, ones, 0 * ones, ANGLES, acquisition=acquisition)
    with open_data_exchange(tmp_path / "scan.h5") as scan:
        assert scan.acquisition == acquisition
    with h5py.File(tmp_path / "scan.h5") as file:
        assert file["implements"].asstr()[()] == "exchange:measurement"
        assert file["measurement/instrument/detector/x_pixel_size"][()] == acquisition.pixel_size
        units = file["measurement/instrument/detector/x_pixel_size"].attrs["units"]
        assert units == acquisition.unit


def test_names_that_mean_other_things_elsewhere_are_left_alone(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path = write_arrays(tmp_path / "scan.h5", scan_arrays(rng))
    with h5py.File(path, "a") as file:
        file["measurement/instrument/detector/x_pixel_size"] = 6.5e-6
        file["measurement/instrument/detector/distance"] = "near"
    with open_data_exchange(path) as scan:
        assert scan.acquisition is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source/beam": "cone"}, "beam must be one of parallel, fan, got 'cone'"),
        ({"source/distance": None}, "a fan beam needs source_distance"),
        ({"source/distance": -5.0}, "source_distance must be 0 or positive"),
        ({"source/distance": "far"}, "'measurement/instrument/source/distance' must be one number"),
        ({"detector/distance": np.nan}, "detector_distance must be finite"),
        ({"detector/x_pixel_size": [1.0, 2.0]}, "must be a dataset of one value"),
        ({"detector/x_pixel_size": 0.0}, "pixel_size must be positive"),
        ({"detector/shape": "round"}, "must be 'flat' or 'curved', got 'round'"),
    ],
)
def test_a_geometry_that_makes_no_sense(tmp_path: Path, changes, message) -> None:
    path = tmp_path / "scan.h5"
    ones = np.ones((12, 1, 8))
    write_data_exchange(path, ones, ones, 0 * ones, ANGLES, acquisition=FAN)
    with h5py.File(path, "a") as file:
        for name, value in changes.items():
            del file[f"measurement/instrument/{name}"]
            if value is not None:
                file[f"measurement/instrument/{name}"] = value
                if not isinstance(value, str):
                    file[f"measurement/instrument/{name}"].attrs["units"] = "mm"
    with pytest.raises(DataError, match=rf"scan\.h5: .*{message}"):
        open_data_exchange(path)


def test_lengths_in_different_units(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    ones = np.ones((12, 1, 8))
    write_data_exchange(path, ones, ones, 0 * ones, ANGLES, acquisition=FAN)
    with h5py.File(path, "a") as file:
        file["measurement/instrument/source/distance"].attrs["units"] = b"m"
    with pytest.raises(DataError, match=r"lengths must have one unit, got .*distance in 'm'"):
        open_data_exchange(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beam": "cone"}, "beam must be one of parallel, fan"),
        ({"beam": "fan"}, "needs source_distance and detector_distance"),
        ({"source_distance": 3.0}, "a parallel beam has no source to which distances could refer"),
        ({"curved": True}, "to which a curved detector could refer"),
        ({"pixel_size": 0.0}, "pixel_size must be positive"),
        ({"pixel_size": "big"}, "pixel_size must be a number"),
        ({"detector_offset": float("inf")}, "detector_offset must be finite"),
        ({"beam": "fan", "source_distance": 0.0, "detector_distance": 1.0}, "source_distance must"),
    ],
)
def test_bad_arguments(arguments, message) -> None:
    with pytest.raises(DataError, match=message):
        Acquisition(**arguments)
