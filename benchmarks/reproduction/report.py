"""The run as a page of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness import table

from projectors import summary
from reproduction.job import Row

# What a part's table shows, by the name of the part.
CAPTIONS = {
    "speed": "Forward projection and adjoint, as many views and columns as pixels a side. Gs/s "
    "counts `batch * views * columns * rows` samples in 10⁹ a second. Errors are relative L2 "
    'distances from float64 on the same, rounded input. "clipped" is `clip_to_circle`.',
    "filtered backprojection": "{size} pixels a side, as many angles over half a turn, columns "
    "along the whole diagonal, ramp filter; mean squared error over the full square. Ours from "
    "data on the device, ASTRA's from the host's memory.",
    "iterative": "{iterative_size} pixels a side, otherwise the same scan. ASTRA, which has no "
    "Landweber, gets the data of its own projector.",
    "half precision": "{size} pixels a side, as many angles and columns, the image clipped to the "
    "inscribed circle, a batch of four. Relative L2 distances; half precision is storage, sums are "
    "formed in float32.",
    "shearlet errors": "{size} pixels a side, {shearlet_scales} scales. Relative L2 distances from "
    "AlphaTransform in double precision, that of the reconstruction from the image, and the last "
    "column from the same sums in extended precision, without AlphaTransform's own rounding.",
    "shearlet speed": "The same system, whole batches. Errors are relative L2 distances from "
    "float64.",
    "limited angle": "A disc from 100 views over 100 degrees, by the alternating direction method "
    "of multipliers with shearlets.",
}


def markdown(content: Mapping[str, Any], figures: Sequence[str]) -> str:
    """Write the page.

    Parameters
    ----------
    content : mapping
        What the JSON holds.
    figures : sequence of str
        Names of picture files beside the page.

    Returns
    -------
    str
    """
    machine, settings = content["machine"], content["settings"]
    where = machine.get("gpu", machine["processor"]) if settings["device"] == "cuda" else None
    lines = [
        f"# The TorchRadon paper, repeated on {where or 'a CPU'}",
        f"{machine['date']}, {where or machine['processor']}, torch {machine['torch']}, "
        f"ASTRA {machine['astra-toolbox']}, scale *{settings['scale']}*, image: "
        f"{settings['image']}. Written by `python benchmarks/paper.py {settings['options']}`.",
        "## Accuracy: ours, TorchRadon's, ASTRA's",
        "TorchRadon's figures are those of its paper ([arXiv:2009.14788]"
        "(https://arxiv.org/abs/2009.14788)); ours and ASTRA's were measured in this run.",
        table(content["accuracy"]),
    ]
    if content["speed"]:
        lines += ["## Speed", table(content["speed"])]
    if content["missing"]:
        lines += ["## Not measured", table(content["missing"])]
    lines += [f"![{name}]({name})" for name in figures]
    for name, part in content["parts"].items():
        if part["rows"]:
            rows = _columns(name, part["rows"])
            lines += [f"## {name.capitalize()}", CAPTIONS[name].format(**settings), table(rows)]
    return "\n\n".join(lines) + "\n"


def _columns(part: str, rows: Sequence[Row]) -> Sequence[Row]:
    """Shorten the rows of the speed table on a GPU to what a reader compares."""
    if part == "speed" and "forward [Gs/s]" in rows[0]:
        return list(summary(rows))
    return rows
