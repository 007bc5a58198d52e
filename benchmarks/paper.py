"""Reproduce the TorchRadon paper (arXiv 2009.14788): speed, accuracy, figures.

    python benchmarks/paper.py [--device cpu|cuda] [--quick | --whole] [--phantom FILE]

Speed of forward projection and adjoint beside ASTRA, in parallel and fan beams, single and half
precision; filtered backprojection, Landweber and conjugate gradients beside ASTRA's; what half
precision costs; shearlets beside AlphaTransform; reconstruction from limited angles by ADMM. At the
end every accuracy figure of the paper stands beside ours and ASTRA's.

On a GPU it repeats the whole paper, on a CPU a reduced one within some minutes (with ``--whole``
the paper's sizes, for about an hour, most of it ASTRA's). ``--phantom`` names a ``.npy`` file with
the image of the paper's accuracy figures; without it our own Shepp-Logan head stands in.

Each job runs in a process of its own. What fails or is not installed is listed with its reason, and
the others go on. ``paper_<device>.json`` and a page ``.md`` are written after every measurement,
figures at the end if there is matplotlib; ``--figures`` draws those of a former run, for instance
from a machine without it, and measures nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import click
import numpy as np
import torch
from harness import RESULTS, machine, table, write
from isolation import Failure, attempt, in_own_process
from reproduction import (
    filtered,
    half,
    iterative,
    limited_angle,
    shearlet_errors,
    shearlet_speed,
    speed,
)
from reproduction.figures import draw
from reproduction.job import Device, Job, Outcome
from reproduction.phantom import load, resized
from reproduction.report import markdown
from reproduction.scale import Scale, scale_of
from reproduction.verdicts import judge_accuracy, judge_speed
from torch import Tensor

# The shortest first, so that a run that is cut short has most of its parts.
PARTS: dict[str, Callable[[Scale, Device, Tensor], list[Job]]] = {
    "filtered backprojection": filtered.jobs,
    "half precision": half.jobs,
    "limited angle": limited_angle.jobs,
    "shearlet errors": shearlet_errors.jobs,
    "shearlet speed": shearlet_speed.jobs,
    "iterative": iterative.jobs,
    "speed": speed.jobs,
}


class Run:
    """What was measured so far, and the files that hold it.

    Parameters
    ----------
    folder : Path
    name : str
        Of the files, without suffix.
    scale : Scale
    settings : dict
        ``device``, ``scale``, ``image`` and ``options``, for the page.
    is_papers_image : bool
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        scale: Scale,
        settings: dict[str, Any],
        is_papers_image: bool,
    ) -> None:
        self.folder, self.name = folder, name
        self._scale, self._is_papers_image = scale, is_papers_image
        numbers = {key: value for key, value in asdict(scale).items() if key != "cases"}
        self.content: dict[str, Any] = {
            "machine": machine(),
            "settings": settings | numbers,
            "accuracy": [],
            "speed": [],
            "missing": [],
            "parts": {},
        }
        self._pictures: dict[str, Any] = {}
        # Pictures of a former run do not belong to this one.
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.npz").unlink(missing_ok=True)

    def measure(self, part: str, jobs: Sequence[Job], isolated: bool) -> None:
        """Do the jobs of a part, and save after each call."""
        start = time.perf_counter()
        entry: dict[str, Any] = {"seconds": 0.0, "rows": []}
        self.content["parts"][part] = entry
        for job in jobs:
            for result in _results(job, self._scale.limit, isolated):
                if isinstance(result, Failure):
                    missing = {"part": part, "what": job.label, "reason": result.reason}
                    if missing not in self.content["missing"]:
                        self.content["missing"].append(missing)
                        click.echo(f"{part}, {job.label}: {result.reason}", err=True)
                else:
                    entry["rows"] += result.rows
                    self._keep(result.pictures)
                entry["seconds"] = time.perf_counter() - start
                self.save()
        click.echo(f"{part}: {len(entry['rows'])} rows, {entry['seconds']:.1f} s", err=True)

    def save(self) -> None:
        """Judge what there is, and write everything but the figures."""
        parts = {name: part["rows"] for name, part in self.content["parts"].items()}
        self.content["accuracy"] = judge_accuracy(parts, self._scale, self._is_papers_image)
        gpu = self.content["machine"].get("gpu", "")
        self.content["speed"] = list(judge_speed(parts.get("speed", ()), gpu))
        path = write(self.folder / f"{self.name}.json", self.content)
        path.with_suffix(".md").write_text(markdown(self.content, ()))

    def _keep(self, pictures: dict[str, Any]) -> None:
        if pictures:
            self._pictures |= pictures
            np.savez_compressed(self.folder / f"{self.name}.npz", **self._pictures)


def _results(job: Job, limit: float, isolated: bool) -> Iterator[Outcome | Failure]:
    if isolated:
        yield from in_own_process(job.function, job.calls, limit)
    else:
        yield from (attempt(job.function, call) for call in job.calls)


def illustrate(folder: Path, name: str) -> list[str]:
    """Draw the figures of a run that was saved, and name them on its page."""
    path = folder / f"{name}.json"
    content = json.loads(path.read_text())
    pictures: dict[str, Any] = {}
    if path.with_suffix(".npz").exists():
        with np.load(path.with_suffix(".npz")) as kept:
            pictures = dict(kept)
    files = draw(content, pictures, folder, name)
    path.with_suffix(".md").write_text(markdown(content, files))
    return files


@click.command(help=__doc__)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--quick", "scale", flag_value="quick", help="Tiny: does every line run?")
@click.option("--whole", "scale", flag_value="whole", help="The paper's sizes also on a CPU.")
@click.option(
    "--part",
    "chosen",
    type=click.Choice(list(PARTS)),
    multiple=True,
    help="A part to measure; give it once for each.  [default: all]",
)
@click.option("--phantom", type=click.Path(exists=True, path_type=Path), help="The paper's image.")
@click.option(
    "--output", type=click.Path(path_type=Path), default=RESULTS, help="Folder of the results."
)
@click.option("--figures", is_flag=True, help="Only draw the figures of a former run.")
def main(
    device: str,
    scale: str | None,
    chosen: tuple[str, ...],
    phantom: Path | None,
    output: Path,
    figures: bool,
) -> None:
    usual = "whole" if device == "cuda" else "reduced"
    scale = scale or usual
    words = ["paper", device, *([] if scale == usual else [scale]), *chosen]
    name = "_".join(words).replace(" ", "-")
    if figures:
        click.echo("\n".join(illustrate(output, name)))
        return
    if device == "cuda" and not torch.cuda.is_available():
        raise click.ClickException("--device cuda needs an NVIDIA GPU, and PyTorch finds none")
    where = cast(Device, device)
    amount = scale_of(scale, where)
    options = [f"--device {device}", *([] if scale == usual else [f"--{scale}"])]
    options += [f"--phantom {phantom.name}"] if phantom else []
    settings = {
        "device": device,
        "scale": scale,
        "image": phantom.name if phantom else "our own Shepp-Logan head",
        "options": " ".join(options),
    }
    run = Run(output, name, amount, settings, phantom is not None)
    image = load(phantom)
    for part in chosen or PARTS:
        size = amount.iterative_size if part == "iterative" else amount.size
        run.measure(part, PARTS[part](amount, where, resized(image, size)), scale != "quick")
    try:
        illustrate(output, name)
    except ImportError:
        click.echo(
            "no figures without matplotlib: draw them elsewhere with --figures "
            f"from {name}.json and {name}.npz",
            err=True,
        )
    click.echo(table(run.content["accuracy"]))
    if run.content["speed"]:
        click.echo("\n" + table(run.content["speed"]))
    for entry in run.content["missing"]:
        click.echo(f"not measured: {entry['part']}, {entry['what']}: {entry['reason']}")
    click.echo(f"written to {output / name}.json, .md and .npz")


if __name__ == "__main__":
    main()
