"""``torch-radon reconstruct`` with iterative methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import torch_radon as tr
from cli.commands import fails, run
from datasets import dataset
from torch_radon import solvers
from torch_radon.cli import reconstruct as command
from torch_radon.regularization import TV, NonNegative

Arrays = dict[str, NDArray[np.generic]]
CENTER = 33.3


def by_hand(arrays: Arrays, method: str, clamp: bool, **options: Any) -> NDArray[np.float32]:
    """The same reconstruction from NumPy's line integrals and the public functions."""
    counts, flat, dark = (
        np.asarray(arrays[f"exchange/data{name}"], dtype=np.float64)
        for name in ("", "_white", "_dark")
    )
    zero = dark.mean(0)
    lines = -np.log((counts - zero) / (flat.mean(0) - zero)).transpose(1, 0, 2)
    y = torch.from_numpy(lines.clip(0) if clamp else lines).float()
    angles = np.deg2rad(np.asarray(arrays["exchange/theta"], dtype=np.float64))
    scan = tr.parallel_beam(angles, 64, axis_offset=CENTER - 31.5)
    A = tr.Projector(tr.Volume((40, 40)), scan)
    return np.asarray(getattr(solvers, method)(A, y, **options).x)


@pytest.mark.parametrize(
    ("name", "given", "method", "options", "said"),
    [
        ("landweber", "--iterations 3", "landweber", {"iterations": 3}, "3 iterations"),
        ("cgls", "--damping 2", "cgls", {"iterations": 20, "damping": 2.0}, "damping 2"),
        (
            "sirt",
            "--relaxation 0.5 --iterations 4 --non-negative",
            "sirt",
            {"iterations": 4, "relaxation": 0.5, "constraint": NonNegative()},
            "4 iterations, non-negative, relaxation 0.5",
        ),
        ("sart", "--iterations 1", "sart", {"iterations": 1}, "sart, 1 iteration;"),
        (
            "os-sart",
            "--subsets 6 --iterations 2",
            "os_sart",
            {"iterations": 2, "subsets": 6},
            "2 iterations, subsets 6",
        ),
        ("mlem", "--iterations 4", "mlem", {"iterations": 4}, "4 iterations"),
        ("osem", "--subsets 5", "osem", {"iterations": 5, "subsets": 5}, "subsets 5"),
        (
            "tv",
            "--weight 0.3 --iterations 6 --non-negative",
            "pdhg",
            {"iterations": 6, "regularizer": TV(0.3), "constraint": NonNegative()},
            "6 iterations, non-negative, weight 0.3",
        ),
        (
            "tv",
            "--tolerance 0.05",
            "pdhg",
            {"iterations": 200, "regularizer": TV(0.1), "tolerance": 0.05},
            "tolerance 0.05, weight 0.1",
        ),
    ],
)
def test_methods(
    name: str,
    given: str,
    method: str,
    options: dict[str, Any],
    said: str,
    tmp_path: Path,
    scan_file: Path,
    arrays: Arrays,
) -> None:
    output = tmp_path / "volume.h5"
    result = run(
        *("reconstruct", scan_file, "-o", output, "--method", name, *given.split()),
        *("--center", CENTER, "--size", "40", "--device", "cpu"),
    )
    assert result.exit_code == 0, result.output
    with h5py.File(output) as file:
        volume = np.asarray(file["exchange/data"])
        record = dict(file["exchange/data"].attrs)
    expected = by_hand(arrays, method, name in ("mlem", "osem"), **options)
    np.testing.assert_allclose(volume, expected, atol=1e-4 * abs(expected).max())
    assert record["method"] == name
    assert record["iterations"] == options["iterations"]
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("method")]
    assert said in line
    assert "; residual 0." in line
    assert result.stderr == "", "no progress bar where nobody watches"


def test_the_default_weight_follows_the_pixels(tmp_path: Path, scan_file: Path) -> None:
    """Other units, the same image."""
    images = []
    for pixel in ("1", "0.02"):
        output = tmp_path / f"{pixel}.npy"
        result = run(
            *("reconstruct", scan_file, "-o", output, "--method", "tv", "--iterations", "5"),
            *("--center", CENTER, "--size", "40", "--pixel-size", pixel, "--slices", "0"),
        )
        assert result.exit_code == 0, result.output
        images.append(float(pixel) * np.load(output))
    np.testing.assert_allclose(images[1], images[0], atol=1e-5 * images[0].max())


def test_the_residual_is_live(
    tmp_path: Path, scan_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal the bar says which iteration it is and how far the image is from the data."""
    import io
    import sys

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(command, "_REFRESH", 0.0)

    class Standard:
        argv = sys.argv
        stderr = terminal

    monkeypatch.setattr(command, "sys", Standard)
    result = run(
        *("reconstruct", scan_file, "-o", tmp_path / "a.npy", "--method", "sirt"),
        *("--iterations", "7", "--center", CENTER, "--size", "40"),
    )
    assert result.exit_code == 0, result.output
    shown = terminal.getvalue()
    for iteration in (1, 4, 7):
        assert f"iteration {iteration}, residual 0." in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--method fbp --iterations 3", "'--iterations': --method fbp does not take it"),
        ("--method sirt --filter hann", "'--filter': --method sirt does not take it"),
        ("--method cgls --non-negative", "'--non-negative': --method cgls does not take it"),
        ("--method sirt --subsets 3", "'--subsets': --method sirt does not take it"),
        ("--method sirt --iterations 0", "0 is not in the range x>=1"),
        ("--method sirt --relaxation 2", "2.0 is not in the range 0<x<2"),
        ("--method art", "'art' is not one of 'fbp', 'landweber', 'cgls', 'sirt'"),
    ],
)
def test_wrong_options(options: str, message: str, tmp_path: Path, scan_file: Path) -> None:
    output = tmp_path / "volume.npy"
    line = fails(2, "reconstruct", scan_file, "-o", output, *options.split())
    assert message in line
    assert not output.exists()


# All that is nearer to the axis is tooth, and all that is farther is air, in pixels of two columns.
TOOTH, AIR = 60.0, 104.0


def test_tooth_by_sirt_and_total_variation(tmp_path: Path) -> None:
    """Both agree with filtered backprojection inside, and are quieter in the air around it."""
    images = {}
    for name, options in {
        "fbp": (),
        "sirt": ("--iterations", "40", "--non-negative"),
        "tv": ("--iterations", "60", "--weight", "0.5", "--non-negative"),
    }.items():
        output = tmp_path / f"{name}.npy"
        result = run(
            *("reconstruct", dataset("tooth.h5"), "-o", output, "--method", name, *options),
            *("--center", "295.8", "--bin", "2", "--size", "240", "--device", "cpu"),
        )
        assert result.exit_code == 0, result.output
        images[name] = np.load(output)[0]
    size = images["fbp"].shape[0]
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    distance = np.hypot(x, y)
    inside, air = distance < TOOTH, (distance > AIR) & (distance < size / 2)
    level = images["fbp"][inside].mean()
    for name in ("sirt", "tv"):
        assert images[name].min() >= 0
        assert abs(images[name][inside].mean() / level - 1) < 0.02
        assert np.std(images[name][air]) < 0.5 * np.std(images["fbp"][air])

    def roughness(image: NDArray[np.float32]) -> float:
        """Mean step to the next pixel within the tooth, which noise makes large."""
        steps = np.abs(np.diff(image, axis=0))[inside[1:]]
        return float(steps.mean())

    assert roughness(images["tv"]) < 0.6 * roughness(images["fbp"])
