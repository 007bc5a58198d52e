"""``torch-radon info``: what is in a file, or what this installation has."""

from __future__ import annotations

import platform
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import click
import h5py
import numpy as np
import torch

from torch_radon._version import __version__
from torch_radon.backends.cuda.describe import describe
from torch_radon.cli.options import debug_option
from torch_radon.cli.text import angle_range, size, table
from torch_radon.data.data_exchange import open_data_exchange, open_hdf5
from torch_radon.data.errors import DataError
from torch_radon.data.sources import TIFF_SUFFIXES, open_stack

# The range of values is taken from at most about this much of a dataset.
_SAMPLE_BYTES = 2**26


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@debug_option
def info(file: Path | None) -> None:
    """Show what is in FILE: datasets, shapes, angles, counts and the memory that it will take.

    FILE is a Data Exchange file or a stack of images. Without it, show versions, devices and
    threads.
    """
    if file is None:
        click.echo(table(_installation()))
        return
    if file.is_dir() or file.suffix.lower() in (*TIFF_SUFFIXES, ".npy"):
        _describe_stack(file)
        return
    with open_hdf5(file) as content:
        click.echo(f"{file}, {size(file.stat().st_size)}")
        click.echo(table(_datasets(content)))
    with open_data_exchange(file) as scan:
        views, rows, columns = scan.shape
        sinograms, volume = 4 * views * rows * columns, 4 * rows * columns * columns
        click.echo(
            table(
                {
                    "scan": f"{rows} slices, {columns} columns",
                    "scanner": scan.acquisition.describe() if scan.acquisition else "",
                    "angles": angle_range(scan.angles),
                    "memory": f"sinograms {size(sinograms)}, volume {size(volume)} "
                    f"({rows} x {columns} x {columns} float32)",
                }
            )
        )


def _describe_stack(file: Path) -> None:
    with closing(open_stack(file)) as stack:
        first = stack.read(slice(0, 1))
        click.echo(
            table(
                {
                    "file": str(file),
                    "images": " x ".join(str(n) for n in stack.shape),
                    "first": f"{float(first.min()):.6g} to {float(first.max()):.6g}",
                }
            )
        )


def _installation() -> dict[str, str]:
    packages = ("torch", "numba", "numpy", "h5py")
    lines = {"torch_radon": __version__, "python": platform.python_version()}
    lines |= {name: version(name) for name in packages}
    lines["cpu"] = f"{torch.get_num_threads()} threads"
    if not torch.cuda.is_available():
        lines["cuda"] = "no device"
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        lines[f"cuda:{index}"] = f"{device.name}, {size(device.total_memory)}"
    return lines | describe()


def _datasets(file: h5py.File) -> dict[str, str]:
    lines: dict[str, str] = {}

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            lines[name] = _describe(item)

    file.visititems(note)
    return lines


def _describe(dataset: h5py.Dataset) -> str:
    if dataset.shape == () and h5py.check_string_dtype(dataset.dtype):
        return repr(dataset.asstr()[()])
    text = f"{dataset.shape} {dataset.dtype}, {size(dataset.size * dataset.dtype.itemsize)}"
    if dataset.dtype.kind not in "iuf" or not dataset.size or not dataset.shape:
        return text
    frames = max(1, _SAMPLE_BYTES * len(dataset) // (dataset.size * dataset.dtype.itemsize))
    step = -(-len(dataset) // frames)
    try:
        sample = dataset[::step]
    except OSError as error:
        raise DataError(f"{dataset.file.filename}: dataset {dataset.name!r}: {error}") from error
    finite = sample[np.isfinite(sample)]
    if finite.size:
        text += f", {finite.min():.6g} to {finite.max():.6g}"
    if finite.size < sample.size:
        text += f", {sample.size - finite.size} not finite"
    if step > 1:
        text += f" (every {step}th)"
    return text
