"""A picture of a scan: where sources, detectors, rays and the volume are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from torch_radon.geometry.scan import Scan
from torch_radon.geometry.volume import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_scan(scan: Scan, volume: Volume | None, ax: Axes | None, views: int) -> Axes:
    """Do the work of `Scan.draw`."""
    from matplotlib import pyplot
    from matplotlib.patches import Rectangle

    if ax is None:
        _, ax = pyplot.subplots(figsize=(6, 6), layout="constrained")
    if volume is not None:
        height, width = volume.extent[-2:]
        y, x = volume.center[-2:]
        corner = (x - width / 2, y - height / 2)
        ax.add_patch(Rectangle(corner, width, height, fill=False, color="0.4", label="volume"))
    chosen = scan[np.unique(np.linspace(0, scan.views - 1, min(views, scan.views)).astype(int))]
    pixels = column_positions(chosen)
    for view, line in enumerate(pixels):
        ax.plot(*line.T, color="C0", linewidth=1, label="detector" if view == 0 else None)
    ends = pixels[0][[0, scan.columns // 2, scan.columns - 1]]
    if scan.beam == "fan":
        sources = chosen.to_vectors()[:, 0:2]
        ax.plot(*sources.T, "o", color="C3", markersize=4, label="source")
        starts = np.repeat(sources[:1], 3, axis=0)
    else:
        # A parallel ray has no beginning: it is drawn twice as long as from detector to axis,
        # and at least across the volume.
        reach = 2 * np.linalg.norm(pixels[0], axis=1).max()
        reach = (
            max(reach, float(np.linalg.norm(volume.extent[-2:]))) if volume is not None else reach
        )
        starts, ends = ends - chosen.rays[0] * reach / 2, ends + chosen.rays[0] * reach / 2
    for ray, (start, end) in enumerate(zip(starts, ends, strict=True)):
        ax.plot(
            *np.stack([start, end], axis=1),
            color="C1",
            linewidth=0.8,
            label="rays of the first view" if ray == 0 else None,
        )
    ax.plot(0, 0, "+", color="k", label="rotation axis")
    # y grows with the row index, which pictures show downwards.
    ax.set(xlabel="x", ylabel="y", aspect="equal", title=str(scan).split(",")[0])
    ax.invert_yaxis()
    ax.legend(loc="upper right", fontsize="small")
    return ax


def column_positions(scan: Scan) -> NDArray[np.float64]:
    """World positions of the detector columns, shape (views, columns, 2)."""
    vectors = scan.to_vectors()
    first, center, u = vectors[:, None, 0:2], vectors[:, None, 2:4], vectors[:, None, 4:6]
    k = (np.arange(scan.columns) - (scan.columns - 1) / 2)[:, None]
    if scan.radius is None:
        return center + k * u
    radius = scan.radius[:, None, None]
    step = np.linalg.norm(u, axis=2, keepdims=True)
    turn = k * step / radius
    return first + np.cos(turn) * (center - first) + np.sin(turn) * radius * u / step
