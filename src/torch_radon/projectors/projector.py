"""The forward projector."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from torch_radon.geometry.scan import Scan
from torch_radon.geometry.volume import Volume
from torch_radon.projectors.base import ScanOperator, check_arguments
from torch_radon.projectors.operators import joseph_2d


class Projector(ScanOperator):
    r"""Line integrals of an image along the rays of a scan, by Joseph's method.

    A ray with unit direction :math:`d` steps through the image line by line along the axis
    :math:`a` with the largest :math:`|d_a| / \mathrm{spacing}_a`. In every line the image is
    interpolated linearly between the two nearest pixels, outside the image it is zero, and each
    sample counts with the length of ray between two lines:

    .. math:: (A x)_r = \frac{\mathrm{spacing}_a}{|d_a|} \sum_{\text{lines } l} x(p_r(l))

    ``A.T`` is the exact transpose of this matrix, so gradients are exact too. Both give the same
    bits for the same input on the same device.

    Parameters
    ----------
    volume : Volume
        The image grid, two-dimensional.
    scan : Scan
        The rays.
    out_dtype : torch.dtype, optional
        Type of the results of ``A`` and ``A.T``. By default that of the input, or at least float32
        under autocast. Half precision is storage: sums are formed in float32.

    Attributes
    ----------
    volume : Volume
    scan : Scan
    out_dtype : torch.dtype or None
    domain_shape : tuple of int
        ``(H, W)``; images are in attenuation per world unit of length.
    range_shape : tuple of int
        ``(views, columns)``; sinograms are dimensionless.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If the volume is not two-dimensional, or a fan's source lies inside it.

    References
    ----------
    P. M. Joseph, "An improved algorithm for reprojecting rays through pixel images", IEEE
    Transactions on Medical Imaging 1(3), 1982.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> scan = tr.parallel_beam([0.0], columns=4, spacing=0.5)
    >>> A = tr.Projector(tr.Volume((4, 4), spacing=0.5), scan)
    >>> A(torch.ones(4, 4))
    tensor([[2., 2., 2., 2.]])
    >>> A.T(torch.ones(1, 4)).shape
    torch.Size([4, 4])
    """

    _kernel = joseph_2d

    def __init__(self, volume: Volume, scan: Scan, *, out_dtype: torch.dtype | None = None) -> None:
        check_arguments(volume, scan, out_dtype)
        if scan.beam == "fan":
            _check_sources(volume, scan)
        super().__init__(volume, scan, out_dtype, volume.shape, scan.shape)

    def of_views(self, views: Any) -> Projector:
        """Return the projector of some of the views, on the same device.

        Parameters
        ----------
        views : slice, int, sequence of int or of bool
            Which views, as NumPy indexes an axis.

        Returns
        -------
        Projector
        """
        part = Projector(self.volume, self.scan[views], out_dtype=self.out_dtype)
        return part.to(self._views.device)


def _check_sources(volume: Volume, scan: Scan) -> None:
    sources = scan.to_vectors()[:, 0:2]
    reach = np.array(volume.extent[::-1]) / 2
    inside = (np.abs(sources - np.array(volume.center[::-1])) <= reach).all(axis=1)
    if inside.any():
        view = int(np.argmax(inside))
        x, y = sources[view]
        raise ValueError(
            f"scan: the source of view {view} at ({x:.6g}, {y:.6g}) lies inside the volume of "
            f"extent {volume.extent} (y, x) around {volume.center}"
        )
