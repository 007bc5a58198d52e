"""Options of a simulated beam and detector."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from torch_radon.cli.simulation import Exposure
from torch_radon.physics import Detector

Command = TypeVar("Command", bound=Callable[..., Any])


def _lags(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[float, float], ...]:
    lags = []
    for value in values:
        part, _, views = value.partition(":")
        try:
            lag = float(part), float(views)
        except ValueError:
            lag = math.nan, math.nan
        if not (0 <= lag[0] <= 1 and 0 < lag[1] < math.inf):
            raise click.BadParameter(
                f"{value!r} is not PART:VIEWS with a part from 0 to 1 and more than 0 views"
            )
        lags.append(lag)
    if sum(part for part, _ in lags) > 1:
        raise click.BadParameter("the parts sum to more than 1")
    return tuple(lags)


_OPTIONS = [
    click.option(
        "--photons",
        type=click.FloatRange(0, 1e8, min_open=True),
        default=1e4,
        show_default=True,
        help="A pixel receives in the middle of the open beam.",
    ),
    click.option(
        "--bow-tie",
        type=click.FloatRange(0, 20),
        default=0.0,
        show_default=True,
        help="Line integral that a bow-tie filter adds where the field of view ends.",
    ),
    click.option("--noise/--no-noise", default=True, show_default=True, help="Photons are random."),
    click.option(
        "--gain",
        type=click.FloatRange(0, min_open=True),
        default=1.0,
        show_default=True,
        help="Counts a photon.",
    ),
    click.option(
        "--electronic-noise",
        type=click.FloatRange(0),
        default=0.0,
        show_default=True,
        help="Standard deviation of the read-out in counts.",
    ),
    click.option(
        "--dark-level",
        type=click.FloatRange(0),
        default=100.0,
        show_default=True,
        help="Counts without a beam.",
    ),
    click.option(
        "--swank",
        type=click.FloatRange(0, 1, min_open=True),
        default=1.0,
        show_default=True,
        help="Swank factor: below 1, photons have random energies, which the detector adds up.",
    ),
    click.option(
        "--cross-talk",
        type=click.FloatRange(0, 0.5),
        default=0.0,
        show_default=True,
        help="Share of its light that a pixel gives to each neighbour.",
    ),
    click.option(
        "--afterglow",
        metavar="PART:VIEWS",
        multiple=True,
        callback=_lags,
        help="Part of the light that comes late, and its time constant; can be repeated.",
    ),
    click.option(
        "--bits",
        type=click.IntRange(1, 24),
        help="Of the converter, which saturates at the largest number they hold; default: it "
        "never does.",
    ),
    click.option(
        "--frames",
        type=click.IntRange(1),
        default=20,
        show_default=True,
        help="Flat and dark, each.",
    ),
    click.option(
        "--drift",
        type=click.FloatRange(0),
        default=0.0,
        show_default=True,
        help="Relative change of each pixel's response since the flat field, which makes rings.",
    ),
    click.option("--dead", type=click.IntRange(0), default=0, help="Detector pixels that count 0."),
    click.option("--zingers", type=click.IntRange(0), default=0, help="Readings far too bright."),
]


def exposure_options(command: Command) -> Command:
    """Add the options that `exposure_of` reads."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def exposure_of(given: dict[str, Any]) -> Exposure:
    """Make an exposure of the options of `exposure_options`.

    Parameters
    ----------
    given : dict
        The options; other entries are left alone.

    Returns
    -------
    Exposure

    Raises
    ------
    click.BadParameter
        If they do not fit each other.
    """
    bits = given["bits"]
    saturation = math.inf if bits is None else 2.0**bits - 1
    if given["dark_level"] >= saturation:
        raise click.BadParameter(
            f"a dark level of {given['dark_level']:g} is more than {bits} bits hold",
            param_hint="'--bits' / '--dark-level'",
        )
    detector = Detector(
        gain=given["gain"],
        electronic_noise=given["electronic_noise"],
        dark=given["dark_level"],
        swank=given["swank"],
        cross_talk=given["cross_talk"],
        afterglow=given["afterglow"],
        # Without noise exact line integrals can be had, unless a converter is asked for.
        step=1.0 if given["noise"] or bits is not None else 0.0,
        saturation=saturation,
        noise="poisson" if given["noise"] else "none",
        axes=2,
    )
    return Exposure(
        photons=given["photons"],
        detector=detector,
        bow_tie=given["bow_tie"],
        frames=given["frames"],
        drift=given["drift"],
        dead=given["dead"],
        zingers=given["zingers"],
    )


def describe_exposure(exposure: Exposure) -> dict[str, str]:
    """Say what the beam and the detector were like, for the summary.

    Parameters
    ----------
    exposure : Exposure
        What to describe.

    Returns
    -------
    dict of str
        "" where there is nothing to say.

    Examples
    --------
    >>> from torch_radon.cli.exposure_options import describe_exposure
    >>> from torch_radon.cli.simulation import Exposure
    >>> describe_exposure(Exposure(photons=500.0))
    {'beam': '500 photons a pixel', 'read-out': ''}
    """
    detector = exposure.detector
    beam = [f"{exposure.photons:g} photons a pixel"]
    if detector.noise == "none":
        beam.append("no noise")
    if exposure.bow_tie:
        beam.append(f"bow-tie filter up to {exposure.bow_tie:g}")
    told = []
    if detector.gain != 1:
        told.append(f"{detector.gain:g} counts a photon")
    if detector.electronic_noise:
        told.append(f"electronic noise {detector.electronic_noise:g} counts")
    if detector.swank < 1:
        told.append(f"Swank factor {detector.swank:g}")
    if detector.cross_talk:
        told.append("cross-talk")
    told += [f"afterglow {part:g} over {views:g} views" for part, views in detector.afterglow]
    if math.isfinite(detector.saturation):
        told.append(f"saturates at {detector.saturation:g}")
    return {"beam": ", ".join(beam), "read-out": ", ".join(told)}
