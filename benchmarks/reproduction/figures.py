"""The run's figures, drawn from what it saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reproduction.job import Row

Pictures = Mapping[str, NDArray[Any]]


def draw(content: Mapping[str, Any], pictures: Pictures, folder: Path, name: str) -> list[str]:
    """Draw what there is; return the names of the files, ``name_speed.png`` and so on.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    drawn = {}
    speed = content["parts"].get("speed", {}).get("rows")
    if speed:
        drawn["speed"] = _speed(speed)
    if "phantom" in pictures:
        drawn["reconstructions"] = _images(pictures, "phantom", ("FBP", "Landweber", "CGNE"), 0.1)
    if "disc" in pictures:
        names = ("limited angle, FBP", "limited angle, ADMM")
        drawn["limited_angle"] = _images(pictures, "disc", names, 1.0)
    files = []
    for what, figure in drawn.items():
        files.append(f"{name}_{what}.png")
        figure.savefig(folder / files[-1], dpi=80)
    return files


def _speed(rows: Sequence[Row]) -> Any:
    """Samples a second over the size, the largest batch of each."""
    import matplotlib.pyplot as plt

    largest: dict[int, int] = {}
    for row in rows:
        # The batch of 128 is there for one size only.
        if row["batch"] <= 32:
            largest[row["size"]] = max(row["batch"], largest.get(row["size"], 0))
    most = max(row.get("threads", 1) for row in rows if row["library"] == "torch_radon")
    figure, panels = plt.subplots(2, 2, figsize=(10, 7), layout="constrained", sharex=True)
    for beam, panels_of_beam in zip(("parallel", "fan"), panels, strict=True):
        for what, panel in zip(("forward", "adjoint"), panels_of_beam, strict=True):
            lines: dict[str, list[tuple[int, float]]] = {}
            for row in rows:
                ours = row["library"].startswith("torch_radon")
                if row["beam"] != beam or row["batch"] != largest.get(row["size"]):
                    continue
                if ours and row.get("threads", most) != most:
                    continue
                samples = row["batch"] * row["views"] * row["size"] ** 2
                label = f"{row['library']}, {row['dtype']}"
                lines.setdefault(label, []).append(
                    (row["size"], samples / row[f"{what} [ms]"] / 1e6)
                )
            for label, points in lines.items():
                panel.loglog(*zip(*points, strict=True), "o-", label=label)
            panel.set_title(f"{beam} beam, {what}")
            panel.set_ylabel("10⁹ samples a second")
            panel.set_xticks(list(largest), [str(size) for size in largest], minor=False)
            panel.xaxis.minorticks_off()
            panel.grid(visible=True, alpha=0.3)
    for panel in panels[1]:
        panel.set_xlabel("pixels a side")
    panels[0, 0].legend(fontsize=8)
    return figure


def _images(pictures: Pictures, truth: str, names: Sequence[str], error: float) -> Any:
    """The truth, reconstructions, and below each its error."""
    import matplotlib.pyplot as plt

    shown = [name for name in names if name in pictures]
    width = 1 + len(shown)
    figure, panels = plt.subplots(2, width, figsize=(3.1 * width, 6.4), layout="constrained")
    for panel in panels.flat:
        panel.axis("off")
    exact = _float(pictures[truth])
    panels[0, 0].imshow(exact, cmap="gray", vmin=0, vmax=1)
    panels[0, 0].set_title(truth)
    for (above, below), name in zip(panels.T[1:], shown, strict=True):
        image = _float(pictures[name])
        above.imshow(image, cmap="gray", vmin=0, vmax=1)
        above.set_title(name)
        if image.shape != exact.shape:
            factor = len(exact) // len(image)
            part = exact.reshape(len(image), factor, len(image), factor).mean((1, 3))
        else:
            part = exact
        below.imshow(image - part, cmap="RdBu", vmin=-error, vmax=error)
        below.set_title(f"error, ±{error:g}")
    return figure


def _float(picture: NDArray[Any]) -> NDArray[np.float32]:
    return picture.astype(np.float32)
