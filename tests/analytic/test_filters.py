"""Frequency responses of the filters, and filtering along the columns."""

import math

import numpy as np
import pytest
import torch

from oracles.fbp import ramp_kernel
from torch_radon.analytic import (
    FILTER_NAMES,
    filter_response,
    filter_sinogram,
    padded_size,
    ramp_filter,
)

WINDOWS = {
    "ramp": lambda w: np.ones_like(w),
    "ram-lak": lambda w: np.ones_like(w),
    "shepp-logan": lambda w: np.sinc(w / 2),
    "cosine": lambda w: np.cos(np.pi * w / 2),
    "hamming": lambda w: 0.54 + 0.46 * np.cos(np.pi * w),
    "hann": lambda w: np.cos(np.pi * w / 2) ** 2,
}


@pytest.mark.parametrize("columns", [1, 2, 3, 37, 512, 725, 1000])
def test_padding_holds_the_linear_convolution_and_is_fast(columns):
    size = padded_size(columns)
    assert size >= 2 * columns
    assert size % 2 == 0
    assert size <= 2.4 * columns
    for prime in (2, 3, 5):
        while size % prime == 0:
            size //= prime
    assert size == 1


def test_the_ramp_is_the_frequency_but_for_a_trace_of_the_mean():
    for size in (64, 1024, 1458):
        response = ramp_filter(size)
        frequency = torch.arange(size // 2 + 1) / size
        assert response.shape == (size // 2 + 1,)
        # The tail of the kernel beyond the padding is missing: 1 / (pi^2 size) on either side.
        assert (response - frequency).abs().max() < 0.25 / size
        assert 0.1 / size < response[0] < 0.25 / size


def test_the_ramp_is_the_transform_of_its_samples_in_space():
    size = 200
    kernel = np.roll(ramp_kernel(size // 2)[1:], size // 2 + 1)
    expected = np.fft.fft(kernel)[: size // 2 + 1]
    assert np.abs(expected.imag).max() < 1e-15
    np.testing.assert_allclose(ramp_filter(size).numpy(), expected.real, atol=1e-15)


def test_every_name_has_a_window():
    assert set(FILTER_NAMES) == set(WINDOWS)


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("cutoff", [1.0, 0.5, 0.31])
def test_named_filters_are_the_ramp_times_their_window(name, cutoff):
    size = 500
    frequency = np.arange(size // 2 + 1) / size
    w = frequency / (0.5 * cutoff)
    window = np.where(w <= 1 + 1e-12, WINDOWS[name](w), 0.0)
    expected = ramp_filter(size).numpy() * window
    actual = filter_response(name, size, cutoff)
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-15)
    torch.testing.assert_close(filter_response(name.upper(), size, cutoff), actual)


def test_a_function_and_a_tensor_are_whole_responses():
    size = 128
    frequency = torch.arange(65, dtype=torch.float64) / size

    def gaussian(f):
        return f * torch.exp(-((f / 0.1) ** 2))

    expected = gaussian(frequency)
    torch.testing.assert_close(filter_response(gaussian, size), expected)
    torch.testing.assert_close(filter_response(expected, size), expected)
    limited = filter_response(gaussian, size, cutoff=0.5)
    torch.testing.assert_close(limited, torch.where(frequency <= 0.25, expected, 0.0))


def test_a_tensor_of_another_length_runs_from_zero_to_nyquist():
    """Two values, 0 and 1/2, are the ramp in frequency on any padding."""
    for size in (64, 270):
        response = filter_response(torch.tensor([0.0, 0.5]), size)
        expected = torch.arange(size // 2 + 1, dtype=torch.float64) / size
        torch.testing.assert_close(response, expected)


@pytest.mark.parametrize("columns", [1, 2, 7, 64, 101])
def test_filtering_is_a_linear_convolution(columns, rng):
    rows = rng.normal(size=(3, 5, columns))
    expected = np.empty_like(rows)
    for place in np.ndindex(3, 5):
        whole = np.convolve(rows[place], ramp_kernel(columns - 1))
        expected[place] = whole[columns - 1 : 2 * columns - 1] / 0.7
    actual = filter_sinogram(torch.from_numpy(rows), spacing=0.7)
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-14)


def test_each_view_has_its_own_spacing(rng):
    y = torch.from_numpy(rng.normal(size=(2, 4, 30)))
    spacing = torch.tensor([[0.5], [1.0], [2.0], [3.0]])
    together = filter_sinogram(y, "hann", 0.8, spacing=spacing)
    for view in range(4):
        alone = filter_sinogram(y[:, view], "hann", 0.8, spacing=spacing[view].item())
        torch.testing.assert_close(together[:, view], alone)


def test_no_filter_leaves_the_data_alone(rng):
    y = torch.from_numpy(rng.normal(size=(4, 30)))
    assert torch.equal(filter_sinogram(y, None, spacing=0.3), y)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_filtering_keeps_the_type_and_loses_only_its_rounding(dtype, rng):
    y = torch.from_numpy(rng.normal(size=(4, 300))).to(dtype)
    exact = filter_sinogram(y.double())
    actual = filter_sinogram(y)
    assert actual.dtype == dtype
    scale = exact.abs().max()
    rounding = {torch.float64: 1e-15, torch.float32: 5e-7}.get(dtype, torch.finfo(dtype).eps)
    assert (actual.double() - exact).abs().max() < rounding * scale


def test_filtering_is_differentiable_in_data_and_filter(generator):
    y = torch.randn(2, 3, 9, dtype=torch.float64, generator=generator, requires_grad=True)
    response = torch.rand(5, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: filter_sinogram(a, b, spacing=0.6), (y, response))
    assert torch.autograd.gradgradcheck(lambda a, b: filter_sinogram(a, b), (y, response))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"ramp, ram-lak, shepp-logan, cosine, hamming, hann"):
        filter_response("butterworth", 64)


ROW = torch.zeros(4)
BAD = {
    "odd size": (lambda: ramp_filter(63), ValueError, "size must be even, got 63"),
    "cutoff": (lambda: filter_response("hann", 64, 0.0), ValueError, r"cutoff .* \(0, 1\]"),
    "large cutoff": (lambda: filter_response("hann", 64, 1.2), ValueError, "got 1.2"),
    "NaN cutoff": (lambda: filter_response("hann", 64, math.nan), ValueError, "cutoff"),
    "no filter": (lambda: filter_response(3, 64), TypeError, "filter must be .* got int"),  # type: ignore[arg-type]
    "2-D tensor": (lambda: filter_response(torch.ones(3, 3), 64), ValueError, r"\(3, 3\)"),
    "integers": (lambda: filter_response(torch.arange(9), 64), TypeError, "torch.int64"),
    "wrong result": (
        lambda: filter_response(lambda f: f[:3], 64),
        ValueError,
        r"filter must return shape \(33,\)",
    ),
    "no tensor": (lambda: filter_response(lambda f: 1.0, 64), TypeError, "filter must return"),  # type: ignore[arg-type,return-value]
    "array": (lambda: filter_sinogram(np.ones((2, 3))), TypeError, "y must be a torch.Tensor"),  # type: ignore[arg-type]
    "integer data": (lambda: filter_sinogram(ROW.int()), TypeError, "torch.int32"),
    "complex data": (
        lambda: filter_sinogram(ROW.to(torch.complex64)),
        TypeError,
        "torch.complex64",
    ),
    "no columns": (lambda: filter_sinogram(ROW[:0]), ValueError, "with columns"),
    "spacing": (lambda: filter_sinogram(ROW, spacing=-1.0), ValueError, "spacing must be positive"),
    "spacings": (
        lambda: filter_sinogram(ROW, spacing=torch.tensor([1.0, math.nan, 1.0, 1.0])),
        ValueError,
        "spacing must be positive",
    ),
    "cutoff of nothing": (
        lambda: filter_sinogram(ROW, None, 0.5),
        ValueError,
        "cutoff must be 1 where filter is None",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
