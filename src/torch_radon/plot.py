"""Pictures of images. matplotlib is imported when something is drawn, not before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from torch_radon.data.atomic import replacing
from torch_radon.geometry.volume import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PICTURE_SUFFIXES = (".png", ".jpg", ".pdf", ".svg")
"""File formats that `save_slices` draws."""

_PIXELS_PER_INCH = 160
# Values beyond these percentiles of the central disc saturate: a few streaks or a bright grain
# would otherwise leave the object grey on grey.
_WINDOW = (0.5, 99.8)


def show_slice(image: Tensor, volume: Volume, ax: Axes | None = None, *, title: str = "") -> Axes:
    """Draw an image in grey, in world units, with a bar for its values.

    Columns run to the right and rows downwards, so x grows to the right and y downwards. The grey
    scale spans almost all values within the largest disc that fits the image.

    Parameters
    ----------
    image : Tensor
        Shape ``(H, W)``, any real type and device.
    volume : Volume
        Where the image lies; its last two axes are used.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.
    title : str, optional
        Text above the image.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the shape of `image` is not that of `volume`.

    Examples
    --------
    >>> import torch
    >>> from torch_radon import Volume
    >>> from torch_radon.plot import show_slice
    >>> axes = show_slice(torch.rand(8, 8), Volume((8, 8), spacing=0.5), title="noise")
    >>> axes.get_title()
    'noise'
    """
    if image.shape != volume.shape[-2:]:
        raise ValueError(
            f"image must have the shape of the volume, {volume.shape[-2:]}, got "
            f"{tuple(image.shape)}"
        )
    values = image.detach().double().cpu().numpy()
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(5.5, 5), layout="constrained").subplots()
    height, width = volume.extent[-2:]
    y, x = volume.center[-2:]
    low, high = _window(values)
    drawn = ax.imshow(
        values,
        cmap="gray",
        vmin=low,
        vmax=high,
        extent=(x - width / 2, x + width / 2, y + height / 2, y - height / 2),
        interpolation="nearest" if max(values.shape) <= 64 else "antialiased",
    )
    ax.set(title=title, xlabel="x", ylabel="y")
    bar = ax.figure.colorbar(drawn, ax=ax, fraction=0.046, pad=0.04)
    bar.set_label("attenuation per unit of length")
    return ax


def save_slices(
    path: str | os.PathLike[str],
    images: Sequence[Tensor],
    volume: Volume,
    titles: Sequence[str] | None = None,
) -> None:
    """Write a picture of one or several images side by side, without a display.

    Parameters
    ----------
    path : str or path
        Where to write, with the suffix ``.png``, ``.jpg``, ``.pdf`` or ``.svg``. The file appears
        when it is complete; one of that name is replaced.
    images : sequence of Tensor
        At least one, each of shape ``(H, W)``.
    volume : Volume
        Where the images lie.
    titles : sequence of str, optional
        A title for each.

    Raises
    ------
    ValueError
        If there is no image, a shape is wrong or the numbers of images and titles differ.
    DataError
        If the file cannot be written.

    Examples
    --------
    >>> import torch
    >>> from torch_radon import Volume
    >>> from torch_radon.plot import save_slices
    >>> path = getfixture("tmp_path") / "noise.png"
    >>> save_slices(path, [torch.rand(64, 64)], Volume((64, 64)))
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    if not images:
        raise ValueError("images must hold at least one image, got none")
    # A Figure of its own, not pyplot's: no display, no global state, no warning in threads.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * len(images), 5), layout="constrained", dpi=_PIXELS_PER_INCH)
    panels = figure.subplots(1, len(images), squeeze=False)[0]
    for panel, image, title in zip(panels, images, titles or [""] * len(images), strict=True):
        show_slice(image, volume, panel, title=title)
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary)


def _window(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float]:
    rows, columns = (
        (np.arange(n) - (n - 1) / 2) / (n / 2) for n in (values.shape[0], values.shape[1])
    )
    inside = values[rows[:, None] ** 2 + columns**2 <= 1]
    inside = inside[np.isfinite(inside)]
    if not inside.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(inside, _WINDOW))
    return (low, high) if high > low else (low, low + 1.0)
