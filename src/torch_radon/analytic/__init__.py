"""Analytic reconstruction: filters, weights of the rays, and filtered backprojection."""

from torch_radon.analytic.fbp import fbp
from torch_radon.analytic.filtered_backprojection import FilteredBackprojection
from torch_radon.analytic.filters import (
    FILTER_NAMES,
    filter_response,
    filter_sinogram,
    padded_size,
    ramp_filter,
)
from torch_radon.analytic.line_filter import keys_kernel, spline_kernel
from torch_radon.analytic.redundancy import (
    mirrored_columns,
    ray_measure,
    ray_weights,
    redundancy_weights,
)
from torch_radon.analytic.weights import angular_weights

__all__ = [
    "FILTER_NAMES",
    "FilteredBackprojection",
    "angular_weights",
    "fbp",
    "filter_response",
    "filter_sinogram",
    "keys_kernel",
    "mirrored_columns",
    "padded_size",
    "ramp_filter",
    "ray_measure",
    "ray_weights",
    "redundancy_weights",
    "spline_kernel",
]
