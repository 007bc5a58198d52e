"""Where on the detector a pixel is seen: the map that pixel-driven backprojection follows.

In the index coordinates of geometry.grid a pixel `q` off a view's origin is split along the
view's central ray and its detector, ``q = depth * ray + side * step``. Its column, counted from
the detector's middle, is `side` for a parallel beam, ``side / depth`` on a flat and
``atan2(side, depth) / arc`` on a curved detector; its weight is 1, ``1 / depth**2`` and
``1 / (depth**2 + side**2)``. Along an image row, depth and side are affine.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import overload

from torch_radon.backends.cpu.compile import FASTMATH, jit
from torch_radon.backends.cpu.rays import FLAT, PAD, fixed

# A pixel nearer to its source than this part of the source-detector distance is not seen: its
# weight has no bound, and its column would be rounding errors.
_NEAREST = 1e-6

# Half a fan of more than this many radians has no straight edges that are safe to compute with.
_WIDE = 1.5

_TAN_22, _TAN_67 = math.tan(math.pi / 8), math.tan(3 * math.pi / 8)


@jit
def split_row(view, i):
    """Depth and side of the first pixel of image row `i`, and what a pixel adds to each."""
    x, y = -view[0], i - view[1]
    area = view[2] * view[5] - view[3] * view[4]
    depth = (x * view[5] - y * view[4]) / area
    side = (view[2] * y - view[3] * x) / area
    return depth, side, view[5] / area, -view[3] / area


@jit
def march_row(view, i, width, detector, bits):
    """Fixed-point march (see rays) of a parallel beam's column along image row `i`.

    Returns the pixels [first, last) that are seen, the place of pixel `first` in the padded
    detector line, and what a pixel adds to it.
    """
    _, side, _, slope = split_row(view, i)
    intercept = side + (detector - 1) / 2
    low, high = _cut(0.0, float(width), intercept + 1.0, slope)
    low, high = _cut(low, high, detector - intercept, -slope)
    if not low < high:
        low = high = 0.0
    place = fixed(intercept + slope * low + PAD, bits)
    return np.int64(low), np.int64(high), place, fixed(slope, bits)


@jit
def locate_row(view, beam, i, detector, left, near, far):
    """Find the columns at which a fan beam sees the pixels of image row `i`.

    Pixel j of the returned range [first, last) reads ``near[j]`` of the padded detector line's
    entry ``left[j]`` and ``far[j]`` of the next one; the distance weight is part of both.
    """
    depth, side, deeper, aside = split_row(view, i)
    arc = view[6]
    middle = (detector - 1) / 2 + PAD
    reach = (detector + 1) / 2
    if beam != FLAT:
        reach *= arc
        if reach > _WIDE:
            _locate_wide(view, i, reach, middle, left, near, far)
            return 0, left.size
        reach = math.tan(reach)
    # Seen is what lies ahead of the source and between the outermost rays.
    low, high = _cut(0.0, float(left.size), depth - _NEAREST, deeper)
    low, high = _cut(low, high, reach * depth - side, reach * deeper - aside)
    low, high = _cut(low, high, reach * depth + side, reach * deeper + aside)
    if not low < high:
        low = high = 0.0
    first, last = np.int64(low), np.int64(high)
    # Slices from zero and 32-bit counters are what lets these loops vectorise.
    left, near, far = left[first:last], near[first:last], far[first:last]
    depth, side = depth + low * deeper, side + low * aside
    if beam == FLAT:
        for k in range(left.size):
            j = np.float64(np.int32(k))
            closer = _quotient(1.0, depth + j * deeper)
            place = (side + j * aside) * closer + middle
            offset = np.int32(place)
            weight = near.dtype.type(closer)
            weight *= weight
            right = weight * near.dtype.type(place - offset)
            left[k], near[k], far[k] = offset, weight - right, right
    else:
        per_radian = 1.0 / arc
        for k in range(left.size):
            j = np.float64(np.int32(k))
            ahead, across = depth + j * deeper, side + j * aside
            place = angle(across, ahead, near) * per_radian + middle
            offset = np.int32(place)
            square = near.dtype.type(ahead * ahead + across * across)
            weight = _quotient(near.dtype.type(1), square)
            right = weight * near.dtype.type(place - offset)
            left[k], near[k], far[k] = offset, weight - right, right
    return first, last


@jit
def _locate_wide(view, i, reach, middle, left, near, far):
    """Do the work of `locate_row` pixel by pixel, for curved detectors of half a turn and more."""
    depth, side, deeper, aside = split_row(view, i)
    for j in range(left.size):
        ahead, across = depth + j * deeper, side + j * aside
        square = ahead * ahead + across * across
        turn = math.atan2(across, ahead)
        left[j], near[j], far[j] = 0, 0, 0
        if abs(turn) < reach and square > _NEAREST * _NEAREST:
            place = turn / view[6] + middle
            offset = np.int32(place)
            left[j] = offset
            far[j] = (place - offset) / square
            near[j] = (1.0 - (place - offset)) / square


@jit
def _cut(low, high, start, slope):
    """Narrow the range [low, high) of whole numbers j to those with ``start + j * slope > 0``."""
    if slope > 0.0:
        return max(low, np.floor(-start / slope) + 1.0), high
    if slope < 0.0:
        return low, min(high, np.ceil(-start / slope))
    return low, high if start > 0.0 else low


@jit
def _quotient(a, b):
    """Return ``a / b`` without a check for zero, which would keep a loop from vectorising."""
    return np.true_divide(a, b)


def angle(across, ahead, array):
    """Return ``atan2(across, ahead)`` for ``ahead > 0``, in vector registers.

    The error is below 1e-11 radians for a float32 `array` and a few roundings for float64.
    """
    raise NotImplementedError("for compiled code only")


@overload(angle, jit_options={"fastmath": FASTMATH})
def _angle(across, ahead, array):
    series = _series_double if array.dtype == types.float64 else _series_single

    def compute(across, ahead, array):
        # The tangent is brought to within 22.5 degrees of 0, 45 or 90, without branches.
        size = abs(across)
        top, bottom, base = size, ahead, 0.0
        if size > _TAN_22 * ahead:
            top, bottom, base = size - ahead, size + ahead, math.pi / 4
        if size > _TAN_67 * ahead:
            top, bottom, base = -ahead, size, math.pi / 2
        x = _quotient(top, bottom)
        return math.copysign(base + x * series(x * x), across)

    return compute


# Polynomials in z = x**2 that equal atan(x) / x at the Chebyshev points of
# [0, tan(22.5 degrees)**2]; x times what they are off by is 8e-12 and 2e-18 at the most.


@jit
def _series_single(z):
    p = 0.0470734814196802
    p = p * z - 0.08456192886940496
    p = p * z + 0.1104048922721824
    p = p * z - 0.14281588772654125
    p = p * z + 0.19999883856551304
    p = p * z - 0.33333332097609386
    return p * z + 0.9999999999783987


@jit
def _series_double(z):
    p = -0.017805397205419446
    p = p * z + 0.03796525745386593
    p = p * z - 0.05035102456601552
    p = p * z + 0.05846878297330872
    p = p * z - 0.06662951813629191
    p = p * z + 0.07692045330902225
    p = p * z - 0.09090896809064027
    p = p * z + 0.11111110744919658
    p = p * z - 0.14285714279250245
    p = p * z + 0.19999999999940893
    p = p * z - 0.3333333333333312
    return p * z + 1.0
