"""Filtered backprojection as a function."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from torch_radon.analytic.filtered_backprojection import (
    FilteredBackprojection,
    as_extrapolation,
    as_weights,
    one_of,
)
from torch_radon.analytic.filters import Filter, as_cutoff
from torch_radon.analytic.line_filter import INTERPOLATIONS, Interpolation
from torch_radon.analytic.redundancy import REDUNDANCIES, Redundancy
from torch_radon.geometry.scan import Scan
from torch_radon.geometry.validation import as_count
from torch_radon.geometry.volume import Volume
from torch_radon.projectors import Projector

# Operators that are kept for the next call with the same geometry and options.
_KEPT = 8


def fbp(
    A: Projector,
    y: Tensor,
    filter: Filter = "ramp",
    cutoff: float = 1.0,
    *,
    redundancy: Redundancy = "auto",
    weights: Tensor | None = None,
    interpolation: Interpolation = "linear",
    upsampling: int | None = None,
    extrapolation: float = 0.0,
) -> Tensor:
    r"""Reconstruct an image from its projections by filtered backprojection.

    .. math:: x(p) = \sum_v W_v(p)\, q_v(c_v(p)), \qquad
              q_{v}(n) = \sum_k m_{v,k}\, w_{v,k}\, y_{v,k}\, g_{n-k}

    where column :math:`c_v(p)` is where point p is seen in view v, with the distance weight W
    (see `Backprojector`); m is the share of all lines that a ray stands for (see `ray_measure`),
    w shares lines that are measured twice (see `redundancy_weights`), and g is the filter's kernel
    (see `filter_response`). Parallel beams, fans with flat and with curved detectors, full
    scans, short scans and over-scans, offset detectors, and any uneven set of angles are
    recognised. The result has the scale of the image whatever the spacings, offsets and angles:
    attenuation per unit of length.

    This is `FilteredBackprojection` as a function; the last few geometries are remembered, so that
    repeated calls only filter and backproject. Under `torch.compile`, use the class.

    Parameters
    ----------
    A : Projector
        Its ``volume`` and ``scan`` say what to reconstruct and from which rays.
    y : Tensor
        Sinograms, shape ``(..., views, columns)``, real floating point; float16 and bfloat16 are
        reconstructed in float32.
    filter : str, Tensor, callable or None, default "ramp"
        "ramp" (or "ram-lak"), "shepp-logan", "cosine", "hamming", "hann"; a response of your
        own as a tensor or a function, see `filter_response`; or None for the weighted
        backprojection of `y`.
    cutoff : float, default 1.0
        Largest frequency that passes, as a fraction of the detector's Nyquist frequency.
    redundancy : {"auto", "full", "short", "offset", "none"}, default "auto"
        How rays that measure the same line share it, see `redundancy_weights`.
    weights : Tensor, optional
        Redundancy weights of your own in place of these, of a shape that broadcasts to
        ``(views, columns)``.
    interpolation : {"linear", "cubic", "spline", "bandlimited"}, default "linear"
        How filtered projections are read between their columns, see `FilteredBackprojection`.
        "bandlimited" is the sharpest: it lets the ringing of a plain ramp through as well, which
        linear interpolation dampens, so that smooth filters go well with it.
    upsampling : int, optional
        Samples a column for "cubic" and "spline" (by default 8) and "bandlimited" (4).
    extrapolation : float, default 0.0
        How far truncated projections are continued smoothly beyond either end of the detector, as
        a part of its width, about as far as the object goes on (0.25 to 0.5 are common).

    Returns
    -------
    Tensor
        Images, shape ``(..., H, W)``, type and device of `y`. Differentiable in `y`, in a tensor
        `filter` and in `weights`.

    Raises
    ------
    TypeError
        If `A` is not a `Projector`, or `y` or `weights` not a tensor of real floating-point
        numbers.
    ValueError
        If the shape of `y` is not that of the scan, `weights` do not fit it, a name is unknown, a
        number out of range, a view's rays run along its detector, or a fan's sources do not lie
        on a circle.

    Notes
    -----
    Within a limited angular range the views outside it are missing from the image; nothing is
    extrapolated over angles (see `angular_weights`).

    References
    ----------
    .. [1] A. C. Kak and M. Slaney, *Principles of Computerized Tomographic Imaging*, IEEE Press,
       1988, sections 3.3 and 3.4.

    Examples
    --------
    >>> import numpy as np
    >>> import torch_radon as tr
    >>> volume = tr.Volume((64, 64), spacing=0.5)
    >>> scan = tr.parallel_beam(np.linspace(0, np.pi, 90, endpoint=False), 96, spacing=0.5)
    >>> phantom = tr.phantoms.Phantom([tr.phantoms.ellipse(0.2, (3, -2), (8, 8))])
    >>> image = tr.fbp(tr.Projector(volume, scan), phantom.project(scan), filter="hann")
    >>> image.shape
    torch.Size([64, 64])
    >>> round(image[28, 38].item(), 2)
    0.2

    A short scan of a fan: half a turn and the angle of the fan.

    >>> fan = tr.fan_beam(np.deg2rad(np.arange(0, 230, 2)), 96, source_distance=80.0,
    ...                   detector_distance=40.0)
    >>> image = tr.fbp(tr.Projector(volume, fan), phantom.project(fan), filter="hann")
    >>> round(image[28, 38].item(), 2)
    0.2
    """
    if not isinstance(A, Projector):
        raise TypeError(f"A must be a torch_radon Projector, got {type(A).__name__}")
    if not isinstance(y, Tensor):
        raise TypeError(f"y must be a torch.Tensor, got {type(y).__name__}")
    if not y.is_floating_point():
        raise TypeError(f"y must be of a real floating-point type, got {y.dtype}")
    if y.shape[-2:] != A.scan.shape:
        raise ValueError(
            f"y must have shape (..., views, columns) = (..., {A.scan.views}, {A.scan.columns}), "
            f"got {tuple(y.shape)}"
        )
    one_of("redundancy", redundancy, REDUNDANCIES)
    one_of("interpolation", interpolation, INTERPOLATIONS)
    # A name is part of the operator that is remembered; other filters are applied by it.
    name = filter if filter is None or isinstance(filter, str) else "ramp"
    build = _build if _get_current_dispatch_mode() is not None else _remembered
    operator = build(
        A.volume,
        A.scan,
        y.device,
        name,
        as_cutoff(cutoff),
        redundancy,
        weights is not None,
        interpolation,
        None if upsampling is None else as_count("upsampling", upsampling),
        as_extrapolation(extrapolation),
    )
    response = None if filter is name else operator.response_of(filter)
    if weights is not None:
        weights = as_weights(weights, A.scan).to(y.device)
    images = operator.reconstruct(y.reshape(-1, *A.scan.shape), response, weights)
    return images.reshape(*y.shape[:-2], *A.volume.shape)


def _build(
    volume: Volume,
    scan: Scan,
    device: torch.device,
    name: str | None,
    cutoff: float,
    redundancy: Redundancy,
    own_weights: bool,
    interpolation: Interpolation,
    upsampling: int | None,
    extrapolation: float,
) -> FilteredBackprojection:
    # Tables that were made for inference could not be used for a gradient later.
    with torch.inference_mode(False), torch.no_grad():
        operator = FilteredBackprojection(
            volume,
            scan,
            name,
            cutoff,
            redundancy=redundancy,
            weights=torch.ones(1, 1, dtype=torch.float64) if own_weights else None,
            interpolation=interpolation,
            upsampling=upsampling,
            extrapolation=extrapolation,
        )
        return operator.to(device)


_remembered = lru_cache(_KEPT)(_build)
