"""From counts to sinograms: the cleaning that ``reconstruct`` offers, in the order it is done."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from torch import Tensor

from torch_radon.cli.scanner import UNITS
from torch_radon.data.acquisition import Acquisition
from torch_radon.data.defects import remove_zingers, repair_dead
from torch_radon.data.phase import paganin_filter, paganin_length
from torch_radon.data.preprocess import MIN_TRANSMISSION, attenuation, transmission
from torch_radon.data.readings import Readings
from torch_radon.data.regions import crop, rebin, rebinned_center
from torch_radon.data.stripes import STRIPE_METHODS

Command = TypeVar("Command", bound=Callable[..., Any])

# Beyond so many lengths the kernel of the phase filter has died away, and beyond so many more
# pixels the ringing of a kernel that is not much wider than a pixel.
_REACH, _RINGING = 10.0, 16


@dataclass(frozen=True)
class Preparation:
    """What to do with counts.

    Parameters
    ----------
    dead : bool
        Whether to interpolate dead detector pixels.
    zingers : float or None
        The threshold of `remove_zingers`, None to leave them.
    first, last : int
        Detector columns to use, `last` not included.
    binning : int
        How many columns, and rows, make one.
    phase_length : float or None
        The length of `paganin_filter` in detector pixels (before binning), None without it.
    min_transmission : float
        As `attenuation` takes it.
    rings : str
        "none" or one of `STRIPE_METHODS`.
    """

    dead: bool
    zingers: float | None
    first: int
    last: int
    binning: int
    phase_length: float | None
    min_transmission: float
    rings: str

    @property
    def columns(self) -> int:
        """Columns of the sinograms."""
        return (self.last - self.first) // self.binning

    @property
    def margin(self) -> int:
        """Detector rows on either side of a block that its result depends on."""
        if self.phase_length is None:
            return 0
        return self.binning * (math.ceil(_REACH * self.phase_length / self.binning) + _RINGING)

    def center_in(self, center: float) -> float:
        """Where a detector column is in the sinograms."""
        return rebinned_center(center - self.first, self.binning)

    def center_out(self, center: float) -> float:
        """The detector column of a column of the sinograms."""
        return self.first + center * self.binning + (self.binning - 1) / 2

    def describe(self) -> dict[str, str]:
        """Say what is done beyond the least, for the summary and the record."""
        told = {}
        if self.phase_length is not None:
            told["phase"] = f"Paganin's filter, length {self.phase_length:.4g} detector pixels"
        if self.rings != "none":
            told["rings"] = f"removed by {self.rings}"
        if self.binning > 1:
            told["binning"] = f"{self.binning} x {self.binning} detector pixels"
        return told


@dataclass
class Tally:
    """What had to be repaired.

    Parameters
    ----------
    dead : int
        Detector pixels.
    zingers, clamped : int
        Readings.
    """

    dead: int = 0
    zingers: int = 0
    clamped: int = 0

    def add(self, other: Tally) -> None:
        """Count those of another part of the scan too."""
        self.dead += other.dead
        self.zingers += other.zingers
        self.clamped += other.clamped


def prepare(
    readings: Readings, how: Preparation, above: int = 0, rows: int | None = None
) -> tuple[Tensor, Tally]:
    """Sinograms of the detector rows of a block.

    Parameters
    ----------
    readings : Readings
        Counts of the block, with a margin of rows around it.
    how : Preparation
        What to do.
    above : int, default 0
        Rows of the margin before the block, a multiple of the binning.
    rows : int, optional
        Rows of the block; by default all that follow.

    Returns
    -------
    sinograms : Tensor
        Shape ``(rows // binning, views, columns)``.
    tally : Tally

    Raises
    ------
    DataError
        If the data cannot be used.
    """
    tally = Tally()
    if how.dead:
        readings, tally.dead = repair_dead(readings)
    if how.zingers is not None:
        readings, tally.zingers = remove_zingers(readings, how.zingers)
    readings = crop(readings, columns=slice(how.first, how.last))
    readings = rebin(readings, how.binning, how.binning)
    fraction = transmission(readings)
    if how.phase_length is not None:
        fraction = paganin_filter(fraction, how.phase_length / how.binning)
    start = above // how.binning
    stop = None if rows is None else start + rows // how.binning
    sinograms, tally.clamped = attenuation(fraction[:, start:stop], how.min_transmission)
    if how.rings != "none":
        sinograms = STRIPE_METHODS[how.rings](sinograms)
    return sinograms, tally


def _columns(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int | None]:
    first, colon, last = value.partition(":")
    try:
        start, stop = int(first or 0), int(last) if last.strip() else None
    except ValueError:
        start, stop, colon = -1, None, ""
    if not colon or start < 0 or (stop is not None and stop <= start):
        raise click.BadParameter(f"{value!r} is not a:b with whole numbers from 0, a below b")
    return start, stop


_POSITIVE = click.FloatRange(0, min_open=True)
_OPTIONS = [
    click.option(
        "--repair-dead", is_flag=True, help="Interpolate detector pixels whose flat field is dark."
    ),
    click.option(
        "--zingers",
        type=_POSITIVE,
        metavar="FRACTION",
        help="Replace readings brighter than the median of their neighbours by this fraction of "
        "it, 0.25 say.",
    ),
    click.option(
        "--crop",
        metavar="A:B",
        callback=_columns,
        default=":",
        show_default=True,
        help="Detector columns to use, from a up to but not including b.",
    ),
    click.option(
        "--bin",
        "binning",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Average squares of so many detector pixels a side.",
    ),
    click.option(
        "--rings",
        type=click.Choice(["none", *STRIPE_METHODS]),
        default="none",
        show_default=True,
        help="How to remove rings.",
    ),
    click.option(
        "--delta-beta",
        type=_POSITIVE,
        metavar="RATIO",
        help="Retrieve the phase (Paganin) with this ratio of delta to beta; needs the next two "
        "and --unit.",
    ),
    click.option("--energy", type=_POSITIVE, metavar="KEV", help="Photon energy."),
    click.option(
        "--propagation", type=_POSITIVE, metavar="LENGTH", help="From the object to the detector."
    ),
    click.option(
        "--min-transmission",
        type=click.FloatRange(0, 1, min_open=True),
        default=MIN_TRANSMISSION,
        show_default=True,
        help="Readings below this fraction of the beam are raised to it.",
    ),
]


def preparation_options(command: Command) -> Command:
    """Add the options that `preparation_of` reads."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def preparation_of(given: dict[str, Any], scanner: Acquisition, columns: int) -> Preparation:
    """Check the options of `preparation_options` against a scan.

    Parameters
    ----------
    given : dict
        The options; other entries are left alone.
    scanner : Acquisition
        How the scan was taken.
    columns : int
        Columns of the detector.

    Returns
    -------
    Preparation

    Raises
    ------
    click.BadParameter
        If they do not fit it or each other.
    """
    first, stop = given["crop"]
    last = columns if stop is None else stop
    if not first < last <= columns:
        raise click.BadParameter(
            f"{first}:{last} is not a part of the columns in the file, 0:{columns}",
            param_hint="'--crop'",
        )
    if given["binning"] > last - first:
        raise click.BadParameter(
            f"{given['binning']} is more than the {last - first} columns",
            param_hint="'--bin'",
        )
    return Preparation(
        dead=given["repair_dead"],
        zingers=given["zingers"],
        first=first,
        last=last,
        binning=given["binning"],
        phase_length=_phase_length(given, scanner),
        min_transmission=given["min_transmission"],
        rings=given["rings"],
    )


def _phase_length(given: dict[str, Any], scanner: Acquisition) -> float | None:
    """Length of the phase filter in detector pixels."""
    names = ("delta_beta", "energy", "propagation")
    missing = [name for name in names if given[name] is None]
    if len(missing) == len(names):
        return None
    if scanner.unit not in UNITS:
        missing.append("unit")
    if missing:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise click.BadParameter(
            f"needs {options} too", param_hint="'--delta-beta' / '--energy' / '--propagation'"
        )
    metre = UNITS[scanner.unit]
    # A diverging beam acts like a parallel one over a shorter distance on a finer detector.
    effective = given["propagation"] * metre / scanner.magnification
    pixel = scanner.pixel_size * metre / scanner.magnification
    return paganin_length(given["energy"], effective, given["delta_beta"]) / pixel
