"""Pixel-driven backprojection, the second half of filtered backprojection."""

from __future__ import annotations

import numpy as np
import torch

from torch_radon.geometry.scan import Scan
from torch_radon.geometry.volume import Volume
from torch_radon.projectors.base import ScanOperator, check_arguments
from torch_radon.projectors.operators import backproject_2d

# Sine between ray and detector below which a detector counts as seen edge-on.
_EDGE_ON = 1e-9


class Backprojector(ScanOperator):
    r"""Sum over the views of what the detector measured where a pixel is seen.

    .. math:: (B y)(x) = \sum_v W_v(x)\, y_v(c_v(x))

    with :math:`c_v(x)` the detector column at which view :math:`v` sees the pixel's centre, linear
    interpolation between columns and zero outside the detector. The distance weight :math:`W` is
    part of the operator, for analytic reconstruction of divergent beams always has it:

    ==========  ===================================================================
    parallel    :math:`W = 1`
    fan flat    :math:`W = (D / U)^2`, the distances of the detector's line and of
                the pixel from the source, both along the detector's normal
    fan curved  :math:`W = (D / L)^2`, the detector's radius and the distance of the
                pixel from the source, along the ray
    ==========  ===================================================================

    So W is 1 where the detector is and falls with the square of the distance from the source,
    whatever the unit of length. Pixels behind the source of a flat detector, or nearer to it than
    a millionth of D, are not seen.

    This is the operator of analytic reconstruction. It is *not* the transpose of `Projector`;
    ``B.T`` is its own exact transpose, W included.

    Parameters
    ----------
    volume : Volume
        The image grid, two-dimensional.
    scan : Scan
        The rays.
    out_dtype : torch.dtype, optional
        Type of the results, see `Projector`.

    Attributes
    ----------
    volume : Volume
    scan : Scan
    out_dtype : torch.dtype or None
    domain_shape : tuple of int
        ``(views, columns)``.
    range_shape : tuple of int
        ``(H, W)``.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If the volume is not two-dimensional, or rays run along their detector.

    Notes
    -----
    In a row of `geometry.grid.view_table` a pixel is ``depth * ray + side * step`` off the
    source; the weight is ``1 / depth**2`` on a flat and ``1 / (depth**2 + side**2)`` on a curved
    detector, and the column ``side / depth`` and ``atan2(side, depth) / arc`` from the middle:
    every kernel finds both from the table alone. On the CPU the arctangent of float32 data is a
    polynomial in float64 that is off by less than 1e-11 radians.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> B = tr.Backprojector(tr.Volume((2, 3)), tr.parallel_beam([0.0], columns=3))
    >>> B(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1., 2., 3.],
            [1., 2., 3.]])
    """

    _kernel = backproject_2d

    def __init__(self, volume: Volume, scan: Scan, *, out_dtype: torch.dtype | None = None) -> None:
        check_arguments(volume, scan, out_dtype)
        u = scan.to_vectors()[:, 4:6] / scan.spacing[:, None]
        sine = np.abs(scan.rays[:, 0] * u[:, 1] - scan.rays[:, 1] * u[:, 0])
        if (sine < _EDGE_ON).any():
            raise ValueError(
                f"scan: the rays of view {int(np.argmin(sine))} run along their detector, whose "
                "columns cannot be told apart"
            )
        super().__init__(volume, scan, out_dtype, scan.shape, volume.shape)
