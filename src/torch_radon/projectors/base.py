"""What projector and backprojector share: a volume, a scan and their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from torch_radon.backends import Geometry2D, Prepared, backend_for
from torch_radon.geometry.grid import view_table
from torch_radon.geometry.scan import Scan
from torch_radon.geometry.volume import Volume
from torch_radon.linear.library import LinearKernel, is_plain
from torch_radon.linear.operator import DTYPES, LinearOperator, check_input, is_autocast

# Prepared calls that an operator keeps: as many as there are shapes and types of data.
_KEPT = 64


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
        self._prepared: dict[Any, Prepared] = {}

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_prepared": {}}

    def forward(self, x: Tensor) -> Tensor:
        """Apply the operator; see `LinearOperator.forward`."""
        result = self._call_prepared(self._kernel, x, self._domain_shape)
        return super().forward(x) if result is None else result

    def _adjoint(self, y: Tensor) -> Tensor:
        result = self._call_prepared(self._kernel.adjoint, y, self._range_shape)
        return super()._adjoint(y) if result is None else result

    def _apply_batch(self, x: Tensor) -> Tensor:
        result = self._call_prepared(self._kernel, x, self._domain_shape)
        return self._call(self._kernel, x) if result is None else result

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        result = self._call_prepared(self._kernel.adjoint, y, self._range_shape)
        return self._call(self._kernel.adjoint, y) if result is None else result

    def _call_prepared(
        self, kernel: LinearKernel, data: Tensor, shape: tuple[int, ...]
    ) -> Tensor | None:
        """Apply a kernel at little cost to the host, or return None where that is not possible.

        It is for plain data without or with one leading dimension. Their shape, type and device
        together answer all that is asked about an input, with one search.
        """
        if not is_plain(data):
            return None
        views = self._buffers["_views"]
        assert views is not None
        dtype, device = data.dtype, data.device
        if dtype.itemsize == 2 and self.out_dtype is None and is_autocast(device.type):
            return None
        key = kernel, data.shape, dtype, device, self.out_dtype
        call = self._prepared.get(key)
        if call is None or device != views.device:
            if check_input(data, shape) > 1:
                return None
            self._check_device(device, views.device)
            geometry, out_dtype = Geometry2D(views, *self._geometry), self.out_dtype or dtype
            call = backend_for(device.type).prepare(kernel.short_name, data, geometry, out_dtype)
            if len(self._prepared) >= _KEPT:
                self._prepared.clear()
            self._prepared[key] = call
        return call(data, views)

    def _call(self, kernel: LinearKernel, data: Tensor) -> Tensor:
        # Once: a module looks for its buffers in a roundabout way.
        views = self._views
        self._check_device(data.device, views.device)
        out_dtype = self.out_dtype or data.dtype
        if self.out_dtype is None and is_autocast(data.device.type):
            # Sums over many pixels exceed what half precision holds.
            out_dtype = torch.promote_types(data.dtype, torch.float32)
        return kernel(data, views, *self._geometry, out_dtype)

    def _check_device(self, given: torch.device, own: torch.device) -> None:
        if given != own:
            raise ValueError(
                f"input is on {given} but the {type(self).__name__} is on {own}: "
                "move one of them with .to(device)"
            )

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
