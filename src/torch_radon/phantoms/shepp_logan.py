"""The Shepp-Logan head."""

from __future__ import annotations

import math

from torch_radon.geometry.validation import as_length
from torch_radon.phantoms.figures import ellipse
from torch_radon.phantoms.phantom import Phantom

# Semi-axes, centre (y up) and rotation in degrees (anticlockwise with y up) in the square
# [-1, 1]^2, then the original and the modified value.
_ELLIPSES = (
    (0.69, 0.92, 0.0, 0.0, 0.0, 2.0, 1.0),
    (0.6624, 0.874, 0.0, -0.0184, 0.0, -0.98, -0.8),
    (0.11, 0.31, 0.22, 0.0, -18.0, -0.02, -0.2),
    (0.16, 0.41, -0.22, 0.0, 18.0, -0.02, -0.2),
    (0.21, 0.25, 0.0, 0.35, 0.0, 0.01, 0.1),
    (0.046, 0.046, 0.0, 0.1, 0.0, 0.01, 0.1),
    (0.046, 0.046, 0.0, -0.1, 0.0, 0.01, 0.1),
    (0.046, 0.023, -0.08, -0.605, 0.0, 0.01, 0.1),
    (0.023, 0.023, 0.0, -0.606, 0.0, 0.01, 0.1),
    (0.023, 0.046, 0.06, -0.605, 0.0, 0.01, 0.1),
)
_CONTRASTS = ("modified", "original")


def shepp_logan(size: float = 2.0, *, contrast: str = "modified") -> Phantom:
    """The Shepp-Logan head phantom: ten ellipses.

    Parameters
    ----------
    size : float, default 2.0
        Side of the square that the published coordinates call ``[-1, 1]^2``, in world units; the
        head is 0.69 by 0.92 of it. ``size=volume.extent[0]`` fills a square volume.
    contrast : {"modified", "original"}, default "modified"
        "original" has the published values: skull 2, brain 1.02, and details of 1 % of the
        brain's value. "modified" has the values of [2]_, which the eye can see: skull 1, brain
        0.2, details 0.1.

    Returns
    -------
    Phantom
        Centred on the world's origin, upright when row 0 is drawn at the top (the published y
        axis points up, the world's y axis grows with the row index).

    Raises
    ------
    TypeError, ValueError
        If `size` is not a positive number or `contrast` is unknown.

    References
    ----------
    .. [1] L. A. Shepp and B. F. Logan, "The Fourier reconstruction of a head section", IEEE
       Transactions on Nuclear Science 21(3), 21-43, 1974.
    .. [2] P. A. Toft, "The Radon transform: theory and implementation", PhD thesis, Technical
       University of Denmark, 1996, pages 199-200.

    Examples
    --------
    >>> import torch_radon as tr
    >>> volume = tr.Volume((64, 64), spacing=0.5)
    >>> phantom = tr.phantoms.shepp_logan(size=volume.extent[0])
    >>> image = phantom.rasterize(volume)
    >>> round(phantom.evaluate((0.0, 0.0)).item(), 3)
    0.2
    """
    if contrast not in _CONTRASTS:
        raise ValueError(f"contrast must be one of {', '.join(_CONTRASTS)}, got {contrast!r}")
    unit = Phantom(
        ellipse(
            modified if contrast == "modified" else original,
            center=(x, -y),
            semi_axes=(a, b),
            angle=-math.radians(degrees),
        )
        for a, b, x, y, degrees, original, modified in _ELLIPSES
    )
    return unit.scale(as_length("size", size) / 2)
