"""Options of filtered backprojection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from torch_radon.analytic.filters import FILTER_NAMES
from torch_radon.analytic.line_filter import INTERPOLATIONS
from torch_radon.analytic.redundancy import REDUNDANCIES

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = [
    click.option(
        "--filter",
        type=click.Choice(FILTER_NAMES),
        default="ramp",
        show_default=True,
        help="From sharp and noisy (ramp) to smooth (hann).",
    ),
    click.option(
        "--cutoff",
        type=click.FloatRange(0, 1, min_open=True),
        default=1.0,
        show_default=True,
        help="Largest frequency that passes, as a fraction of the detector's Nyquist frequency.",
    ),
    click.option(
        "--interpolation",
        type=click.Choice(INTERPOLATIONS),
        default="linear",
        show_default=True,
        help="How filtered projections are read between columns.",
    ),
    click.option(
        "--upsampling",
        type=click.IntRange(1),
        default=4,
        show_default=True,
        help="Samples a column for the finer interpolations.",
    ),
    click.option(
        "--redundancy",
        type=click.Choice(REDUNDANCIES),
        default="auto",
        show_default=True,
        help="How rays that were measured twice share their line: auto recognises full and short "
        "scans and moved detectors.",
    ),
    click.option(
        "--extrapolation",
        type=click.FloatRange(0),
        default=0.0,
        show_default=True,
        help="Continue truncated projections by this part of the detector's width; 0.5 is good.",
    ),
]
NAMES = ("filter", "cutoff", "interpolation", "upsampling", "redundancy", "extrapolation")
"""The options, which are keywords of `fbp` as they stand."""


def analytic_options(command: Command) -> Command:
    """Add the options of `fbp`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def describe(options: dict[str, Any]) -> str:
    """Say which options of `fbp` were used, those that change nothing left out.

    Parameters
    ----------
    options : dict
        All of `NAMES`.

    Returns
    -------
    str

    Examples
    --------
    >>> from torch_radon.cli.analytic_options import describe
    >>> describe(dict(filter="hann", cutoff=0.8, interpolation="cubic", upsampling=4,
    ...               redundancy="auto", extrapolation=0.0))
    'fbp, filter hann, cutoff 0.8, cubic interpolation (4 x)'
    """
    text = f"fbp, filter {options['filter']}, cutoff {options['cutoff']:g}"
    if options["interpolation"] != "linear":
        text += f", {options['interpolation']} interpolation ({options['upsampling']} x)"
    if options["redundancy"] != "auto":
        text += f", redundancy {options['redundancy']}"
    if options["extrapolation"]:
        text += f", extrapolated by {options['extrapolation']:g} of the width"
    return text
