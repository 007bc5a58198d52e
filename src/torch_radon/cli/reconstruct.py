"""``torch-radon reconstruct``: images from the scan in a file."""

from __future__ import annotations

import math
import shlex
import sys
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import torch
from torch import Tensor
from tqdm import tqdm

from torch_radon._version import __version__
from torch_radon.cli.algorithms import algorithm_of, algorithm_options
from torch_radon.cli.options import (
    debug_option,
    device_option,
    output_path,
    parse_center,
    parse_slices,
    picture_path,
    quiet_option,
    select_rows,
)
from torch_radon.cli.pipeline import Outcome, Settings, reconstruct_scan
from torch_radon.cli.preparation import preparation_of, preparation_options
from torch_radon.cli.scan_files import open_scan, stack_options
from torch_radon.cli.scanner import acquisition_of, scanner_options
from torch_radon.cli.text import angle_range, plural, size, table
from torch_radon.data.stack_scan import ScanSource

# Seconds between two readings of the residual.
_REFRESH = 0.2


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    callback=output_path,
    help="Volume to write: .h5, .tif or .npy.",
)
@click.option(
    "--preview",
    type=click.Path(path_type=Path),
    callback=picture_path,
    help="Picture of up to three slices to write, .png for example.",
)
@algorithm_options
@click.option(
    "--center",
    metavar="auto|moments|opposite|sharpest|COLUMN",
    callback=parse_center,
    default="auto",
    show_default=True,
    help="Column onto which the rotation axis projects, 0 being the middle of the first; or how "
    "to find it: from all views of a parallel beam (moments), from rays measured in both "
    "directions (opposite), by the sharpest image.",
)
@click.option(
    "--slices",
    metavar="A:B",
    callback=parse_slices,
    default=":",
    show_default=True,
    help="Which detector rows to reconstruct, from a up to but not including b.",
)
@click.option(
    "--size", "side", type=click.IntRange(1), help="Pixels of the image a side; default: what fits."
)
@preparation_options
@scanner_options
@stack_options
@device_option
@quiet_option
@debug_option
def reconstruct(
    file: Path,
    output: Path,
    preview: Path | None,
    method: str,
    center: float | str,
    slices: slice,
    side: int | None,
    device: torch.device,
    quiet: bool,
    **given: Any,
) -> None:
    """Reconstruct slices of the scan in FILE.

    FILE is an HDF5 file in Data Exchange layout, which may say itself what the scanner was like;
    or a stack of images, a folder of them, a .npy file or a dataset, scan.h5:name, with
    --flat-field, --dark-field and --angles. Without a word about the scanner the beam is parallel.

    The counts are corrected with the dark and flat fields, turned into line integrals and
    reconstructed on pixels as large as the detector's are at the rotation axis, which is in the
    middle. Values are attenuation per unit of length.
    """
    with closing(open_scan(file, given)) as scan:
        _check_paths(file, output, preview)
        settings = _settings(scan, method, center, slices, side, device, given)
        silent = quiet or not sys.stderr.isatty()
        with tqdm(total=settings.slices, unit="slice", disable=silent, file=sys.stderr) as bar:
            live = None if silent else _LiveResidual(bar)
            outcome = reconstruct_scan(scan, output, preview, settings, bar.update, live)
        if not quiet:
            click.echo(table(_summary(scan, output, preview, settings, outcome)))


class _LiveResidual:
    """Shows iteration and residual at the end of a progress bar, a few times a second.

    Parameters
    ----------
    bar : tqdm
    """

    def __init__(self, bar: tqdm) -> None:
        self._bar = bar
        self._shown = -math.inf

    def __call__(self, iteration: int, images: Tensor, residuals: Tensor) -> None:
        """Read the residuals, for which the device is waited for, unless that was just done."""
        now = perf_counter()
        if now - self._shown >= _REFRESH:
            self._shown = now
            self._bar.set_postfix_str(
                f"iteration {iteration}, residual {float(residuals.max()):.3g}"
            )


def _settings(
    scan: ScanSource,
    method: str,
    center: float | str,
    slices: slice,
    side: int | None,
    device: torch.device,
    given: dict[str, Any],
) -> Settings:
    acquisition = acquisition_of(given, scan.acquisition)
    preparation = preparation_of(given, acquisition, scan.columns)
    rows = select_rows(slices, scan.rows)
    if len(rows) < preparation.binning:
        raise click.BadParameter(
            f"{preparation.binning} is more than the {plural(len(rows), 'row')} to reconstruct",
            param_hint="'--bin'",
        )
    if isinstance(center, float) and not 0 <= center <= scan.columns - 1:
        raise click.BadParameter(
            f"column {center:g} is not on the detector, 0 to {scan.columns - 1}",
            param_hint="'--center'",
        )
    pixel = acquisition.pixel_size * preparation.binning / acquisition.magnification
    algorithm = algorithm_of(method, given, pixel)
    attributes = {
        "source": scan.path.name,
        "slices": f"{rows.start}:{rows.stop}",
        "method": method,
        **algorithm.options,
        "scanner": acquisition.describe(),
        "unit": acquisition.unit,
        "software": f"torch_radon {__version__}",
        "command": shlex.join(["torch-radon", *sys.argv[1:]]),
    }
    return Settings(
        rows=rows,
        center=center,
        acquisition=acquisition,
        preparation=preparation,
        algorithm=algorithm,
        nominal=acquisition.center(scan.columns),
        size=side,
        device=device,
        attributes=attributes,
    )


def _check_paths(file: Path, output: Path, preview: Path | None) -> None:
    for name, path in (("--output", output), ("--preview", preview)):
        if path is not None and path.exists() and file.exists() and path.samefile(file):
            raise click.BadParameter(f"{path} is the input file", param_hint=f"'{name}'")


def _summary(
    scan: ScanSource,
    output: Path,
    preview: Path | None,
    settings: Settings,
    outcome: Outcome,
) -> dict[str, str]:
    rows, columns, how = settings.rows, scan.columns, settings.preparation
    cropped = "" if how.last - how.first == columns else f", of them {how.first}:{how.last}"
    readings = settings.slices * scan.views * how.columns
    tally, volume, scanner = outcome.tally, outcome.volume, settings.acquisition
    repaired = []
    if how.dead:
        repaired.append(f"{plural(tally.dead, 'dead detector pixel')} interpolated")
    if how.zingers is not None:
        repaired.append(f"{plural(tally.zingers, 'zinger')} replaced")
    threads = f", {torch.get_num_threads()} threads" if settings.device.type == "cpu" else ""
    unit = f" {scanner.unit}" if scanner.unit else ""
    shape = " x ".join(str(n) for n in (settings.slices, *volume.shape))
    return {
        "input": f"{scan.path}, slices {rows.start}:{rows.stop} of {scan.rows}, {columns} columns"
        f"{cropped}",
        "scanner": scanner.describe(),
        "angles": angle_range(scan.angles),
        "center": f"column {outcome.center:.2f}{_found(outcome)}",
        "counts": f"{tally.clamped} of {readings} readings raised to the smallest transmission, "
        f"{how.min_transmission:g}",
        "repaired": ", ".join(repaired),
        **how.describe(),
        "method": _method(settings, outcome),
        "device": f"{settings.device}{threads}",
        "time": f"{outcome.seconds:.1f} s, {outcome.seconds / settings.slices:.2g} s a slice",
        "output": f"{output}, {shape} float32 ({size(output.stat().st_size)}), pixels of "
        f"{volume.spacing[0]:g}{unit}",
        "values": f"{outcome.smallest:.4g} to {outcome.largest:.4g} per "
        f"{scanner.unit or 'unit of length'}",
        "preview": str(preview or ""),
    }


def _method(settings: Settings, outcome: Outcome) -> str:
    text = settings.algorithm.describe()
    return text if outcome.residual is None else f"{text}; residual {outcome.residual:.3g}"


def _found(outcome: Outcome) -> str:
    if outcome.estimate is None:
        return ""
    text = f", found by {outcome.method} in {outcome.center_seconds:.1f} s"
    spread = outcome.estimate.spread
    if not math.isnan(spread):
        text += f"; two halves of the views agree to {spread:.2f}"
    if outcome.estimate.truncated:
        text += "; the object reaches beyond the detector"
    return text
