"""Filtered backprojection as a linear operator that is built once and applied many times."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from torch_radon.analytic.filters import Filter, as_cutoff, filter_response, sampled_response
from torch_radon.analytic.line_filter import INTERPOLATIONS, Interpolation, LineFilter
from torch_radon.analytic.lines import column_steps
from torch_radon.analytic.redundancy import (
    REDUNDANCIES,
    Redundancy,
    mirrored_columns,
    ray_measure,
    ray_weights,
)
from torch_radon.geometry.scan import Scan
from torch_radon.geometry.validation import as_count, as_not_negative
from torch_radon.geometry.volume import Volume
from torch_radon.linear.operator import DTYPES, LinearOperator
from torch_radon.projectors import Backprojector
from torch_radon.projectors.base import check_arguments


class FilteredBackprojection(LinearOperator):
    r"""Filtered backprojection of one scan, as an operator from sinograms to images.

    .. math:: x(p) = \sum_v W_v(p)\, q_v(c_v(p)), \qquad
              q_{v}(n) = \sum_k m_{v,k}\, w_{v,k}\, y_{v,k}\, g_{n-k}

    with the measure m of the rays (`ray_measure`: the cells of the views, the column spacing and
    a fan's cosine), the redundancy weights w (`redundancy_weights`), the filter's kernel g, which
    on a curved detector with the angle :math:`\alpha` between columns is multiplied with
    :math:`(n \alpha / \sin n \alpha)^2`, and the column c at which and the distance weight W with
    which a pixel is seen (`Backprojector`). `fbp` is this operator as a function.

    All tables are made here, in float64, and kept so that no change of the module's type rounds
    them. A call computes nothing about the geometry, does not wait for the device, and can be
    compiled by `torch.compile` with ``fullgraph=True``. ``F.T`` is the exact transpose.

    Parameters
    ----------
    volume : Volume
        The image grid, two-dimensional.
    scan : Scan
        Parallel, or a fan with a flat or curved detector whose sources lie on a circle; any set
        of angles and any offsets.
    filter : str, Tensor, callable or None, default "ramp"
        As in `filter_response`. A `torch.nn.Parameter` becomes the parameter `response`.
    cutoff : float, default 1.0
        Largest frequency that passes, as a fraction of the detector's Nyquist frequency.
    redundancy : {"auto", "full", "short", "offset", "none"}, default "auto"
        How rays that measure the same line share it, see `redundancy_weights`. "auto" detects
        full scans, short scans and over-scans, offset detectors and their combinations.
    weights : Tensor, optional
        Redundancy weights of your own, of a shape that broadcasts to ``(views, columns)``, in
        place of those of `redundancy`, which then only says whether the views of an offset
        detector are extended ("auto", "offset"). A `torch.nn.Parameter` becomes the parameter
        `weights`.
    interpolation : {"linear", "cubic", "spline", "bandlimited"}, default "linear"
        How filtered projections are read between their columns: linearly; or resampled, in the
        same pass as the filter, to `upsampling` samples a column by Keys' cubic convolution (see
        `keys_kernel`), by the cubic spline through them (see `spline_kernel`) or by padding the
        spectrum with zeros, and linearly between those.
    upsampling : int, optional
        Samples a column for "cubic" and "spline" (by default 8) and "bandlimited" (4).
    extrapolation : float, default 0.0
        For truncated projections: continue each weighted projection beyond either end of the
        detector, by this part of its width, with its end value times the square of a cosine
        that falls to zero.
    learnable : bool, default False
        Make the response of `filter` the parameter `response`, at every frequency.
    out_dtype : torch.dtype, optional
        Type of the results of ``F`` and ``F.T``. By default that of the input; half precision is
        filtered and summed in float32.

    Attributes
    ----------
    volume : Volume
    scan : Scan
    response : torch.nn.Parameter or None
        The learnable filter, ``(n,)`` values at equally spaced frequencies from 0 to Nyquist, in
        units where the plain ramp is the frequency in cycles per column.
    weights : torch.nn.Parameter or None
        The learnable redundancy weights.
    filter_size : int
        Length of the transform that filters a row: ``filter_size // 2 + 1`` frequencies.
    domain_shape : tuple of int
        ``(views, columns)``.
    range_shape : tuple of int
        ``(H, W)``, attenuation per world unit of length.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If the volume is not two-dimensional, a name unknown, a number out of range, a fan's
        sources not on a circle, or the rays of a view run along its detector.

    Notes
    -----
    Two things are made as large as the data need: the projections of an offset detector that
    turns all around are filtered and backprojected as far as the mirror image of its far edge;
    and the transform is long enough that nothing wraps around.

    References
    ----------
    .. [1] A. C. Kak and M. Slaney, *Principles of Computerized Tomographic Imaging*, IEEE Press,
       1988, sections 3.3 and 3.4.

    Examples
    --------
    >>> import numpy as np
    >>> import torch_radon as tr
    >>> from torch_radon.analytic import FilteredBackprojection
    >>> scan = tr.fan_beam(np.linspace(0, 2 * np.pi, 120, endpoint=False), 96, 1.5,
    ...                    source_distance=100.0, detector_distance=50.0)
    >>> F = FilteredBackprojection(tr.Volume((64, 64)), scan, "hann", learnable=True)
    >>> phantom = tr.phantoms.Phantom([tr.phantoms.ellipse(0.2, (3, -2), (16, 16))])
    >>> image = F(phantom.project(scan))
    >>> image.shape, round(image[30, 35].item(), 2)
    (torch.Size([64, 64]), 0.2)
    >>> F.response.shape
    torch.Size([97])
    """

    response: nn.Parameter | None
    weights: nn.Parameter | None
    _ray_weights: Tensor
    _fixed_response: Tensor | None
    _passband: Tensor | None
    _correction: Tensor | None
    _gain: Tensor | None

    def __init__(
        self,
        volume: Volume,
        scan: Scan,
        filter: Filter = "ramp",
        cutoff: float = 1.0,
        *,
        redundancy: Redundancy = "auto",
        weights: Tensor | None = None,
        interpolation: Interpolation = "linear",
        upsampling: int | None = None,
        extrapolation: float = 0.0,
        learnable: bool = False,
        out_dtype: torch.dtype | None = None,
    ) -> None:
        check_arguments(volume, scan, out_dtype)
        for what, tensor in (("filter", filter), ("weights", weights)):
            if isinstance(tensor, Tensor) and tensor.requires_grad:
                _check_is_parameter(what, tensor)
        super().__init__(scan.shape, volume.shape)
        self.volume, self.scan, self.out_dtype = volume, scan, out_dtype
        self._cutoff = as_cutoff(cutoff)
        if filter is None and self._cutoff != 1:
            raise ValueError(f"cutoff must be 1 where filter is None, got {cutoff}")
        one_of("redundancy", redundancy, REDUNDANCIES)
        one_of("interpolation", interpolation, INTERPOLATIONS)
        before, after = 0, 0
        if redundancy in ("auto", "offset"):
            before, after = mirrored_columns(scan)
        self._lines = LineFilter(
            scan.columns,
            before,
            after,
            math.ceil(as_extrapolation(extrapolation) * scan.columns),
            interpolation,
            _upsampling(interpolation, upsampling),
        )
        self.filter_size = self._lines.size
        self._keep_weights(scan, redundancy, weights, filter)
        self._keep_filter(filter, learnable)
        fine = _fine_scan(scan, before, after, self._lines.factor, self._lines.length)
        self._backprojector = Backprojector(volume, fine)

    def _keep_weights(
        self, scan: Scan, redundancy: Redundancy, weights: Tensor | None, filter: Filter
    ) -> None:
        per_ray = ray_weights(scan, redundancy) if weights is None else ray_measure(scan)
        if filter is None:
            # Without the filter there is no sum over columns and no spacing in it.
            steps = column_steps(scan) if scan.beam == "parallel" else scan.spacing
            per_ray = per_ray * steps[:, None]
        if (per_ray == per_ray[:, :1]).all():
            per_ray = per_ray[:, :1]
        parameter = None
        if weights is not None:
            weights = as_weights(weights, scan)
            if isinstance(weights, nn.Parameter):
                parameter = weights
            else:
                per_ray = per_ray * weights.detach().double().cpu().numpy()
        self.register_parameter("weights", parameter)
        self._keep("_ray_weights", torch.from_numpy(per_ray))

    def _keep_filter(self, filter: Filter, learnable: bool) -> None:
        lines, scan = self._lines, self.scan
        correction = gain = None
        if scan.radius is not None:
            arc = torch.from_numpy(_distinct(scan.spacing / scan.radius))
            correction = lines.kernel_correction(arc)
        if lines.factor > 1:
            gain = lines.gain()
        if isinstance(filter, nn.Parameter):
            # Checked here rather than at the first call.
            filter_response(filter, lines.size, self._cutoff)
            self.register_parameter("response", filter)
        elif learnable:
            values = filter_response(filter, lines.size, self._cutoff).detach()
            values = values.to(torch.get_default_dtype())
            self.register_parameter("response", nn.Parameter(values))
        else:
            self.register_parameter("response", None)
        fixed = passband = None
        if self.response is not None:
            passband = filter_response(torch.ones_like, lines.size, self._cutoff)
        else:
            response = filter_response(filter, lines.size, self._cutoff).detach().cpu()
            fixed = lines.fine_response(response, correction, gain)
        self._keep("_fixed_response", fixed)
        self._keep("_passband", passband)
        self._keep("_correction", correction)
        self._keep("_gain", gain)

    def _keep(self, name: str, table: Tensor | None) -> None:
        """Keep a float64 table as its bits, which no change of the module's type rounds."""
        bits = None if table is None else table.contiguous().view(torch.int64)
        self.register_buffer(name, bits, persistent=False)

    def _table(self, name: str) -> Tensor | None:
        bits = getattr(self, name)
        return None if bits is None else bits.view(torch.float64)

    def response_of(self, filter: Filter) -> Tensor:
        """Make the response of a filter for this operator; differentiable in a tensor.

        Parameters
        ----------
        filter : str, Tensor, callable or None
            As in `filter_response`.

        Returns
        -------
        Tensor
            Float64, for `reconstruct`: with a curved detector's correction and the interpolation.
        """
        device = self._ray_weights.device
        values = filter_response(filter, self._lines.size, self._cutoff, device=device)
        return self._lines.fine_response(values, self._table("_correction"), self._table("_gain"))

    def reconstruct(
        self, y: Tensor, response: Tensor | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Apply the operator with another filter or further weights; differentiable in all.

        Parameters
        ----------
        y : Tensor, shape (N, views, columns)
            Sinograms on the operator's device.
        response : Tensor, optional
            From `response_of`.
        weights : Tensor, optional
            Factors of the rays beside the operator's own; must broadcast to ``(views, columns)``.

        Returns
        -------
        Tensor, shape (N, H, W)
        """
        out_dtype, work = self._types(y)
        if y.shape[0] == 0:
            # Not every FFT library takes an empty batch.
            return y.new_zeros((0, *self.range_shape), dtype=out_dtype) + 0 * y.sum().to(out_dtype)
        rows = y.to(work) * self._weights_in(work, weights)
        rows = self._lines.apply(rows, self._response_in(work, response))
        return self._backprojector._apply_batch(rows).to(out_dtype)

    def _apply_batch(self, x: Tensor) -> Tensor:
        return self.reconstruct(x)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        out_dtype, work = self._types(y)
        if y.shape[0] == 0:
            return y.new_zeros((0, *self.domain_shape), dtype=out_dtype) + 0 * y.sum().to(out_dtype)
        rows = self._backprojector._adjoint_batch(y.to(work))
        rows = self._lines.apply_transpose(rows, self._response_in(work, None))
        return (rows * self._weights_in(work, None)).to(out_dtype)

    def _types(self, data: Tensor) -> tuple[torch.dtype, torch.dtype]:
        device = self._ray_weights.device
        if data.device != device:
            raise ValueError(
                f"input is on {data.device} but the {type(self).__name__} is on {device}: move "
                "one of them with .to(device)"
            )
        return self.out_dtype or data.dtype, torch.promote_types(data.dtype, torch.float32)

    def _response_in(self, work: torch.dtype, response: Tensor | None) -> Tensor:
        if response is None:
            response = self._table("_fixed_response")
        if response is None:
            values, passband = self.response, self._table("_passband")
            assert values is not None
            assert passband is not None
            passed = passband * sampled_response(values, len(passband))
            correction, gain = self._table("_correction"), self._table("_gain")
            response = self._lines.fine_response(passed, correction, gain)
        return response.to(work)

    def _weights_in(self, work: torch.dtype, weights: Tensor | None) -> Tensor:
        table = self._table("_ray_weights")
        assert table is not None
        table = table.to(work)
        for factor in (self.weights, weights):
            if factor is not None:
                table = table * factor.to(work)
        return table

    def extra_repr(self) -> str:
        """Describe volume and scan in the module's repr."""
        return f"{self.volume}, {self.scan}"


def as_weights(weights: Tensor, scan: Scan) -> Tensor:
    """Return `weights` if they are a tensor that can weight the rays of a scan."""
    if not isinstance(weights, Tensor):
        raise TypeError(f"weights must be a torch.Tensor, got {type(weights).__name__}")
    if weights.dtype not in DTYPES:
        raise TypeError(f"weights must be of a real floating-point type, got {weights.dtype}")
    padded = (1,) * (2 - weights.ndim) + tuple(weights.shape)
    if len(padded) > 2 or any(
        have not in (1, want) for have, want in zip(padded, scan.shape, strict=True)
    ):
        raise ValueError(
            f"weights must broadcast to (views, columns) = {scan.shape}, got shape "
            f"{tuple(weights.shape)}"
        )
    return weights


def one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raise if `value` is none of the `known` ones."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")


def as_extrapolation(extrapolation: float) -> float:
    """Return `extrapolation` as a float that is not negative."""
    return as_not_negative("extrapolation", extrapolation)


def _check_is_parameter(name: str, tensor: Tensor) -> None:
    if not isinstance(tensor, nn.Parameter):
        raise ValueError(
            f"{name} requires a gradient but would be kept as a constant: pass a "
            "torch.nn.Parameter, or call fbp"
        )


def _upsampling(interpolation: Interpolation, upsampling: int | None) -> int:
    if upsampling is None:
        return 4 if interpolation == "bandlimited" else 8
    return as_count("upsampling", upsampling)


def _distinct(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """One value if all are equal but for rounding."""
    return values[:1] if np.ptp(values) <= 1e-12 * values.max() else values


def _fine_scan(scan: Scan, before: int, after: int, factor: int, columns: int) -> Scan:
    """Make the scan of detectors with columns added at the ends and each divided."""
    if columns == scan.columns and factor == 1:
        return scan
    vectors = scan.to_vectors()
    first, center, u = vectors[:, 0:2], vectors[:, 2:4], vectors[:, 4:6]
    shift = (after - before) / 2
    if scan.radius is None:
        center = center + shift * u
    else:
        ray = center - first
        turn = (shift * scan.spacing / scan.radius)[:, None]
        tangent = u / scan.spacing[:, None]
        radius = scan.radius[:, None]
        center = first + np.cos(turn) * ray + np.sin(turn) * radius * tangent
        u = np.cos(turn) * u - np.sin(turn) * scan.spacing[:, None] * ray / radius
    fine = np.concatenate([first, center, u / factor], axis=1)
    return Scan.from_vectors(fine, columns, scan.beam, scan.radius)
