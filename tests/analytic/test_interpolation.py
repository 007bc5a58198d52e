"""Filtered projections on a finer grid: cubic convolution and band-limited upsampling."""

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

import torch_radon as tr
from datasets import dataset
from oracles.fbp import ramp_kernel
from torch_radon.analytic import filter_response, keys_kernel
from torch_radon.analytic.line_filter import LineFilter


@pytest.mark.parametrize(
    ("interpolation", "bound"),
    [("linear", 2.02e-4), ("cubic", 1.37e-4), ("spline", 1.18e-4), ("bandlimited", 1.17e-4)],
)
def test_the_papers_phantom(interpolation, bound):
    """The paper's FBP: full square, nothing clipped; it reports 2.222e-4."""
    image = torch.from_numpy(np.load(dataset("shepp_logan_512.npy")))
    scan = tr.parallel_beam(np.linspace(0, np.pi, 512, endpoint=False), 725)
    A = tr.Projector(tr.Volume((512, 512)), scan)
    error = tr.fbp(A, A(image), interpolation=interpolation) - image
    assert error.square().mean() <= bound


def test_keys_kernel_is_an_interpolation_of_the_third_order():
    x = torch.linspace(-2.5, 2.5, 501, dtype=torch.float64)
    kernel = keys_kernel(x)
    assert torch.equal(kernel, kernel.flip(0))
    at_columns = keys_kernel(torch.arange(-3.0, 4.0, dtype=torch.float64))
    torch.testing.assert_close(at_columns, torch.tensor([0, 0, 0, 1.0, 0, 0, 0]).double())
    # Quadratics are reproduced.
    fraction = torch.rand(20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    taps = torch.arange(-1, 3, dtype=torch.float64)
    weights = keys_kernel(fraction[:, None] - taps)
    torch.testing.assert_close(
        (weights * (3 * taps**2 - taps + 2)).sum(1), 3 * fraction**2 - fraction + 2
    )


def filtered(rows, before, after):
    """Ramp-filtered rows at whole columns from -before - 2 on, by convolution in space."""
    columns = rows.shape[-1]
    reach = columns + before + after + 4
    kernel = ramp_kernel(reach)
    first = reach - before - 2
    whole = [np.convolve(row, kernel)[first : first + columns + before + after + 4] for row in rows]
    return np.array(whole)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (7, 0), (0, 3)])
@pytest.mark.parametrize("factor", [2, 3, 5])
def test_cubic_is_keys_convolution_of_the_filtered_rows(factor, before, after, rng):
    rows = rng.normal(size=(3, 21))
    lines = LineFilter(21, before, after, 0, "cubic", factor)
    response = lines.fine_response(filter_response("ramp", lines.size), None, lines.gain())
    actual = lines.apply(torch.from_numpy(rows), response)
    coarse = filtered(rows, before, after)
    # Sample m of the result lies at column (m - factor + 1) / factor - before.
    place = (np.arange(lines.length) - factor + 1) / factor + 2
    weights = keys_kernel(torch.from_numpy(place[:, None] - np.arange(coarse.shape[-1])))
    expected = coarse @ weights.numpy().T
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-13)


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "spline", "bandlimited"])
@pytest.mark.parametrize("factor", [1, 2, 4])
def test_whole_columns_keep_their_values(interpolation, factor, rng):
    rows = rng.normal(size=(3, 21))
    lines = LineFilter(21, 5, 0, 0, interpolation, factor)
    gain = lines.gain() if lines.factor > 1 else None
    response = lines.fine_response(filter_response("ramp", lines.size), None, gain)
    actual = lines.apply(torch.from_numpy(rows), response)
    k = lines.factor
    np.testing.assert_allclose(
        actual[:, k - 1 :: k].numpy(), filtered(rows, 5, 0)[:, 2:-2], atol=1e-13
    )


@pytest.mark.parametrize("factor", [2, 5])
def test_the_spline_is_the_cubic_spline_through_the_columns(factor, rng):
    lines = LineFilter(64, 0, 0, 0, "spline", factor)
    response = lines.fine_response(torch.ones(lines.size // 2 + 1).double(), None, lines.gain())
    rows = rng.normal(size=64)
    actual = lines.apply(torch.from_numpy(rows), response)[0].numpy()
    place = (np.arange(lines.length) - factor + 1) / factor
    # Far from the ends, where zeros follow, a spline does not feel how it ends.
    line = np.concatenate([np.zeros(40), rows, np.zeros(40)])
    expected = CubicSpline(np.arange(-40, 104), line)(place)
    np.testing.assert_allclose(actual, expected, atol=1e-12)


def test_bandlimited_upsampling_is_trigonometric():
    """A wave below Nyquist on the transform's grid is the same wave on the finer grid."""
    lines = LineFilter(64, 0, 0, 0, "bandlimited", 4)
    response = lines.fine_response(torch.ones(lines.size // 2 + 1).double(), None, lines.gain())
    n = torch.arange(64, dtype=torch.float64)
    window = torch.exp(-(((n - 31.5) / 7) ** 2))
    rows = (window * torch.cos(1.9 * n))[None]
    actual = lines.apply(rows, response)[0]
    place = (torch.arange(lines.length, dtype=torch.float64) - 3) / 4
    expected = torch.exp(-(((place - 31.5) / 7) ** 2)) * torch.cos(1.9 * place)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("margin", [0, 4, 40])
@pytest.mark.parametrize("interpolation", ["linear", "cubic", "spline", "bandlimited"])
@pytest.mark.parametrize("columns", [1, 2, 17])
def test_the_transpose(columns, interpolation, margin, rng):
    lines = LineFilter(columns, 0, 3, margin, interpolation, 3)
    gain = lines.gain() if lines.factor > 1 else None
    response = lines.fine_response(filter_response("hann", lines.size), None, gain)
    eye = torch.eye(columns, dtype=torch.float64)
    matrix = lines.apply(eye, response)
    transpose = lines.apply_transpose(torch.eye(lines.length, dtype=torch.float64), response)
    torch.testing.assert_close(matrix, transpose.T, rtol=0, atol=1e-14)


@pytest.mark.parametrize("margin", [1, 9, 30])
def test_extrapolation_continues_both_ends_to_zero(margin, rng):
    rows = rng.normal(size=(2, 12))
    lines = LineFilter(12, 0, 0, margin, "linear", 4)
    response = lines.fine_response(filter_response("ramp", lines.size), None, None)
    taper = np.cos(np.arange(1, margin + 1) / (margin + 1) * np.pi / 2) ** 2
    wide = np.concatenate([rows[:, :1] * taper[::-1], rows, rows[:, -1:] * taper], axis=1)
    kernel = ramp_kernel(100)
    expected = [np.convolve(row, kernel)[100 + margin : 112 + margin] for row in wide]
    actual = lines.apply(torch.from_numpy(rows), response)
    np.testing.assert_allclose(actual.numpy(), np.array(expected), atol=1e-13)
