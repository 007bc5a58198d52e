"""Counts to line integrals, against the formula in NumPy float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from torch_radon.data import DataError, Readings, line_integrals, transmission


@pytest.fixture
def readings(rng: np.random.Generator) -> Readings:
    shape = (7, 3, 5)
    counts = rng.integers(200, 9000, shape)
    flat = rng.integers(9000, 11000, (4, *shape[1:]))
    dark = rng.integers(90, 110, (6, *shape[1:]))
    angles = torch.linspace(0, 3, 7, dtype=torch.float64)
    data = (torch.from_numpy(a).double() for a in (counts, flat, dark))
    return Readings(next(data), next(data), next(data), angles)


def expected(readings: Readings) -> np.ndarray:
    counts, flat, dark = (t.numpy() for t in (readings.counts, readings.flat, readings.dark))
    result = np.empty((counts.shape[1], counts.shape[0], counts.shape[2]))
    for v, r, c in np.ndindex(counts.shape):
        zero = dark[:, r, c].sum() / len(dark)
        one = flat[:, r, c].sum() / len(flat)
        result[r, v, c] = -np.log((counts[v, r, c] - zero) / (one - zero))
    return result


def test_formula(readings: Readings) -> None:
    sinograms, clamped = line_integrals(readings)
    np.testing.assert_allclose(sinograms, expected(readings), rtol=1e-13)
    assert sinograms.shape == (3, 7, 5)
    assert sinograms.is_contiguous()
    assert clamped == 0


def test_float32(readings: Readings) -> None:
    single = replace(
        readings,
        counts=readings.counts.float(),
        flat=readings.flat.float(),
        dark=readings.dark.float(),
    )
    sinograms = line_integrals(single).sinograms
    assert sinograms.dtype == torch.float32
    np.testing.assert_allclose(sinograms, expected(readings), rtol=1e-5, atol=1e-6)


def test_transmission_is_not_clamped(readings: Readings) -> None:
    readings.counts[0, 0, 0] = 0
    readings.counts[1, 0, 0] = 20_000
    values = transmission(readings)
    assert values.shape == readings.counts.shape
    assert values[0, 0, 0] < 0
    assert values[1, 0, 0] > 1


@pytest.mark.parametrize("floor", [1e-5, 1e-3])
def test_readings_below_the_floor_are_raised_and_counted(readings: Readings, floor: float) -> None:
    readings.counts[0, 0, 0] = 0  # below the dark level
    readings.counts[3, 1, 2] = readings.dark[:, 1, 2].mean()  # exactly the dark level
    sinograms, clamped = line_integrals(readings, floor)
    assert clamped == 2
    assert torch.isfinite(sinograms).all()
    np.testing.assert_allclose(sinograms.max(), -np.log(floor), rtol=1e-12)
    assert sinograms[0, 0, 0] == sinograms[1, 3, 2] == sinograms.max()


def test_gradient(readings: Readings) -> None:
    readings.counts.requires_grad_()
    line_integrals(readings).sinograms.sum().backward()
    dark = readings.dark.mean(0)
    assert readings.counts.grad is not None
    torch.testing.assert_close(readings.counts.grad, -1 / (readings.counts.detach() - dark))


def test_flat_field_of_zeros(readings: Readings) -> None:
    readings.flat.zero_()
    with pytest.raises(DataError, match=r"flat field .* at 15 of 15 pixels, first at row 0, col"):
        line_integrals(readings)


def test_one_dead_pixel_is_named(readings: Readings) -> None:
    readings.flat[:, 1, 3] = readings.dark[:, 1, 3].mean()
    with pytest.raises(DataError, match=r"at 1 of 15 pixels, first at row 1, column 3"):
        line_integrals(readings)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("name", "message"),
    [("counts", "counts must"), ("flat", "flat field must"), ("dark", "dark field must")],
)
def test_not_finite(readings: Readings, name: str, message: str, value: float) -> None:
    getattr(readings, name)[2, 1, 4] = value
    with pytest.raises(DataError, match=rf"{message} be finite.* frame 2, row 1, column 4 .*\(1 r"):
        line_integrals(readings)


def test_shapes_that_disagree(readings: Readings) -> None:
    with pytest.raises(DataError, match=r"flat must .*\(frames, 3, 5\), got \(4, 3, 4\)"):
        line_integrals(replace(readings, flat=readings.flat[..., 1:]))
    with pytest.raises(DataError, match=r"dark must .* got \(0, 3, 5\)"):
        line_integrals(replace(readings, dark=readings.dark[:0]))
    with pytest.raises(DataError, match=r"counts must have shape .* got \(7, 5\)"):
        line_integrals(replace(readings, counts=readings.counts[:, 0]))


def test_integers_and_floors_out_of_range(readings: Readings) -> None:
    with pytest.raises(TypeError, match=r"floating-point type, got torch\.int64"):
        line_integrals(replace(readings, counts=readings.counts.long()))
    for floor in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="min_transmission must be above 0"):
            line_integrals(readings, floor)
