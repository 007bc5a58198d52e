"""The main job on a real scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cli.commands import run
from datasets import dataset


@pytest.fixture(scope="module")
def tooth() -> Path:
    return dataset("tooth.h5")


def reconstruct(
    tooth: Path, folder: Path, *options: str
) -> tuple[NDArray[np.float32], dict[str, str]]:
    output = folder / "tooth.npy"
    result = run("reconstruct", tooth, "-o", output, *options)
    assert result.exit_code == 0, result.output
    summary = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    return np.load(output), summary


def test_center_is_found_and_both_slices_are_there(tooth: Path, tmp_path: Path) -> None:
    preview = tmp_path / "tooth.png"
    volume, summary = reconstruct(tooth, tmp_path, "--preview", str(preview))
    assert volume.shape == (2, 640, 640)
    center = float(summary["center"].split()[1].rstrip(","))
    assert 295.1 < center < 296.7
    assert preview.stat().st_size > 50_000
    # The tooth is within 180 pixels of the axis and has the attenuation of dentine and enamel.
    y, x = np.mgrid[:640, :640] - 319.5
    outside = np.hypot(x, y) > 200
    inside = np.abs(volume[0][np.hypot(x, y) < 130]).mean()
    assert np.abs(volume[0][outside & (np.hypot(x, y) < 300)]).mean() < 0.15 * inside


def test_the_center_found_is_the_sharpest(tooth: Path, tmp_path: Path) -> None:
    """An axis that is off smears edges into negative values beside them and doubles cracks.

    The sum of magnitudes (Donath et al., J. Opt. Soc. Am. A 23 (2006) 1048) is least where the
    axis is right, and shares nothing with how the axis was found.
    """
    options = ("--slices", "0", "--filter", "shepp-logan")
    volume, summary = reconstruct(tooth, tmp_path, *options)
    center = float(summary["center"].split()[1].rstrip(","))
    best = np.abs(volume).sum(dtype=np.float64)
    for shift in (-1.5, -0.75, 0.75, 1.5):
        moved, _ = reconstruct(tooth, tmp_path, *options, "--center", f"{center + shift}")
        assert np.abs(moved).sum(dtype=np.float64) > best


def test_info(tooth: Path) -> None:
    result = run("info", tooth)
    assert result.exit_code == 0
    assert "(181, 2, 640) float32" in result.stdout
    assert "181 views, 0 to 179.006 degrees, step 0.994475" in result.stdout


def rings(image: NDArray[np.float32], center: float) -> float:
    """RMS of what the mean over directions changes from pixel to pixel, outside the tooth."""
    middle = (image.shape[0] - 1) / 2
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] - middle
    distance = np.hypot(x, y).round().astype(int).ravel()
    # The tooth ends at 190 pixels, and the nearer end of the detector is as far as the centre.
    part = slice(200, int(center) - 5)
    profile = np.bincount(distance, image.ravel())[part] / np.bincount(distance)[part]
    return float(np.std(np.diff(profile)))


@pytest.mark.parametrize(("method", "left"), [("sorting", 0.35), ("wavelet", 0.2)])
def test_rings_are_removed(tooth: Path, tmp_path: Path, method: str, left: float) -> None:
    plain, _ = reconstruct(tooth, tmp_path, "--slices", "0", "--center", "295.8")
    clean, _ = reconstruct(tooth, tmp_path, "--slices", "0", "--center", "295.8", "--rings", method)
    assert rings(clean[0], 295.8) < left * rings(plain[0], 295.8)
    # The tooth itself stays: what changes are the rings in it, and not its mean.
    y, x = np.mgrid[:640, :640] - 319.5
    inside = np.hypot(x, y) < 130
    change = (clean - plain)[0][inside]
    assert change.std() < 0.14 * plain[0][inside].std()
    assert abs(change.mean()) < 0.01 * plain[0][inside].mean()
