"""The limited-angle experiment: a disc from 100 degrees, by ADMM with shearlets."""

from __future__ import annotations

from shearlets import DTYPES, limited_angle
from torch import Tensor

import torch_radon as tr
from reproduction.job import Device, Job, Outcome, picture
from reproduction.scale import Scale


def jobs(scale: Scale, device: Device, image: Tensor) -> list[Job]:
    """One call; the experiment brings its own image."""
    settings = (scale.limited_size, scale.limited_scales, scale.limited_iterations)
    return [Job("torch_radon", measure, [(device, *settings)])]


def measure(device: Device, size: int, scales: int, iterations: int) -> Outcome:
    """Relative error of the reconstruction, and of filtered backprojection for comparison."""
    from shearlet.limited_angle import experiment

    row, image = limited_angle(device, DTYPES["float32"], size, scales, iterations)
    disc, A, _, _ = experiment(size, scales, 100, device, DTYPES["float32"])
    fbp = tr.fbp(A, A(disc))
    rows = [
        {
            "method": "FBP",
            "size": size,
            "iterations": 1,
            "relative error [%]": 100 * float((fbp - disc).norm() / disc.norm()),
            "seconds": "–",
        },
        {
            "method": "ADMM, shearlets",
            "size": size,
            "iterations": iterations,
            "relative error [%]": row["relative error [%]"],
            "seconds": row["seconds"],
        },
    ]
    pictures = {"disc": disc, "limited angle, FBP": fbp, "limited angle, ADMM": image}
    return Outcome(rows, {name: picture(each) for name, each in pictures.items()})
