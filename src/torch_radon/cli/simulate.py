"""``torch-radon simulate``: a scan of a phantom as a file, as a detector would have written it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor

from torch_radon.cli.exposure_options import (
    describe_exposure,
    exposure_of,
    exposure_options,
)
from torch_radon.cli.options import debug_option, output_path, quiet_option, scan_path
from torch_radon.cli.pipeline import image_grid, image_size
from torch_radon.cli.scanner import acquisition_of, scanner_options
from torch_radon.cli.simulation import Exposure, beam_profile, count, line_integrals_of
from torch_radon.cli.text import angle_range, plural, size, table
from torch_radon.data.acquisition import Acquisition
from torch_radon.data.data_exchange import write_data_exchange
from torch_radon.data.readings import Readings
from torch_radon.data.stack_scan import even_angles
from torch_radon.data.writers import open_writer
from torch_radon.geometry.volume import Volume
from torch_radon.phantoms import (
    Phantom,
    contrast_discs,
    ellipse,
    forbild_head,
    line_pairs,
    random_ellipses,
    shepp_logan,
    siemens_star,
)

# Each of a diameter of about 1 and with values of any scale.
_PHANTOMS: dict[str, Callable[[int], Phantom]] = {
    "shepp-logan": lambda seed: shepp_logan(size=1.0),
    "forbild": lambda seed: forbild_head(size=1.0),
    "random-ellipses": lambda seed: random_ellipses(seed, size=1.0),
    "disc": lambda seed: Phantom([ellipse(1.0, (0.05, -0.1), (0.35, 0.35))]),
    "line-pairs": lambda seed: line_pairs(size=1.0),
    "siemens-star": lambda seed: siemens_star(size=1.0),
    "contrast-discs": lambda seed: contrast_discs(size=1.0),
}
# The phantom's part of the field of view; other rows show it smaller, down to this part of it.
_FILL, _SMALLEST = 0.95, 0.8
_FULL = 360.0


def _range(ctx: click.Context, param: click.Parameter, value: str) -> float | str:
    if value in ("auto", "short"):
        return value
    try:
        degrees = float(value)
    except ValueError:
        degrees = math.nan
    if not (math.isfinite(degrees) and degrees):
        raise click.BadParameter(f"{value!r} is neither auto, short nor a number of degrees")
    return degrees


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    callback=scan_path,
    help="Data Exchange file to write, .h5.",
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path),
    callback=output_path,
    help="Volume of the phantom to write, on the grid on which reconstruct works: .h5, .tif, .npy.",
)
@click.option(
    "--phantom",
    "name",
    type=click.Choice(list(_PHANTOMS)),
    default="shepp-logan",
    show_default=True,
    help="What is in the scanner.",
)
@click.option(
    "--phantom-size",
    type=click.FloatRange(0, min_open=True),
    help="Its size, in the unit of all lengths; default: almost the field of view.",
)
@click.option(
    "--absorption",
    type=click.FloatRange(0, min_open=True),
    default=2.0,
    show_default=True,
    help="The largest line integral.",
)
@click.option("--views", type=click.IntRange(1), default=360, show_default=True, help="Of them.")
@click.option("--columns", type=click.IntRange(1), default=256, show_default=True, help="Of them.")
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Detector rows; each shows the phantom at another size.",
)
@click.option(
    "--range",
    "degrees",
    metavar="auto|short|DEGREES",
    callback=_range,
    default="auto",
    show_default=True,
    help="Angles from 0 up to but not including this; auto is 180 for parallel beams and 360 for "
    "fans, short is 180 and the fan's angle.",
)
@click.option(
    "--center",
    type=float,
    help="Column onto which the rotation axis projects; default: where --detector-offset puts it. "
    "The file does not tell.",
)
@scanner_options
@exposure_options
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all chance.")
@quiet_option
@debug_option
def simulate(
    output: Path,
    truth: Path | None,
    name: str,
    phantom_size: float | None,
    absorption: float,
    views: int,
    columns: int,
    rows: int,
    degrees: float | str,
    center: float | None,
    seed: int,
    quiet: bool,
    **given: Any,
) -> None:
    """Simulate the scan of a phantom and write it as a Data Exchange file.

    Counts come from the phantom's closed-form projections, several rays to a detector pixel, and
    with dark and flat fields, as from a real scanner. The file says what the scanner was like,
    except where the rotation axis is, so that reconstruct needs no options.
    """
    scanner, exposure = acquisition_of(given), exposure_of(given)
    axis = scanner.center(columns) if center is None else center
    if not 0 <= axis <= columns - 1:
        raise click.BadParameter(
            f"column {axis:g} is not on the detector, 0 to {columns - 1}",
            param_hint="'--center' / '--detector-offset'",
        )
    angles = even_angles(0.0, _degrees(degrees, scanner, columns, axis), views)
    grid = image_grid(scanner, image_size(scanner, columns))
    extent = _FILL * _field(scanner, columns, axis) if phantom_size is None else phantom_size
    phantoms = _rows(_PHANTOMS[name](seed).scale(extent), rows)
    lines = line_integrals_of(phantoms, scanner, angles, columns, axis)
    largest = float(lines.max())
    if largest <= 0:
        raise click.BadParameter("nothing of the phantom is in the beam")
    factor = absorption / largest
    radius = _field(scanner, columns, axis) / 2
    if exposure.bow_tie and not radius:
        raise click.BadParameter("the field of view is empty", param_hint="'--bow-tie'")
    beam = beam_profile(exposure, scanner, columns, axis, radius or 1.0)
    generator = torch.Generator().manual_seed(seed)
    readings = count(factor * lines, angles, beam, exposure, generator)
    _write(output, readings, scanner, f"simulated {name}")
    if truth is not None:
        with open_writer(truth, (rows, grid.shape[0], grid.shape[1])) as writer:
            for phantom in phantoms:
                writer.write((phantom * factor).rasterize(grid)[None])
    if not quiet:
        click.echo(
            table(
                {
                    "phantom": f"{name}, size {extent:.4g}, largest line integral {absorption:g}",
                    "scanner": scanner.describe(),
                    "detector": f"{plural(rows, 'row')}, {plural(columns, 'column')}, axis at "
                    f"column {axis:.2f}",
                    "angles": angle_range(angles),
                    **describe_exposure(exposure),
                    "saturated": _saturated(readings, exposure),
                    "output": f"{output} ({size(output.stat().st_size)})",
                    "truth": f"{truth}, {rows} x {_shape(grid)}" if truth else "",
                }
            )
        )


def _shape(grid: Volume) -> str:
    return " x ".join(str(n) for n in grid.shape)


def _field(scanner: Acquisition, columns: int, center: float) -> float:
    """Diameter of what the detector sees of the plane of rotation in every view."""
    short = min(center, columns - 1 - center)
    reach = short if not scanner.detector_offset else max(center, columns - 1 - center)
    if scanner.source_distance is None or scanner.detector_distance is None:
        return 2 * reach * scanner.pixel_size
    return 2 * scanner.source_distance * math.sin(_fan_angle(scanner, reach))


def _fan_angle(scanner: Acquisition, reach: float) -> float:
    """Angle between the axis' ray and that of a column so far from it."""
    if scanner.source_distance is None or scanner.detector_distance is None:
        return 0.0
    ratio = reach * scanner.pixel_size / (scanner.source_distance + scanner.detector_distance)
    return min(ratio, math.pi / 2) if scanner.curved else math.atan(ratio)


def _degrees(wanted: float | str, scanner: Acquisition, columns: int, center: float) -> float:
    if isinstance(wanted, float):
        return wanted
    if wanted == "short":
        reach = max(center, columns - 1 - center)
        return 180 + 2 * math.degrees(_fan_angle(scanner, reach))
    return _FULL if scanner.beam == "fan" or scanner.detector_offset else _FULL / 2


def _rows(phantom: Phantom, rows: int) -> list[Phantom]:
    """The phantom for every row, smaller and smaller."""
    sizes = np.linspace(1.0, _SMALLEST, rows) if rows > 1 else [1.0]
    return [phantom.scale(float(size)) for size in sizes]


def _saturated(readings: Readings, exposure: Exposure) -> str:
    part = float((readings.counts >= exposure.detector.saturation).float().mean())
    return f"{100 * part:.3g} % of all readings" if part else ""


def _write(output: Path, readings: Readings, scanner: Acquisition, title: str) -> None:
    write_data_exchange(
        output,
        counts=_compact(readings.counts),
        flat=_compact(readings.flat),
        dark=_compact(readings.dark),
        angles=readings.angles,
        acquisition=scanner,
        title=title,
    )


def _compact(frames: Tensor) -> Tensor | np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Whole numbers as a detector of 16 bits stores them, if they fit."""
    if bool((frames == frames.round()).all()) and float(frames.max()) < 2**16:
        return frames.numpy().astype(np.uint16)
    return frames.to(torch.float32)
