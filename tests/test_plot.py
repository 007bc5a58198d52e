"""Pictures: what is drawn where, without a display."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from torch_radon import Volume
from torch_radon.data import DataError
from torch_radon.plot import PICTURE_SUFFIXES, save_slices, show_slice


def test_world_coordinates_and_orientation() -> None:
    volume = Volume((4, 6), spacing=(0.5, 2.0), center=(1.0, -3.0))
    axes = show_slice(torch.arange(24.0).reshape(4, 6), volume, title="slice 3")
    assert axes.get_xlim() == (-9, 3)
    assert axes.get_ylim() == (2, 0), "y grows downwards, as rows do"
    assert axes.get_title() == "slice 3"
    (drawn,) = axes.get_images()
    np.testing.assert_array_equal(drawn.get_array(), np.arange(24.0).reshape(4, 6))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int32])
def test_any_type(dtype: torch.dtype) -> None:
    show_slice(torch.arange(16).reshape(4, 4).to(dtype), Volume((4, 4)))


def test_a_few_extreme_pixels_do_not_set_the_grey_scale() -> None:
    image = torch.zeros(100, 100)
    image[:, 50:] = 1
    image[50, 50], image[0, 0] = 1000, -1000
    (drawn,) = show_slice(image, Volume((100, 100))).get_images()
    assert drawn.get_clim() == (0, 1)


@pytest.mark.parametrize("value", [0.0, 3.0, float("nan")])
def test_constant_images(tmp_path: Path, value: float) -> None:
    save_slices(tmp_path / "a.png", [torch.full((8, 8), value)], Volume((8, 8)))


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture{suffix}"
    save_slices(path, [torch.eye(8)] * 2, Volume((8, 8)), ["one", "two"])
    assert path.stat().st_size > 1000
    assert list(tmp_path.iterdir()) == [path]


def test_the_picture_shows_the_image(tmp_path: Path) -> None:
    """Bright pixels are where the image is: in its upper right, drawn in the upper right."""
    image = torch.zeros(64, 64)
    image[8:24, 40:56] = 1
    save_slices(tmp_path / "a.png", [image], Volume((64, 64)))
    grey = imread(tmp_path / "a.png")[..., :3].mean(axis=2)
    height, width = grey.shape
    rows = slice(height // 4, 3 * height // 4)
    left, right = grey[rows, width // 4], grey[rows, width // 2]
    assert left.mean() < 0.2
    assert right.mean() < 0.6


def test_bad_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"shape of the volume, \(4, 6\), got \(6, 4\)"):
        show_slice(torch.zeros(6, 4), Volume((4, 6)))
    with pytest.raises(ValueError, match="at least one image"):
        save_slices(tmp_path / "a.png", [], Volume((4, 4)))
    with pytest.raises(DataError, match=r"folder .*nowhere does not exist"):
        save_slices(tmp_path / "nowhere" / "a.png", [torch.zeros(4, 4)], Volume((4, 4)))
