"""``torch-radon simulate``, and the way back with ``torch-radon reconstruct``."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from cli.commands import fails, run
from oracles.physics import afterglow_loop
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


def in_view(truth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The circle that the detector sees in all views."""
    rows, columns = np.indices(truth.shape[1:]) - (truth.shape[1] - 1) / 2
    return np.hypot(rows, columns) < 0.46 * truth.shape[1]


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
    inside = in_view(truth)
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


def fields(path: Path, *options: str) -> dict[str, NDArray[np.float64]]:
    """Counts, flat and dark fields of a simulated scan."""
    result = run("simulate", "-o", path, *options)
    assert result.exit_code == 0, result.output
    names = {"counts": "data", "flat": "data_white", "dark": "data_dark"}
    with h5py.File(path) as file:
        return {name: file[f"exchange/{key}"][...].astype(float) for name, key in names.items()}


def test_gain_and_energies(tmp_path: Path) -> None:
    """A count is not a photon: the variance over the mean is the gain over the Swank factor."""
    options = ("--photons", "900", "--gain", "3", "--swank", "0.8", "--columns", "64")
    found = fields(tmp_path / "scan.h5", "--frames", "400", "--views", "2", *options)
    light = found["flat"].mean(0) - 100
    assert light.max() == pytest.approx(2700, rel=0.2)
    ratio = (found["flat"].var(0) - 1 / 12) / light
    assert ratio.mean() == pytest.approx(3 / 0.8, rel=4 * (2 / 400 / 64) ** 0.5)


def test_a_converter_saturates(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    result = run("simulate", "-o", path, "--columns", "64", "--views", "30", "--bits", "13")
    summary = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert summary["read-out"] == "saturates at 8191"
    assert float(summary["saturated"].split()[0]) > 1
    found = fields(path, "--columns", "64", "--views", "30", "--bits", "13")
    assert found["counts"].max() == found["flat"].max() == 8191
    quiet = fields(path, "--columns", "64", "--views", "30", "--bits", "14", "--no-noise")
    assert (quiet["counts"] == quiet["counts"].round()).all()


def test_cross_talk_correlates_neighbours(tmp_path: Path) -> None:
    """Blurred noise is less, and alike in neighbours, by what the response says."""
    options = ("--columns", "200", "--frames", "300", "--views", "2", "--photons", "1e5")
    found = fields(tmp_path / "scan.h5", *options, "--cross-talk", "0.1")
    noise = found["flat"] - found["flat"].mean(0)
    noise /= np.sqrt(found["flat"].mean(0) - 100)
    # One detector row, whose blur across rows is mirrored into itself.
    response = 0.64 + 0.02
    assert noise.var() == pytest.approx(response, rel=0.03)
    assert np.mean(noise[..., 1:] * noise[..., :-1]) == pytest.approx(0.16, abs=0.02)


def test_afterglow_lags_behind(tmp_path: Path) -> None:
    """Against the recursion, view by view, started from the open beam's steady light."""
    options = ("--columns", "64", "--views", "60", "--no-noise", "--phantom", "random-ellipses")
    prompt = fields(tmp_path / "a.h5", *options)
    late = fields(tmp_path / "b.h5", *options, "--afterglow", "0.2:5", "--afterglow", "0.1:50")
    light = prompt["counts"][:, 0] - 100
    expected = afterglow_loop(light, [(0.2, 5.0), (0.1, 50.0)], light[0])
    np.testing.assert_allclose(late["counts"][:, 0] - 100, expected, rtol=1e-5, atol=0.01)
    np.testing.assert_array_equal(late["flat"], prompt["flat"])


@pytest.mark.parametrize("scanner", [(), FAN])
def test_a_bow_tie_filter_is_undone(tmp_path: Path, scanner: tuple[str, ...]) -> None:
    """It dims the ends of the detector, flat field and scan alike, and evens out a disc."""
    options = ("--columns", "129", "--views", "4", "--no-noise", *scanner)
    plain = fields(tmp_path / "plain.h5", *options)
    dimmed = fields(tmp_path / "dimmed.h5", *options, "--bow-tie", "2")
    flats = [found["flat"][0, 0] - 100 for found in (plain, dimmed)]
    extra = np.log(flats[0] / flats[1])
    assert extra[64] == pytest.approx(0, abs=1e-6)
    assert extra[[0, -1]] == pytest.approx([2, 2], abs=0.01)
    assert (np.diff(extra[64:]) > 0).all()
    lines = [np.log((f["flat"][0, 0] - 100) / (f["counts"] - 100)) for f in (plain, dimmed)]
    np.testing.assert_allclose(lines[0], lines[1], atol=2e-4)


def test_reconstruct_undoes_the_detector(tmp_path: Path) -> None:
    """Gain, dark level, bow-tie filter and converter are in the raw counts, not in the image."""
    detector = ("--gain", "0.05", "--dark-level", "700", "--bow-tie", "1", "--bits", "16",
                "--electronic-noise", "2", "--swank", "0.9")  # fmt: skip
    truth, volume, summary = round_trip(
        tmp_path, ("--phantom", "random-ellipses", *detector), ("--center", "63.5")
    )
    assert "clamped" not in summary
    inside = in_view(truth)
    error = (volume - truth)[0][inside]
    assert np.sqrt(np.mean(error**2)) < 0.06 * truth.max()
    assert volume[0][inside].sum() == pytest.approx(truth[0][inside].sum(), rel=4e-3)


def test_dead_pixels_stay_dark_beside_bright_ones(tmp_path: Path) -> None:
    trouble = ("--dead", "3", "--cross-talk", "0.2", "--afterglow", "0.3:10", "--columns", "64")
    found = fields(tmp_path / "scan.h5", "--views", "20", *trouble)
    silent = (found["flat"].mean(0) < 110)[0]
    assert silent.sum() == 3
    assert abs(found["counts"][:, 0, silent] - 100).max() < 1


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
        (["-o", "scan.h5", "--gain", "0"], "'--gain': 0.0 is not in the range"),
        (["-o", "scan.h5", "--swank", "1.5"], "'--swank': 1.5 is not in the range"),
        (["-o", "scan.h5", "--cross-talk", "0.6"], "'--cross-talk': 0.6 is not in the range"),
        (["-o", "scan.h5", "--bits", "0"], "'--bits': 0 is not in the range"),
        (["-o", "scan.h5", "--bits", "6"], "a dark level of 100 is more than 6 bits hold"),
        (["-o", "scan.h5", "--afterglow", "0.1"], "'0.1' is not PART:VIEWS with a part from 0"),
        (["-o", "scan.h5", "--afterglow", "0.1:0"], "'0.1:0' is not PART:VIEWS"),
        (["-o", "scan.h5", "--afterglow", "nan:3"], "'nan:3' is not PART:VIEWS"),
        (
            ["-o", "scan.h5", "--afterglow", "0.7:3", "--afterglow", "0.6:3"],
            "'--afterglow': the parts sum to more than 1",
        ),
        (["-o", "scan.h5", "--bow-tie", "-1"], "'--bow-tie': -1.0 is not in the range"),
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
