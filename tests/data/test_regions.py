"""Cropping and binning, and what they do to the centre of rotation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from torch_radon.data import DataError, Readings, crop, rebin, rebinned_center


@pytest.fixture
def readings(generator: torch.Generator) -> Readings:
    def frames(n: int) -> torch.Tensor:
        return torch.rand(n, 6, 11, generator=generator, dtype=torch.float64)

    return Readings(frames(8), frames(3), frames(2), torch.arange(8, dtype=torch.float64))


def test_crop(readings: Readings) -> None:
    part = crop(readings, views=slice(1, None, 3), rows=slice(2, 4), columns=slice(3, 9))
    assert torch.equal(part.counts, readings.counts[1::3, 2:4, 3:9])
    assert torch.equal(part.flat, readings.flat[:, 2:4, 3:9])
    assert torch.equal(part.dark, readings.dark[:, 2:4, 3:9])
    assert part.angles.tolist() == [1, 4, 7]
    assert crop(readings).shape == readings.shape


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (6, 11), (4, 1)])
def test_rebin(readings: Readings, rows: int, columns: int) -> None:
    binned = rebin(readings, columns, rows)
    for name in ("counts", "flat", "dark"):
        source, found = (getattr(r, name).numpy() for r in (readings, binned))
        expected = np.empty((len(source), 6 // rows, 11 // columns))
        for v, i, j in np.ndindex(expected.shape):
            block = source[v, i * rows : (i + 1) * rows, j * columns : (j + 1) * columns]
            expected[v, i, j] = block.mean()
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert binned.angles is readings.angles


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_center_of_a_bin(factor: int) -> None:
    """The middle of bin j is where its columns are on average."""
    for j in range(4):
        middle = np.mean(np.arange(j * factor, (j + 1) * factor))
        assert rebinned_center(float(middle), factor) == pytest.approx(j, abs=1e-12)


def test_bad_input(readings: Readings) -> None:
    with pytest.raises(DataError, match=r"nothing is left of \(8, 6, 11\)"):
        crop(readings, columns=slice(20, 30))
    with pytest.raises(ValueError, match="columns must have the step 1, got 2; rebin"):
        crop(readings, columns=slice(None, None, 2))
    with pytest.raises(ValueError, match="views must have a positive step, got -1"):
        crop(readings, views=slice(None, None, -1))
    with pytest.raises(DataError, match="12 columns to a bin, but there are only 11"):
        rebin(readings, 12)
    with pytest.raises(DataError, match="7 rows to a bin, but there are only 6"):
        rebin(readings, 1, 7)
    with pytest.raises(ValueError, match="columns must be at least 1"):
        rebin(readings, 0)
