"""Numbers and tables as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor


def size(number_of_bytes: int) -> str:
    """Return a number of bytes for people.

    Parameters
    ----------
    number_of_bytes : int
        At least 0.

    Returns
    -------
    str

    Examples
    --------
    >>> from torch_radon.cli.text import size
    >>> size(900), size(1_043_312), size(12_300_000_000)
    ('900 B', '1.0 MB', '12.3 GB')
    """
    amount = float(number_of_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def angle_range(angles: Tensor) -> str:
    """Say which angles a scan has.

    Parameters
    ----------
    angles : Tensor
        Radians, shape ``(views,)``.

    Returns
    -------
    str

    Examples
    --------
    >>> import torch
    >>> from torch_radon.cli.text import angle_range
    >>> angle_range(torch.linspace(0, torch.pi, 181, dtype=torch.float64))
    '181 views, 0 to 180 degrees, step 1'
    """
    degrees = np.rad2deg(angles.numpy())
    text = f"{len(degrees)} views, {degrees.min():.6g} to {degrees.max():.6g} degrees"
    if len(degrees) == 1:
        return text
    steps = np.diff(degrees)
    if np.ptp(steps) < 1e-3 * max(abs(float(steps.mean())), 1e-9):
        return f"{text}, step {steps.mean():.6g}"
    return f"{text}, uneven steps of {steps.min():.6g} to {steps.max():.6g}"


def plural(number: int, thing: str) -> str:
    """Return a number of things.

    Parameters
    ----------
    number : int
        How many.
    thing : str
        One of them; its plural ends in s.

    Returns
    -------
    str

    Examples
    --------
    >>> from torch_radon.cli.text import plural
    >>> plural(1, "row"), plural(3, "row")
    ('1 row', '3 rows')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Set rows of text in columns: the first to the left, the others to the right.

    Parameters
    ----------
    header : sequence of str
        Their names.
    rows : sequence of sequence of str
        As many texts in each.

    Returns
    -------
    str

    Examples
    --------
    >>> from torch_radon.cli.text import columns
    >>> print(columns(["what", "ms"], [["forward", "12.5"], ["fbp", "3.0"]]))
    what       ms
    forward  12.5
    fbp       3.0
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if i else text.ljust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def table(lines: Mapping[str, str]) -> str:
    """Set names and values in two columns.

    Parameters
    ----------
    lines : mapping
        What to print; entries without a value are left out.

    Returns
    -------
    str

    Examples
    --------
    >>> from torch_radon.cli.text import table
    >>> print(table({"time": "1 s", "preview": "", "output": "a.npy"}))
    time    1 s
    output  a.npy
    """
    shown = {name: value for name, value in lines.items() if value}
    width = max(map(len, shown), default=0)
    return "\n".join(f"{name:{width}}  {value}" for name, value in shown.items())
