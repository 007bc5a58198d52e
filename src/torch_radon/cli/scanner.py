"""Options that describe the scanner, shared by ``simulate`` and ``reconstruct``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import click

from torch_radon.data.acquisition import BEAMS, Acquisition
from torch_radon.data.errors import DataError

UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "nm": 1e-9}
"""Units of length that ``--unit`` accepts, in metres."""

Command = TypeVar("Command", bound=Callable[..., Any])

_POSITIVE = click.FloatRange(0, min_open=True)
_OPTIONS = [
    click.option("--beam", type=click.Choice(BEAMS), help="Parallel rays, or a point source."),
    click.option(
        "--source-distance", type=_POSITIVE, help="From source to rotation axis; makes it a fan."
    ),
    click.option(
        "--detector-distance", type=click.FloatRange(0), help="From rotation axis to detector."
    ),
    click.option(
        "--curved/--flat",
        "curved",
        default=None,
        help="Detector on an arc about the source, or straight.",
    ),
    click.option(
        "--detector-offset", type=float, help="How far the detector was moved along its columns."
    ),
    click.option(
        "--pixel-size",
        type=_POSITIVE,
        help="Distance between detector columns, in the unit of all lengths; default 1.",
    ),
    click.option(
        "--unit", type=click.Choice(list(UNITS)), help="Unit of all lengths, to be recorded."
    ),
]


def scanner_options(command: Command) -> Command:
    """Add the options that describe the scanner."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def acquisition_of(given: dict[str, Any], recorded: Acquisition | None = None) -> Acquisition:
    """Put together what the options say and what the file says; options win.

    Parameters
    ----------
    given : dict
        The options of `scanner_options`; those that were not given are None. Other entries are
        left alone.
    recorded : Acquisition, optional
        What a file says.

    Returns
    -------
    Acquisition

    Raises
    ------
    click.BadParameter
        If they do not describe a scanner.

    Examples
    --------
    >>> from torch_radon.cli.scanner import acquisition_of
    >>> acquisition_of({"source_distance": 50.0, "detector_distance": 40.0}).beam
    'fan'
    """
    fields = asdict(recorded if recorded is not None else Acquisition())
    told = {name: given[name] for name in fields if given.get(name) is not None}
    if told.get("beam") == "parallel":
        # What a fan had means nothing then, unless it is asked for.
        fields |= {"source_distance": None, "detector_distance": None, "curved": False}
    elif "beam" not in told and {"source_distance", "detector_distance"} & set(told):
        told["beam"] = "fan"
    try:
        return Acquisition(**fields | told)
    except DataError as error:
        raise click.BadParameter(
            f"{error}; see --beam, --source-distance, --detector-distance, --curved"
        ) from None
