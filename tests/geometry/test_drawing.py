"""Scan.draw: what the picture contains."""

import functools

import numpy as np
import pytest

from torch_radon import Scan, Volume, fan_beam, parallel_beam

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

fan = functools.partial(fan_beam, source_distance=40.0, detector_distance=25.0)


@pytest.mark.parametrize(
    "scan",
    [
        parallel_beam(np.linspace(0, 3, 20), 9),
        fan(np.linspace(0, 3, 20), 9),
        fan([0.4], 9, curved=True),
    ],
    ids=["parallel", "flat", "curved"],
)
def test_draws_into_the_given_axes(scan: Scan) -> None:
    from matplotlib import pyplot

    figure, ax = pyplot.subplots()
    try:
        assert scan.draw(Volume((8, 12)), ax) is ax
        assert ax.has_data()
        assert ax.get_aspect() in (1.0, "equal")
        figure.canvas.draw()
    finally:
        pyplot.close(figure)


def test_y_grows_downwards_like_the_row_index() -> None:
    from matplotlib import pyplot

    ax = fan([0.0], 9).draw(Volume((8, 12)))
    try:
        low, high = ax.get_ylim()
        x_low, x_high = ax.get_xlim()
        assert x_low < x_high
        assert min(low, high) <= -40
        assert max(low, high) >= 25
    finally:
        pyplot.close("all")
