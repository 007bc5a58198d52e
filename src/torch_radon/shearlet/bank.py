"""The filters of a system of shearlets, in float64, with nothing stored where they vanish."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from torch_radon.shearlet.system import LOW_PASS, Shearlet, ShearletSystem, is_horizontal
from torch_radon.shearlet.windows import directional, low_pass, radial

Array = NDArray[np.float64]
Indices = NDArray[np.int32]


@dataclass(frozen=True)
class FilterBank:
    """Spectra of all filters, column by column.

    A spectrum has ``height`` rows (vertical frequencies in the order of the discrete Fourier
    transform) and ``columns`` columns: ``width // 2 + 1`` in a real system, whose spectra are even,
    otherwise ``width``. Of each filter only a run of neighbouring columns is kept, which wraps
    around the end of the spectrum where that makes it shorter; of each column only the rows where
    the filter does not vanish. Runs follow one another in the order of the filters, so that each
    kept column has a number.

    Attributes
    ----------
    values : ndarray, shape (E,)
        Non-zero values, sorted by kept column and row.
    entries : ndarray of int32, shape (C + 1,)
        Where the values of each kept column begin; at the end, E.
    rows : ndarray of int32, shape (E,)
        The row of each value.
    runs : ndarray of int32, shape (F + 1, 2)
        For each filter the number of its first kept column and its frequency; at the end, C and 0.
    weight : ndarray, shape (height, columns)
        Sum of the squares of all filters as they are defined, before any normalisation.
    columns : int
        Columns of a spectrum.
    """

    values: Array
    entries: Indices
    rows: Indices
    runs: Indices
    weight: Array
    columns: int


def make_bank(system: ShearletSystem) -> FilterBank:
    """Compute the filters of a system.

    Parameters
    ----------
    system : ShearletSystem

    Returns
    -------
    FilterBank
    """
    definition = _Definition(system)
    weight = np.zeros((system.height, definition.columns))
    kept: list[tuple[Array, NDArray[np.bool_]]] = []
    starts: list[tuple[int, int]] = []
    total = 0
    for shearlet in system.shearlets:
        spectrum = definition.spectrum(shearlet)
        weight += spectrum**2
        first, count = _run((spectrum != 0).any(axis=0))
        order = (first + np.arange(count)) % definition.columns
        # Transposed: a kept column is contiguous.
        columns = spectrum.T[order]
        kept.append((columns[columns != 0], columns != 0))
        starts.append((total, first))
        total += count
    assert weight.min() > 0, "every frequency must be seen by a filter"
    masks = np.concatenate([mask for _, mask in kept])
    column, row = np.nonzero(masks)
    values = np.concatenate([value for value, _ in kept])
    runs = np.array([*starts, (total, 0)], dtype=np.int32)
    if system.parseval:
        counts = np.diff(runs[:, 0])
        within = np.arange(total) - np.repeat(runs[:-1, 0], counts)
        frequency = (np.repeat(runs[:-1, 1], counts) + within) % definition.columns
        values = values / np.sqrt(weight[row, frequency[column]])
    entries = np.concatenate([[0], np.cumsum(masks.sum(axis=1))]).astype(np.int32)
    return FilterBank(values, entries, row.astype(np.int32), runs, weight, definition.columns)


class _Definition:
    """Evaluates the filters of a system at integer frequencies."""

    def __init__(self, system: ShearletSystem) -> None:
        self._system = system
        width, height = system.width, system.height
        self.columns = width // 2 + 1 if system.real else width
        # The Nyquist frequency of an even size counts as negative.
        self._x = _frequencies(width)[: self.columns]
        self._y = _frequencies(height)
        half = min(width // 2, height // 2)
        finest = 2 ** (len(system.alphas) - 1)
        self._low = half / (2 * finest)
        # Along each axis the finest scale ends at the edge of the spectrum.
        self._stretch = [1.5 * finest / (size // 2 - half / 2) for size in (width, height)]
        self._shift = [stretch * self._low - 1.5 for stretch in self._stretch]

    def spectrum(self, shearlet: Shearlet) -> Array:
        """A filter before normalisation, shape (height, columns).

        Where the size is even the definition is not symmetric at the Nyquist frequency, which
        stands for its own mirror image. A filter for real images has to be even; it is the mean of
        the definition and its mirror image.
        """
        x, y = self._x, self._y
        values = self._evaluate(shearlet, x, y)
        if not self._system.real:
            return values
        if self._system.height % 2 == 0:
            nyquist = self._system.height // 2
            mirrored = self._evaluate(shearlet, self._mirror(x, 0), y[nyquist : nyquist + 1])
            values[nyquist] = (values[nyquist] + mirrored[0]) / 2
        if self._system.width % 2 == 0:
            mirrored = self._evaluate(shearlet, x[-1:], self._mirror(y, 1))
            if self._system.height % 2 == 0:
                # The corner is its own mirror image and has been averaged with itself above.
                mirrored[self._system.height // 2] = values[self._system.height // 2, -1:]
            values[:, -1] = (values[:, -1] + mirrored[:, 0]) / 2
        return values

    def _mirror(self, frequencies: Array, axis: int) -> Array:
        size = (self._system.width, self._system.height)[axis]
        return np.where(2 * frequencies == -size, frequencies, -frequencies)

    def _evaluate(self, shearlet: Shearlet, x: Array, y: Array) -> Array:
        if shearlet == LOW_PASS:
            across, down = (low_pass(1.5 * k / self._low) for k in (x, y))
            return down[:, None] * across
        if is_horizontal(shearlet.cone):
            return self._cone(shearlet, x, y, 0)
        return self._cone(shearlet, y, x, 1).T

    def _cone(self, shearlet: Shearlet, along: Array, across: Array, axis: int) -> Array:
        """A filter whose cone lies around `axis`, shape (across, along), with its aliases."""
        sizes = (self._system.width, self._system.height)
        steepness = self._system.steepness[shearlet.scale]
        total = np.zeros((len(across), len(along)))
        for p in (-1, 0, 1):
            shifted = along + p * sizes[axis]
            window = self._radial(shearlet, shifted, axis)
            (seen,) = np.nonzero(window)
            # On the line where the slope has no meaning the definition takes 0.
            divisor = shifted[seen]
            steep = np.divide(steepness, divisor, out=np.zeros_like(divisor), where=divisor != 0)
            for q in (-1, 0, 1):
                t = np.multiply.outer(across + q * sizes[1 - axis], steep) - shearlet.shear
                row, column = np.nonzero(np.abs(t) < 1)
                total[row, seen[column]] += window[seen[column]] * directional(t[row, column])
        return total

    def _radial(self, shearlet: Shearlet, along: Array, axis: int) -> Array:
        scaled = along * (self._stretch[axis] / 2**shearlet.scale)
        shift = self._shift[axis]
        window = np.zeros_like(along)
        if shearlet.cone not in ("left", "bottom"):
            window += radial(scaled - shift)
        if shearlet.cone not in ("right", "top"):
            window += radial(-scaled - shift)
        return window


def _frequencies(size: int) -> Array:
    return np.fft.fftfreq(size, 1 / size).round().astype(np.float64)


def _run(seen: NDArray[np.bool_]) -> tuple[int, int]:
    """First column and length of the shortest run of columns, around the end, with all seen."""
    (where,) = np.nonzero(seen)
    gaps = np.diff(where, append=where[0] + len(seen))
    widest = int(gaps.argmax())
    return int(where[(widest + 1) % len(where)]), int(len(seen) - gaps[widest] + 1)
