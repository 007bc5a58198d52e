"""Opening a scan, in a Data Exchange file or in stacks of images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
import torch

from torch_radon.data.data_exchange import open_data_exchange
from torch_radon.data.errors import DataError
from torch_radon.data.sources import HDF5_SUFFIXES, TIFF_SUFFIXES, open_stack
from torch_radon.data.stack_scan import Field, ScanSource, StackScan, even_angles

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = [
    click.option(
        "--flat-field",
        metavar="PATH|NUMBER",
        help="Images without the object, where FILE is a stack of images.",
    ),
    click.option("--dark-field", metavar="PATH|NUMBER", help="Images without the beam, likewise."),
    click.option(
        "--angles",
        metavar="A:B|PATH",
        help="Degrees, likewise: from a in even steps up to but not including b; or a file, .npy "
        "or text, one a view.",
    ),
]


def stack_options(command: Command) -> Command:
    """Add the options that `open_scan` reads."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def open_scan(file: Path, given: dict[str, Any]) -> ScanSource:
    """Open a scan, whatever it is.

    Parameters
    ----------
    file : Path
        A Data Exchange file, or what `open_stack` takes.
    given : dict
        The options of `stack_options`: all of them for a stack, none of them otherwise.

    Returns
    -------
    ScanSource
        To be closed.

    Raises
    ------
    click.UsageError
        If an option is missing, or given where it means nothing.
    DataError
        If a file cannot be used.
    """
    options = {
        "--flat-field": given["flat_field"],
        "--dark-field": given["dark_field"],
        "--angles": given["angles"],
    }
    missing = [name for name, value in options.items() if value is None]
    if len(missing) == len(options) and not _is_stack(file):
        return open_data_exchange(file)
    if missing:
        kind = "a stack of images" if _is_stack(file) else "a scan in files of their own"
        raise click.UsageError(f"{file}: {kind} needs {', '.join(missing)} too")
    return StackScan(
        file,
        _field(options["--flat-field"]),
        _field(options["--dark-field"]),
        _angles(options["--angles"], file),
    )


def _is_stack(file: Path) -> bool:
    """Whether it cannot be a Data Exchange file, whose suffix may be anything else."""
    if file.is_dir():
        return any(p.suffix.lower() in TIFF_SUFFIXES for p in file.iterdir())
    container = Path(str(file).rpartition(":")[0])
    inside = container.suffix.lower() in HDF5_SUFFIXES and not file.exists()
    return inside or file.suffix.lower() in (*TIFF_SUFFIXES, ".npy")


def _field(text: str) -> Field:
    try:
        return float(text)
    except ValueError:
        return text


def _angles(text: str, file: Path) -> torch.Tensor:
    first, colon, last = text.partition(":")
    if colon and not Path(text).exists():
        try:
            start, stop = float(first), float(last)
        except ValueError:
            raise click.BadParameter(
                f"{text!r} is neither a:b in degrees nor a file", param_hint="'--angles'"
            ) from None
        stack = open_stack(file)
        stack.close()
        return even_angles(start, stop, stack.shape[0])
    path = Path(text)
    if not path.exists():
        raise DataError(f"{path}: no such file of angles")
    try:
        degrees = np.load(path) if path.suffix.lower() == ".npy" else np.loadtxt(path)
        return torch.from_numpy(np.deg2rad(np.asarray(degrees, dtype=np.float64).ravel()))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: not a file of angles ({error})") from error
