"""``torch-radon simulate``, and the way back with ``torch-radon reconstruct``."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from cli.commands import fails, run
from torch_radon.data import open_data_exchange

BAD_USAGE = 2
FAN = ("--source-distance", "400", "--detector-distance", "200", "--unit", "mm")
SMALL = ("--columns", "128", "--views", "360", "--photons", "1e6")


def round_trip(
    folder: Path, simulate: tuple[str, ...], reconstruct: tuple[str, ...] = ()
) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, str]]:
    """Truth, volume and the summary of the reconstruction."""
    scan, truth, volume = folder / "scan.h5", folder / "truth.npy", folder / "volume.npy"
    result = run("simulate", "-o", scan, "--truth", truth, *SMALL, *simulate)
    assert result.exit_code == 0, result.output
    result = run("reconstruct", scan, "-o", volume, "--interpolation", "cubic", *reconstruct)
    assert result.exit_code == 0, result.output
    summary = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    return np.load(truth), np.load(volume), summary


GEOMETRIES: dict[str, tuple[tuple[str, ...], float, str]] = {
    # Options, the true centre, and how it is found.
    "parallel": (("--center", "65.2"), 65.2, "moments"),
    "parallel, full turn": (("--range", "360", "--center", "62.1"), 62.1, "moments"),
    "parallel, moved detector": (("--detector-offset", "35"), 28.5, "opposite"),
    "fan": ((*FAN, "--center", "64.8"), 64.8, "opposite"),
    "fan, wide": (("--beam", "fan", "--source-distance", "110", "--detector-distance", "70",
                   "--center", "63.9"), 63.9, "opposite"),
    "fan, curved": ((*FAN, "--curved", "--center", "62.6"), 62.6, "opposite"),
    "fan, short scan": ((*FAN, "--range", "short", "--center", "64.4"), 64.4, "opposite"),
    "fan, curved, short scan": ((*FAN, "--curved", "--range", "short"), 63.5, "opposite"),
    "half-fan": ((*FAN, "--detector-offset", "45", "--views", "720"), 18.5, "opposite"),
    "half-fan, curved, other side": (
        (*FAN, "--curved", "--detector-offset", "-40", "--views", "720"), 103.5, "opposite"),
    "fan, pixels of 0.5": ((*FAN, "--pixel-size", "0.5", "--center", "61.3"), 61.3, "opposite"),
}  # fmt: skip


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_round_trip(tmp_path: Path, geometry: str) -> None:
    """Nothing but the file is handed over: shape, scale, place and size are those of the truth."""
    options, center, method = GEOMETRIES[geometry]
    truth, volume, summary = round_trip(tmp_path, ("--phantom", "random-ellipses", *options))
    assert volume.shape == truth.shape
    found = float(summary["center"].split()[1].rstrip(","))
    assert abs(found - center) < 0.1
    assert f"found by {method} in" in summary["center"]
    rows, columns = np.indices(truth.shape[1:]) - (truth.shape[1] - 1) / 2
    inside = np.hypot(rows, columns) < 0.46 * truth.shape[1]
    error = (volume - truth)[0][inside]
    assert np.sqrt(np.mean(error**2)) < 0.035 * truth.max(), "edges blur"
    assert volume[0][inside].sum() == pytest.approx(truth[0][inside].sum(), rel=4e-3)


def test_the_file_says_what_the_scanner_was_like(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    options = (*FAN, "--curved", "--pixel-size", "0.4", "--detector-offset", "5")
    out = run("simulate", "-o", path, "--columns", "64", "--views", "20", "--rows", "2", *options)
    expected = (
        "fan beam, curved detector, pixels of 0.4 mm, source 400 mm, detector 200 mm from the "
        "axis, detector moved by 5 mm"
    )
    assert expected in out.stdout
    assert expected in run("info", path).stdout
    with open_data_exchange(path) as scan:
        assert scan.shape == (20, 2, 64)
        assert scan.acquisition is not None
        assert scan.acquisition.curved
        assert scan.acquisition.center(64) == pytest.approx(31.5 - 5 / 0.4)


def test_options_override_the_file(tmp_path: Path) -> None:
    """Told that the beam was parallel, it reconstructs something else."""
    path = tmp_path / "scan.h5"
    run("simulate", "-o", path, *SMALL, *FAN)
    volumes = []
    for options in ((), ("--beam", "parallel"), ("--source-distance", "500"), ("--curved",)):
        output = tmp_path / "volume.h5"
        result = run("reconstruct", path, "-o", output, "--center", "63.5", *options)
        assert result.exit_code == 0, result.output
        with h5py.File(output) as file:
            volumes.append(file["exchange/data"][...])
            scanner = file["exchange/data"].attrs["scanner"]
    assert scanner.startswith("fan beam, curved detector")
    for other in volumes[1:]:
        assert np.abs(other - volumes[0]).max() > 0.02 * volumes[0].max()


def test_a_seed_is_a_scan(tmp_path: Path) -> None:
    contents = []
    for seed in (1, 1, 2):
        run("simulate", "-o", tmp_path / "scan.h5", "--columns", "32", "--seed", seed)
        with h5py.File(tmp_path / "scan.h5") as file:
            contents.append(file["exchange/data"][...])
    np.testing.assert_array_equal(contents[0], contents[1])
    assert (contents[0] != contents[2]).any()


def test_counts_are_what_was_asked_for(tmp_path: Path) -> None:
    """Mean and variance of Poisson noise and of the read-out, dark level, largest integral."""
    path = tmp_path / "scan.h5"
    options = ("--photons", "500", "--dark-level", "200", "--electronic-noise", "7")
    run("simulate", "-o", path, "--columns", "64", "--frames", "400", "--views", "90", *options)
    with h5py.File(path) as file:
        dark, flat = file["exchange/data_dark"][...], file["exchange/data_white"][...]
        assert file["exchange/data"].dtype == np.uint16
    assert dark.mean() == pytest.approx(200, abs=0.3)
    assert dark.std() == pytest.approx((49 + 1 / 12) ** 0.5, rel=0.02)
    light = flat.mean(0) - 200
    assert light.max() == pytest.approx(500, rel=0.2)
    assert np.mean(flat.var(0) / (light + 49)) == pytest.approx(1, rel=0.03)


def test_trouble_that_was_asked_for_is_found(tmp_path: Path) -> None:
    """Dead pixels stop the run; repaired, cleaned and without rings the image is the truth's."""
    trouble = ("--dead", "2", "--zingers", "9", "--drift", "0.03", "--phantom", "random-ellipses")
    cure = ("--repair-dead", "--zingers", "0.25", "--center", "63.5", "--rings")
    truth, plain, summary = round_trip(tmp_path, trouble, (*cure, "none"))
    assert summary["repaired"] == "2 dead detector pixels interpolated, 9 zingers replaced"
    assert "dark field at 2 of 128 pixels" in fails(
        1, "reconstruct", tmp_path / "scan.h5", "-o", tmp_path / "a.npy"
    )
    _, clean, _ = round_trip(tmp_path, trouble, (*cure, "sorting"))
    errors = [np.sqrt(np.mean((volume - truth) ** 2)) for volume in (plain, clean)]
    assert errors[1] < 0.7 * errors[0]


def test_without_noise_the_line_integrals_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    run("simulate", "-o", path, "--views", "90", "--no-noise", "--absorption", 3)
    with h5py.File(path) as file:
        counts, flat = file["exchange/data"][...], file["exchange/data_white"][...]
    lines = -np.log((counts - 100) / (flat.mean(0) - 100))
    assert lines.max() == pytest.approx(3, abs=0.15)
    assert abs(lines.min()) < 1e-5


@pytest.mark.parametrize(
    "name", ["shepp-logan", "forbild", "disc", "line-pairs", "siemens-star", "contrast-discs"]
)
def test_every_phantom_fits_and_is_seen(tmp_path: Path, name: str) -> None:
    truth, volume, _ = round_trip(tmp_path, ("--phantom", name), ("--center", "63.5"))
    error = np.sqrt(np.mean((volume - truth) ** 2))
    assert error < 0.5 * truth.std()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Missing option '-o' / '--output'"),
        (["-o", "scan.tif"], "cannot write .tif, a scan is one of .h5, .hdf5"),
        (["-o", "nowhere/scan.h5"], "folder nowhere does not exist"),
        (["-o", "scan.h5", "--truth", "truth.jpg"], "'--truth': truth.jpg: cannot write .jpg"),
        (["-o", "scan.h5", "--phantom", "cat"], "'cat' is not one of 'shepp-logan'"),
        (["-o", "scan.h5", "--beam", "cone"], "'cone' is not one of 'parallel', 'fan'"),
        (["-o", "scan.h5", "--beam", "fan"], "needs source_distance and detector_distance; see"),
        (["-o", "scan.h5", "--source-distance", "5"], "a fan beam needs detector_distance"),
        (["-o", "scan.h5", "--source-distance", "-5"], "'--source-distance': -5.0 is not in the"),
        (["-o", "scan.h5", "--curved"], "no source to which a curved detector could refer"),
        (["-o", "scan.h5", "--pixel-size", "0"], "'--pixel-size': 0.0 is not in the range"),
        (["-o", "scan.h5", "--unit", "mile"], "'mile' is not one of 'm', 'cm'"),
        (["-o", "scan.h5", "--views", "0"], "'--views': 0 is not in the range"),
        (["-o", "scan.h5", "--range", "nan"], "'nan' is neither auto, short nor a number"),
        (["-o", "scan.h5", "--range", "0"], "'0' is neither auto, short nor a number"),
        (["-o", "scan.h5", "--center", "900"], "column 900 is not on the detector, 0 to 255"),
        (["-o", "scan.h5", "--detector-offset", "500"], "column -372.5 is not on the detector"),
        (["-o", "scan.h5", "--photons", "0"], "'--photons': 0.0 is not in the range"),
        (["-o", "scan.h5", "--drift", "-1"], "'--drift': -1.0 is not in the range"),
    ],
)
def test_bad_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    line = fails(BAD_USAGE, "simulate", *options)
    assert message in line
    assert line.endswith("(see torch-radon simulate --help)")
    assert list(tmp_path.iterdir()) == []
