"""Options and argument types that commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import torch

from torch_radon.cli.centering import CENTER_METHODS
from torch_radon.data.atomic import check_writable
from torch_radon.data.errors import DataError
from torch_radon.data.writers import output_suffix
from torch_radon.plot import PICTURE_SUFFIXES

DEBUG = "torch_radon.debug"
"""Key in a click context's ``meta`` that says whether to show tracebacks."""

Command = TypeVar("Command", bound=Callable[..., Any])


def debug_option(command: Command) -> Command:
    """Add ``--debug``."""

    def remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.meta[DEBUG] = value

    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=remember,
        help="Show the traceback of an error.",
    )(command)


def device_option(command: Command) -> Command:
    """Add ``--device``."""
    return click.option(
        "--device",
        metavar="auto|cpu|cuda",
        callback=parse_device,
        default="auto",
        show_default=True,
        help="Where to compute.",
    )(command)


def quiet_option(command: Command) -> Command:
    """Add ``--quiet``."""
    return click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")(command)


def parse_slices(ctx: click.Context, param: click.Parameter, value: str) -> slice:
    """Read ``a:b``, ``a:``, ``:b``, ``:`` or ``a``, counted from 0, b not included.

    Whether the file has these slices is checked later, by `select_rows`.
    """
    first, colon, last = value.partition(":")
    try:
        start = int(first) if first.strip() or not colon else None
        stop = int(last) if last.strip() else None
    except ValueError:
        start = -1
    if (start or 0) < 0 or (stop or 0) < 0:
        raise click.BadParameter(f"{value!r} is not a:b with whole numbers from 0")
    if not colon and start is not None:
        stop = start + 1
    return slice(start, stop)


def select_rows(rows: slice, available: int) -> range:
    """Turn ``--slices`` into rows of a file.

    Parameters
    ----------
    rows : slice
        As `parse_slices` gives it.
    available : int
        Number of rows in the file.

    Returns
    -------
    range
        At least one row.

    Raises
    ------
    click.BadParameter
        If the range is empty or leaves the file.

    Examples
    --------
    >>> from torch_radon.cli.options import select_rows
    >>> select_rows(slice(1, None), 4)
    range(1, 4)
    """
    start = rows.start or 0
    stop = available if rows.stop is None else rows.stop
    if not start < stop <= available:
        raise click.BadParameter(
            f"{start}:{stop} is not a part of the slices in the file, 0:{available}",
            param_hint="'--slices'",
        )
    return range(start, stop)


def parse_center(ctx: click.Context, param: click.Parameter, value: str) -> float | str:
    """Read the name of a method, or a column index as a number."""
    if value in CENTER_METHODS:
        return value
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        names = ", ".join(repr(name) for name in CENTER_METHODS)
        raise click.BadParameter(f"{value!r} is neither {names} nor the number of a column")
    return number


def output_path(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Check the name of a volume to write: its format, and whether it can be written."""
    return _writable(path, param, output_suffix)


def scan_path(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Check the name of a Data Exchange file to write."""
    return _writable(path, param, lambda name: _one_of(name, (".h5", ".hdf5"), "a scan"))


def picture_path(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    """Check the name of a picture to write."""
    return _writable(path, param, lambda name: _one_of(name, PICTURE_SUFFIXES, "a picture"))


def _writable(
    path: Path | None, param: click.Parameter, check: Callable[[Path], object]
) -> Path | None:
    if path is None:
        return None
    try:
        check(path)
        check_writable(path)
    except DataError as error:
        raise click.BadParameter(str(error), param=param) from error
    return path


def _one_of(path: Path, suffixes: tuple[str, ...], what: str) -> None:
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        raise DataError(
            f"{path}: cannot write {suffix or 'a file without suffix'}, {what} is one of "
            f"{', '.join(suffixes)}"
        )


def parse_device(ctx: click.Context, param: click.Parameter, value: str) -> torch.device:
    """Read ``auto``, ``cpu``, ``cuda`` or ``cuda:1``; it must be there and have kernels."""
    if value == "auto":
        return torch.device("cuda" if _usable("cuda") else "cpu")
    try:
        device = torch.device(value)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise click.BadParameter(f"{value!r} is not one of auto, cpu, cuda, cuda:0, cuda:1, ...")
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise click.BadParameter(f"{value!r}: PyTorch finds no CUDA device on this machine")
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise click.BadParameter(f"{value!r}: the last device is cuda:{count - 1}")
        if not _usable("cuda"):
            raise click.BadParameter(f"{value!r}: this version has kernels for the CPU only")
    return device


def _usable(kind: str) -> bool:
    """Whether PyTorch sees such a device and torch_radon has kernels for it."""
    from torch_radon.backends.interface import backend_for

    if kind == "cuda" and not torch.cuda.is_available():
        return False
    try:
        backend_for(kind)
    except NotImplementedError:
        return False
    return True
