"""Pictures of a system of shearlets. matplotlib is imported when something is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from torch_radon.shearlet.transform import ShearletTransform

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_tiling(transform: ShearletTransform, ax: Axes | None = None) -> Axes:
    """Draw which filter sees each frequency most, and how strongly.

    Zero frequency is in the middle, vertical frequencies grow downwards as rows do. Colours tell
    neighbouring filters apart; where filters overlap equally the picture is dark.

    Parameters
    ----------
    transform : ShearletTransform
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from torch_radon.shearlet import ShearletTransform, show_tiling
    >>> show_tiling(ShearletTransform(64, 64, [0.5] * 2)).get_title()
    '17 filters'
    """
    from matplotlib import colormaps

    strongest = torch.zeros(transform.domain_shape, dtype=torch.float64)
    which = torch.zeros(transform.domain_shape, dtype=torch.int64)
    total = torch.zeros(transform.domain_shape, dtype=torch.float64)
    for number in range(len(transform.shearlets)):
        power = transform.spectrum(number).cpu().square()
        total += power
        which[power > strongest] = number
        strongest = strongest.maximum(power)
    palette = colormaps["tab20"]
    colors = torch.tensor([palette(n % palette.N)[:3] for n in range(len(transform.shearlets))])
    picture = colors[which] * (strongest / total)[..., None]
    return _draw(transform, picture, ax, f"{len(transform.shearlets)} filters", frequencies=True)


def show_spectrum(transform: ShearletTransform, number: int, ax: Axes | None = None) -> Axes:
    """Draw the spectrum of a filter, zero frequency in the middle.

    Parameters
    ----------
    transform : ShearletTransform
    number : int
        Which filter, by its place among ``transform.shearlets``.
    ax : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from torch_radon.shearlet import ShearletTransform, show_spectrum
    >>> show_spectrum(ShearletTransform(64, 64, [0.5] * 2), 1).get_title()
    'scale 0, shear -1, horizontal'
    """
    title = _title(transform, number)
    return _draw(transform, transform.spectrum(number), ax, title, frequencies=True, cmap="magma")


def show_kernel(transform: ShearletTransform, number: int, ax: Axes | None = None) -> Axes:
    """Draw a shearlet, or the real part of a complex one, in the middle of an image.

    Parameters
    ----------
    transform, number, ax
        See `show_spectrum`.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> from torch_radon.shearlet import ShearletTransform, show_kernel
    >>> show_kernel(ShearletTransform(64, 64, [0.5] * 2), 0).get_title()
    'low-pass'
    """
    kernel = transform.kernel(number)
    kernel = kernel.real if kernel.is_complex() else kernel
    most = float(kernel.abs().max())
    title = _title(transform, number)
    return _draw(transform, kernel, ax, title, cmap="RdBu_r", vmin=-most, vmax=most)


def _title(transform: ShearletTransform, number: int) -> str:
    scale, shear, cone = transform.shearlets[number]
    return f"scale {scale}, shear {shear}, {cone}" if cone else "low-pass"


def _draw(
    transform: ShearletTransform,
    picture: Tensor,
    ax: Axes | None,
    title: str,
    frequencies: bool = False,
    **options: Any,
) -> Axes:
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(5, 5), layout="constrained").subplots()
    height, width = transform.domain_shape
    middle, center = height // 2, width // 2
    if frequencies:
        picture = torch.fft.fftshift(picture, dim=(0, 1))
    ax.imshow(
        picture.detach().cpu().numpy(),
        extent=(-center - 0.5, width - center - 0.5, height - middle - 0.5, -middle - 0.5),
        **options,
    )
    unit = "frequency" if frequencies else "pixels"
    ax.set(title=title, xlabel=f"horizontal {unit}", ylabel=f"vertical {unit}")
    return ax
