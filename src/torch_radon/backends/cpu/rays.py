"""Rays in index coordinates and their fixed-point march through an image.

An image is held with `PAD` zeros at both ends of every line, so that a ray may interpolate across
the border. Rays that step row by row read the image itself, rays that step column by column its
transpose; "line" and "pitch" below mean a row and its length in whichever of the two is read.

A march has one unsigned 64-bit integer for its place: the offset of the left of the two pixels
that it interpolates between, counted from the start of the image, in the upper bits, and the
fraction between them in the lower `bits`. One addition a line moves it on, which keeps the
position exact to ``2**-bits`` pixels, and because integers do not round, the forward projection and
its adjoint see the same numbers wherever on the ray they begin.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import overload

from torch_radon.backends.cpu.compile import FASTMATH, jit, jit_in_order
from torch_radon.geometry.grid import BEAMS

# Zeros at both ends of a line: one for the interpolation across the border, one against rounding in
# the range of lines that `trace` computes.
PAD = 2

# Compiled code tells beams apart by their place in BEAMS.
PARALLEL, FLAT = BEAMS.index("parallel"), BEAMS.index("flat")

RAY = np.dtype(
    [
        ("start", np.uint64),  # place in the ray's first line
        ("step", np.uint64),  # what one line adds to the place
        ("weight", np.float64),  # length of ray between two lines, in world units
        ("first", np.int32),  # first line that the ray crosses inside the image
        ("last", np.int32),  # one after the last
        ("by_rows", np.bool_),  # whether it steps along rows or columns
    ],
    align=True,
)


def fraction_bits(size: int) -> int:
    """Bits left for the fraction beside the offsets into an array of `size` numbers."""
    # One bit stays free, so that every place is a valid signed integer as well.
    return 63 - size.bit_length()


@jit
def trace(view, beam, k, height, width, spacing, bits, ray):
    """Fill the record `ray` for the ray `k` columns off the centre of the row `view` of a table."""
    x, y, ray_x, ray_y = view[0], view[1], view[2], view[3]
    if beam == PARALLEL:
        x += k * view[4]
        y += k * view[5]
    elif beam == FLAT:
        ray_x += k * view[4]
        ray_y += k * view[5]
    else:
        turn = k * view[6]
        cosine, sine = math.cos(turn), math.sin(turn)
        ray_x, ray_y = cosine * ray_x + sine * view[4], cosine * ray_y + sine * view[5]
    length = math.hypot(ray_x * spacing[1], ray_y * spacing[0])
    ray.by_rows = abs(ray_y) >= abs(ray_x)
    if not ray.by_rows:
        x, y, ray_x, ray_y, height, width = y, x, ray_y, ray_x, width, height
    ray.weight = length / abs(ray_y)
    slope = ray_x / ray_y
    intercept = x - slope * y

    # Lines at which the position lies within one pixel of the image: (-1, width).
    low, high = 0.0, float(height)
    if slope == 0.0:
        if not -1.0 < intercept < width:
            high = 0.0
    else:
        one, other = (-1.0 - intercept) / slope, (width - intercept) / slope
        low = max(low, np.floor(min(one, other)) + 1.0)
        high = min(high, np.ceil(max(one, other)))
    if beam != PARALLEL:
        # The ray begins at its source.
        if ray_y > 0.0:
            low = max(low, np.ceil(y))
        else:
            high = min(high, np.floor(y) + 1.0)
    if not low < high:
        low = high = 0.0
    ray.first, ray.last = np.int32(low), np.int32(high)

    # One beyond the border by a rounding error is still inside the padding.
    position = intercept + slope * low + PAD
    shift, pitch = np.uint64(bits), np.uint64(width + 2 * PAD)
    line = np.uint64(np.int64(low)) * pitch
    ray.start = fixed(position, bits) + (line << shift)
    ray.step = fixed(slope, bits) + (pitch << shift)


@jit
def fixed(number, bits):
    """Return a number of pixels as a place or a step."""
    # Negative numbers wrap around, which unsigned addition undoes.
    return np.uint64(np.int64(np.rint(math.ldexp(number, bits))))


def fraction(place, bits, image):
    """Distance of a place from its left pixel, in multiples of `unit`."""
    raise NotImplementedError("for compiled code only")


def unit(bits, image):
    """What `fraction` counts in, in the precision of `image`."""
    raise NotImplementedError("for compiled code only")


@overload(fraction, jit_options={"fastmath": FASTMATH})
def _fraction(place, bits, image):
    if image.dtype == types.float64:
        return lambda place, bits, image: np.float64(
            np.int64(place & ((np.uint64(1) << np.uint64(bits)) - np.uint64(1)))
        )
    # 31 bits are more than float32 holds and convert to it in vector registers.
    return lambda place, bits, image: np.float32(
        np.int32((place >> np.uint64(bits - 31)) & np.uint64(0x7FFFFFFF))
    )


@overload(unit)
def _unit(bits, image):
    if image.dtype == types.float64:
        return lambda bits, image: math.ldexp(1.0, -bits)
    return lambda bits, image: np.float32(2.0**-31)


@jit
def march(image, ray, bits):
    """Integrate an image (padded, flat) along a ray, without the ray's weight."""
    one, shift = np.uint64(1), np.uint64(bits)
    place, step = ray.start, ray.step
    level = slope = image.dtype.type(0)
    for _ in range(ray.last - ray.first):
        offset = place >> shift
        left = image[offset]
        level += left
        slope += fraction(place, bits, image) * (image[offset + one] - left)
        place += step
    return level + slope * unit(bits, image)


@jit_in_order
def spread(value, ray, bits, first, last, image):
    """Add the transpose of `march` for the lines [first, last) of a ray to an image."""
    one, shift = np.uint64(1), np.uint64(bits)
    step = ray.step
    place = ray.start + np.uint64(first - ray.first) * step
    scale = unit(bits, image)
    for _ in range(last - first):
        offset = place >> shift
        right = fraction(place, bits, image) * scale * value
        image[offset] += value - right
        image[offset + one] += right
        place += step
