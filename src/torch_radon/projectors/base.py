"""What projector and backprojector share: a volume, a scan and their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from torch_radon.geometry.grid import view_table
from torch_radon.geometry.scan import Scan
from torch_radon.geometry.volume import Volume
from torch_radon.linear.library import LinearKernel
from torch_radon.linear.operator import DTYPES, LinearOperator, is_autocast


class ScanOperator(LinearOperator):
    """A linear operator between the images of a volume and the sinograms of a scan.

    Parameters
    ----------
    volume, scan, out_dtype
        See `Projector`.
    domain_shape, range_shape : sequence of int
        See `LinearOperator`.
    """

    # What the operator applies; its adjoint is the transpose. A class attribute, for what is in an
    # instance is pickled.
    _kernel: ClassVar[LinearKernel]
    _views: Tensor

    def __init__(
        self,
        volume: Volume,
        scan: Scan,
        out_dtype: torch.dtype | None,
        domain_shape: Sequence[int],
        range_shape: Sequence[int],
    ) -> None:
        super().__init__(domain_shape, range_shape)
        self.volume = volume
        self.scan = scan
        self.out_dtype = out_dtype
        flat = "parallel" if scan.beam == "parallel" else "flat"
        self._geometry = (
            flat if scan.radius is None else "curved",
            list(volume.shape),
            scan.columns,
            list(volume.spacing),
        )
        # The bits of float64 in integers: a change of the module's dtype must not round them.
        table = torch.from_numpy(view_table(volume, scan)).view(torch.int64)
        self.register_buffer("_views", table, persistent=False)

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self._call(self._kernel, x)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        return self._call(self._kernel.adjoint, y)

    def _call(self, kernel: LinearKernel, data: Tensor) -> Tensor:
        # Once: a module looks for its buffers in a roundabout way.
        views = self._views
        device = data.device
        if device != views.device:
            raise ValueError(
                f"input is on {device} but the {type(self).__name__} is on {views.device}: "
                "move one of them with .to(device)"
            )
        out_dtype = self.out_dtype or data.dtype
        if self.out_dtype is None and is_autocast(device.type):
            # Sums over many pixels exceed what half precision holds.
            out_dtype = torch.promote_types(data.dtype, torch.float32)
        return kernel(data, views, *self._geometry, out_dtype)

    def extra_repr(self) -> str:
        """Describe volume and scan in the module's repr."""
        return f"{self.volume}, {self.scan}"


def check_arguments(volume: Volume, scan: Scan, out_dtype: torch.dtype | None) -> None:
    """Raise if the arguments of a `ScanOperator` are no volume, scan or float type."""
    if not isinstance(volume, Volume):
        raise TypeError(f"volume must be a Volume, got {type(volume).__name__}")
    if volume.ndim != 2:
        raise ValueError(
            f"volume must be two-dimensional, (H, W), for a two-dimensional scan, got shape "
            f"{volume.shape}; a stack of slices is a batch of images"
        )
    if not isinstance(scan, Scan):
        raise TypeError(f"scan must be a Scan, got {type(scan).__name__}")
    if out_dtype is not None and out_dtype not in DTYPES:
        raise TypeError(f"out_dtype must be a floating-point type or None, got {out_dtype!r}")
