"""From raw counts to line integrals."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from torch_radon.data.errors import DataError
from torch_radon.data.readings import Readings

MIN_TRANSMISSION = 1e-5
"""Default floor of the transmission: less than one count of a 16-bit detector."""


class LineIntegrals(NamedTuple):
    """Sinograms and what had to be repaired to get them.

    Attributes
    ----------
    sinograms : Tensor
        Dimensionless line integrals of the attenuation, shape ``(rows, views, columns)``, ready
        for a `Projector` of that scan.
    clamped : int
        Number of readings whose transmission was below the floor and was raised to it.
    """

    sinograms: Tensor
    clamped: int


def transmission(readings: Readings) -> Tensor:
    r"""Fraction of the beam that reached each detector pixel.

    .. math:: T = \frac{\text{counts} - \overline{\text{dark}}}
                       {\overline{\text{flat}} - \overline{\text{dark}}}

    with dark and flat fields averaged over their frames, pixel by pixel. Noise can make T larger
    than 1 or negative; nothing is clamped here.

    Parameters
    ----------
    readings : Readings
        Raw counts, real floating point, on any device.

    Returns
    -------
    Tensor
        Shape ``(views, rows, columns)``, type and device of the counts; differentiable.

    Raises
    ------
    TypeError
        If the counts are not real floating-point numbers.
    DataError
        If shapes disagree, a reading is not finite, or the mean flat field does not exceed the
        mean dark field at every pixel.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import Readings, transmission
    >>> dark, beam = torch.full((3, 1, 4), 100.0), torch.full((2, 1, 4), 1100.0)
    >>> counts = torch.full((5, 1, 4), 600.0)
    >>> transmission(Readings(counts, beam, dark, torch.zeros(5)))[0]
    tensor([[0.5000, 0.5000, 0.5000, 0.5000]])
    """
    check_readings(readings)
    dark = readings.dark.mean(dim=0)
    beam = readings.flat.mean(dim=0) - dark
    dead = int((beam <= 0).sum())
    if dead:
        row, column = (int(i) for i in (beam <= 0).nonzero()[0])
        remedy = (
            "repair_dead (--repair-dead) interpolates them"
            if dead < beam.numel() / 2
            else "is data_white a picture of the open beam?"
        )
        raise DataError(
            f"flat field does not exceed the dark field at {dead} of {beam.numel()} pixels, first "
            f"at row {row}, column {column} of the rows read: flat "
            f"{float(readings.flat.mean(dim=0)[row, column]):g}, dark {float(dark[row, column]):g}"
            f"; {remedy}"
        )
    return (readings.counts - dark) / beam


def line_integrals(readings: Readings, min_transmission: float = MIN_TRANSMISSION) -> LineIntegrals:
    r"""Sinograms of raw counts: Beer-Lambert's law, inverted.

    .. math:: y = -\ln \max(T, T_{\min})

    with the `transmission` T. Where T is below the floor, because a pixel counted nothing or
    noise took it below the dark level, the floor is used instead, and the number of such readings
    is returned: many of them mean too little dose, or a wrong dark field.

    Parameters
    ----------
    readings : Readings
        Raw counts, real floating point, on any device.
    min_transmission : float, default 1e-5
        The floor :math:`T_{\min}`, above 0 and at most 1; the largest line integral is
        :math:`-\ln T_{\min}`, 11.5 by default.

    Returns
    -------
    LineIntegrals
        ``sinograms`` of shape ``(rows, views, columns)``, type and device of the counts, and the
        number ``clamped``.

    Raises
    ------
    TypeError, DataError
        As `transmission` does.
    ValueError
        If `min_transmission` is outside (0, 1].

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import Readings, line_integrals
    >>> counts = torch.tensor([[[1000.0, 500.0, 0.0]]])
    >>> flat, dark = torch.full((1, 1, 3), 1000.0), torch.zeros(1, 1, 3)
    >>> readings = Readings(counts, flat, dark, angles=torch.zeros(1))
    >>> sinograms, clamped = line_integrals(readings)
    >>> sinograms.abs(), clamped
    (tensor([[[ 0.0000,  0.6931, 11.5129]]]), 1)
    """
    _check_floor(min_transmission)
    return attenuation(transmission(readings), min_transmission)


def attenuation(fraction: Tensor, min_transmission: float = MIN_TRANSMISSION) -> LineIntegrals:
    r"""Sinograms of a transmission; `line_integrals` without its first step.

    .. math:: y = -\ln \max(T, T_{\min})

    Parameters
    ----------
    fraction : Tensor
        The transmission T, shape ``(views, rows, columns)``, as `transmission` returns it or
        something has changed it since (`paganin_filter`, say).
    min_transmission : float, default 1e-5
        The floor :math:`T_{\min}`, above 0 and at most 1.

    Returns
    -------
    LineIntegrals
        As `line_integrals` returns them.

    Raises
    ------
    ValueError
        If `fraction` does not have three dimensions or `min_transmission` is outside (0, 1].

    Examples
    --------
    >>> import torch
    >>> from torch_radon.data import attenuation
    >>> attenuation(torch.full((90, 1, 64), 0.5)).sinograms.shape
    torch.Size([1, 90, 64])
    """
    _check_floor(min_transmission)
    if fraction.ndim != 3:
        raise ValueError(
            f"fraction must have shape (views, rows, columns), got {tuple(fraction.shape)}"
        )
    by_row = fraction.transpose(0, 1)
    clamped = int((by_row < min_transmission).sum())
    sinograms = -by_row.clamp_min(min_transmission).log()
    return LineIntegrals(sinograms.contiguous(), clamped)


def _check_floor(min_transmission: float) -> None:
    if not 0 < min_transmission <= 1:
        raise ValueError(f"min_transmission must be above 0 and at most 1, got {min_transmission}")


def check_readings(readings: Readings) -> None:
    """Raise unless shapes agree and all counts are finite floating-point numbers."""
    counts = readings.counts
    if counts.ndim != 3 or 0 in counts.shape:
        raise DataError(
            "counts must have shape (views, rows, columns), none of them 0, got "
            f"{tuple(counts.shape)}"
        )
    if not counts.is_floating_point():
        raise TypeError(f"counts must be of a real floating-point type, got {counts.dtype}")
    for name, frames in (("flat", readings.flat), ("dark", readings.dark)):
        if frames.ndim != 3 or not len(frames) or frames.shape[1:] != counts.shape[1:]:
            raise DataError(
                f"{name} must have shape (frames, rows, columns) = (frames, {counts.shape[1]}, "
                f"{counts.shape[2]}), got {tuple(frames.shape)}"
            )
    for name, values in (
        ("counts", counts),
        ("flat field", readings.flat),
        ("dark field", readings.dark),
    ):
        # The sum is finite if all terms are, and needs no array of flags.
        if torch.isfinite(values.sum(dtype=torch.float64)):
            continue
        bad = ~torch.isfinite(values)
        if bad.any():
            first, row, column = (int(i) for i in bad.nonzero()[0])
            raise DataError(
                f"{name} must be finite, got {float(values[first, row, column])} at frame {first}, "
                f"row {row}, column {column} of the rows read ({int(bad.sum())} readings)"
            )
