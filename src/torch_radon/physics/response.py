"""What a detector mixes: neighbouring pixels by cross-talk, successive views by afterglow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torch_radon.geometry.validation import as_finite, as_length
from torch_radon.physics.checks import as_fraction, working

Lags = Sequence[tuple[float, float]]


def cross_talk(signal: Tensor, shares: float | Sequence[float], *, axes: int = 1) -> Tensor:
    r"""Blur along the detector: each pixel gives shares of its signal to its neighbours.

    .. math:: y_j = \Bigl(1 - 2 \sum_k s_k\Bigr) x_j + \sum_k s_k\,(x_{j-k} + x_{j+k})

    What would go beyond an end of the detector is mirrored there, so that the sum of all signals
    stays, an even signal stays as it is, and the matrix is symmetric: the blur is its own adjoint.

    Parameters
    ----------
    signal : Tensor, shape (..., columns) or (..., rows, columns)
        Any leading dimensions, strides and device.
    shares : float or sequence of float
        :math:`s_1, s_2, \dots`: what goes to each of the two next neighbours, the two after them
        and so on. Not negative, together at most 1/2.
    axes : int, default 1
        1 to blur along the columns index, 2 along rows and columns, one after the other.

    Returns
    -------
    Tensor, shape of `signal`
        Float64 for float64, otherwise float32. Differentiable.

    Raises
    ------
    TypeError
        If `signal` is not a tensor of real floating-point numbers.
    ValueError
        If the shares are out of range, or reach further than the detector is wide.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import cross_talk
    >>> cross_talk(torch.tensor([0.0, 0.0, 100.0, 0.0, 0.0]), 0.05)
    tensor([ 0.,  5., 90.,  5.,  0.])
    """
    taps = as_shares(shares)
    if axes not in (1, 2):
        raise ValueError(f"axes must be 1 (columns) or 2 (rows and columns), got {axes!r}")
    values = working("signal", signal)
    if values.ndim < axes:
        raise ValueError(
            f"signal must have at least {axes} dimensions, got shape {tuple(values.shape)}"
        )
    for axis in range(-axes, 0):
        if len(taps) > values.shape[axis]:
            raise ValueError(
                f"shares reach {len(taps)} pixels far, the detector has {values.shape[axis]} along "
                f"axis {axis}"
            )
        values = _blur(values, taps, axis)
    return values


def afterglow(
    signal: Tensor, lags: Lags, *, axis: int = -2, before: Tensor | float | None = None
) -> Tensor:
    r"""Lag along the views: part of the signal comes late and decays exponentially.

    .. math::
        y_v = \Bigl(1 - \sum_m b_m\Bigr) x_v + \sum_m b_m g_{m,v}, \qquad
        g_{m,v} = r_m\, g_{m,v-1} + (1 - r_m)\, x_v, \quad r_m = e^{-1 / \tau_m}

    A steady signal stays as it is: nothing is lost, some of it is late.

    Parameters
    ----------
    signal : Tensor, shape (..., views, columns)
        In the order in which the views were taken. Any leading dimensions, strides and device.
    lags : sequence of (float, float)
        Pairs of the late part :math:`b` and its time constant :math:`\tau` in views. Parts are
        not negative and together at most 1; constants are positive.
    axis : int, default -2
        Which axis counts the views; -3 for projections ``(..., views, rows, columns)``.
    before : Tensor or float, optional
        The steady signal before the first view, that broadcasts to a view of `signal`: the open
        beam, if that was on. By default nothing.

    Returns
    -------
    Tensor, shape of `signal`
        Float64 for float64, otherwise float32. Differentiable.

    Raises
    ------
    TypeError
        If `signal` is not a tensor of real floating-point numbers.
    ValueError
        If `lags` are out of range or `axis` is not one of the signal's.

    Notes
    -----
    The recursion is done by doubling, :math:`1 / (1 - r z) = \prod_k (1 + r^{2^k} z^{2^k})`: a
    handful of passes over the data in place of one step a view.

    References
    ----------
    J. Hsieh, O. E. Gurmen and K. F. King, "Recursive correction algorithm for detector decay
    characteristics in CT", Proc. SPIE 3977, 2000.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.physics import afterglow
    >>> flash = torch.tensor([[100.0], [0.0], [0.0]])
    >>> afterglow(flash, [(0.1, 1.0)]).T
    tensor([[96.3212,  2.3254,  0.8555]])
    """
    pairs = as_lags(lags)
    values = working("signal", signal)
    if not -values.ndim <= axis < values.ndim:
        raise ValueError(f"axis must be one of the {values.ndim} of signal, got {axis}")
    if not pairs or values.shape[axis] == 0:
        return values
    axis -= values.ndim if axis >= 0 else 0
    steady = _steady(before, values, axis)
    result = (1 - sum(part for part, _ in pairs)) * values
    for part, constant in pairs:
        keep = math.exp(-1 / constant)
        fresh = (1 - keep) * values
        if steady is not None:
            head = fresh.narrow(axis, 0, 1) + keep * steady
            fresh = torch.cat([head, fresh.narrow(axis, 1, values.shape[axis] - 1)], axis)
        result = result + part * _recur(fresh, keep, axis)
    return result


def as_shares(shares: float | Sequence[float]) -> tuple[float, ...]:
    """Check the shares of `cross_talk`; none of them if all are 0."""
    given = tuple(shares) if isinstance(shares, Sequence) else (shares,)
    taps = tuple(as_fraction("shares", share, 0.5) for share in given)
    if sum(taps) > 0.5:
        raise ValueError(f"shares must sum to at most 0.5, got {taps}")
    return taps if any(taps) else ()


def as_lags(lags: Lags) -> tuple[tuple[float, float], ...]:
    """Check the lags of `afterglow`; without those whose part is 0."""
    pairs = []
    for lag in lags:
        try:
            part, constant = lag
        except (TypeError, ValueError):
            raise ValueError(
                f"lags must be pairs (part, time constant in views), got {lag!r}"
            ) from None
        pairs.append((as_fraction("lags: part", part), as_length("lags: time constant", constant)))
    total = sum(part for part, _ in pairs)
    if total > 1:
        raise ValueError(f"the parts of lags must sum to at most 1, got {total:g}")
    return tuple(pair for pair in pairs if pair[0])


def spread_variance(
    variance: Tensor, shares: tuple[float, ...], lags: Lags, axes: int, view_axis: int
) -> Tensor:
    """Variances behind both blurs of independent numbers in front: responses squared."""
    for axis in range(-axes, 0) if shares else ():
        size = variance.shape[axis]
        unit = torch.eye(size, dtype=variance.dtype, device=variance.device)
        squared = cross_talk(unit, shares).square()
        variance = (variance.movedim(axis, -1) @ squared).movedim(-1, axis)
    if not lags or variance.shape[view_axis] == 0:
        return variance
    keeps = [math.exp(-1 / constant) for _, constant in lags]
    late = [part * (1 - keep) for (part, _), keep in zip(lags, keeps, strict=True)]
    prompt = 1 - sum(part for part, _ in lags)
    # The response is `prompt` at once and a sum of exponentials: so is its square.
    result = (prompt**2 + 2 * prompt * sum(late)) * variance
    for one, keep in zip(late, keeps, strict=True):
        for other, other_keep in zip(late, keeps, strict=True):
            result = result + one * other * _recur(variance, keep * other_keep, view_axis)
    return result


def _steady(before: Tensor | float | None, values: Tensor, axis: int) -> Tensor | float | None:
    """The signal before the first view, such that it broadcasts to one view of `values`."""
    if before is None:
        return None
    if not isinstance(before, Tensor):
        return as_finite("before", before)
    # A tensor that reaches to the left of the views gets an axis for them.
    spread = before.unsqueeze(axis) if before.ndim >= -axis else before
    view = values.narrow(axis, 0, 1).shape
    try:
        fits = torch.broadcast_shapes(spread.shape, view) == view
    except RuntimeError:
        fits = False
    if not fits or (before.ndim and before.device != values.device):
        raise ValueError(
            f"before must broadcast to one view of signal, whose shape is {tuple(values.shape)} "
            f"on {values.device}, got {tuple(before.shape)} on {before.device}"
        )
    return spread.to(values.dtype)


def _blur(values: Tensor, taps: tuple[float, ...], axis: int) -> Tensor:
    if not taps:
        return values
    size, reach = values.shape[axis], len(taps)
    # Slices rather than an index: the gradient of indexing adds atomically on a GPU.
    mirrored = torch.cat(
        [
            values.narrow(axis, 0, reach).flip(axis),
            values,
            values.narrow(axis, size - reach, reach).flip(axis),
        ],
        axis,
    )
    result = (1 - 2 * sum(taps)) * values
    for distance, share in enumerate(taps, 1):
        left = mirrored.narrow(axis, reach - distance, size)
        right = mirrored.narrow(axis, reach + distance, size)
        result = result + share * (left + right)
    return result


def _recur(values: Tensor, keep: float, axis: int) -> Tensor:
    """Solve ``g[v] = keep * g[v - 1] + values[v]``, from nothing before the first."""
    views, step = values.shape[axis], 1
    smallest = torch.finfo(values.dtype).eps ** 2
    while step < views and keep > smallest:
        head = values.narrow(axis, 0, step)
        rest = values.narrow(axis, step, views - step)
        earlier = values.narrow(axis, 0, views - step)
        values = torch.cat([head, rest + keep * earlier], axis)
        step, keep = 2 * step, keep * keep
    return values
