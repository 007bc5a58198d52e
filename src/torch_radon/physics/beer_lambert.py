"""Beer-Lambert's law: from line integrals to expected photons and back."""

from __future__ import annotations

import torch
from torch import Tensor

from torch_radon.geometry.scan import Scan
from torch_radon.geometry.validation import as_length, as_not_negative
from torch_radon.phantoms import Phantom, ellipse
from torch_radon.physics.checks import check_values, intensity, working


def lines_to_counts(lines: Tensor, photons: float | Tensor, *, check: bool = True) -> Tensor:
    r"""Photons that on average reach the detector.

    .. math:: \lambda = I_0\, e^{-p}

    Parameters
    ----------
    lines : Tensor, shape (..., views, columns) or (..., views, rows, columns)
        Line integrals :math:`p`, without unit. Any leading dimensions, strides and device.
    photons : float or Tensor
        Photons :math:`I_0` that a pixel would count with nothing in the beam: one number, or a
        tensor that broadcasts against `lines`, ``(columns,)`` for a bow-tie filter or ``(views,
        1)`` for a tube current that changes. Positive.
    check : bool, default True
        Whether to look at the values: a reduction and, on a GPU, a wait for it. Without it bad
        values give NaN, infinite or negative means; CUDA graphs and `torch.compile` need that.

    Returns
    -------
    Tensor, shape of `lines`
        Float64 for float64 and float32 for all other types, since counts exceed what half
        precision holds. Differentiable in `lines` and `photons`.

    Raises
    ------
    TypeError
        If `lines` is not a tensor of real floating-point numbers or `photons` no number.
    ValueError
        If a line integral is not finite, an intensity not positive and finite, or shapes or
        devices do not fit.

    See Also
    --------
    counts_to_lines : The way back.
    bowtie : The intensity behind a bow-tie filter.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import lines_to_counts
    >>> lines_to_counts(torch.tensor([[0.0, 1.0, 2.0]]), 1000.0)
    tensor([[1000.0000,  367.8795,  135.3353]])
    """
    values = working("lines", lines)
    incident = intensity(photons, values, check)
    if check:
        check_values("lines", values)
    return incident * torch.exp(-values)


def counts_to_lines(
    counts: Tensor, photons: float | Tensor, *, floor: float = 1.0, check: bool = True
) -> Tensor:
    r"""Line integrals from photons, with a logarithm that is safe where nothing arrived.

    .. math:: p = -\ln \frac{\max(N, N_{\min})}{I_0}

    Counts below the floor, zero and negative ones included, are raised to it. Where many are,
    the image is biased: too little dose for the object. The gradient is zero there.

    Parameters
    ----------
    counts : Tensor, shape (..., views, columns) or (..., views, rows, columns)
        Photons :math:`N`, after the dark level was taken off and the gain divided out.
    photons : float or Tensor
        As in `lines_to_counts`.
    floor : float, default 1.0
        :math:`N_{\min}`, in photons, positive.
    check : bool, default True
        As in `lines_to_counts`.

    Returns
    -------
    Tensor, shape of `counts`
        Float64 for float64, otherwise float32. Differentiable.

    Raises
    ------
    TypeError
        If `counts` is not a tensor of real floating-point numbers.
    ValueError
        If a count is not finite, an intensity or the floor not positive and finite, or shapes or
        devices do not fit.

    See Also
    --------
    torch_radon.data.line_integrals : The same for raw counts with dark and flat fields.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import counts_to_lines
    >>> counts_to_lines(torch.tensor([[1000.0, 367.8795, 0.0, -3.0]]), 1000.0).abs()
    tensor([[0.0000, 1.0000, 6.9078, 6.9078]])
    """
    values = working("counts", counts)
    incident = intensity(photons, values, check)
    lowest = as_length("floor", floor)
    if check:
        check_values("counts", values)
    return -torch.log(values.clamp_min(lowest) / incident)


def bowtie(
    scan: Scan,
    photons: float,
    radius: float,
    attenuation: float,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    r"""Incident intensity behind a bow-tie filter that is made for a disc of water.

    The filter is thick where the disc is thin, so that filter and disc together weaken all rays
    that meet the disc alike: with the chord :math:`c` of the ray in a disc of radius :math:`R`
    around the rotation axis,

    .. math:: I_0 = I\, e^{-\mu\,(2 R - c)}

    A ray that passes the disc by is weakened by :math:`e^{-2 \mu R}`.

    Parameters
    ----------
    scan : Scan
        The rays.
    photons : float
        :math:`I`, where the filter is thinnest: through the axis.
    radius : float
        :math:`R`, in the scan's unit of length.
    attenuation : float
        :math:`\mu` per unit of length; 0 is no filter.
    dtype : torch.dtype, default torch.float32
        Of the result.
    device : torch.device or str, optional
        Of the result, by default the CPU.

    Returns
    -------
    Tensor, shape (views, columns)
        For the argument `photons` of `lines_to_counts`.

    Raises
    ------
    TypeError
        If `scan` is not a `Scan` or an argument no number.
    ValueError
        If `photons` or `radius` is not positive, or `attenuation` negative.

    References
    ----------
    J. Hsieh, *Computed Tomography: Principles, Design, Artifacts, and Recent Advances*, 3rd ed.,
    SPIE Press, 2015.

    Examples
    --------
    >>> import torch_radon as tr
    >>> from torch_radon.physics import bowtie
    >>> bowtie(tr.parallel_beam([0.0], columns=5, spacing=20.0), 1e4, radius=40.0, attenuation=0.02)
    tensor([[ 2018.9652,  8070.5830, 10000.0000,  8070.5830,  2018.9652]])
    """
    if not isinstance(scan, Scan):
        raise TypeError(f"scan must be a Scan, got {type(scan).__name__}")
    open_beam, length = as_length("photons", photons), as_length("radius", radius)
    water = as_not_negative("attenuation", attenuation)
    disc = Phantom([ellipse(1.0, (0.0, 0.0), (length, length))])
    chord = disc.project(scan, dtype=torch.float64)
    return (open_beam * torch.exp(-water * (2 * length - chord))).to(device, dtype)
