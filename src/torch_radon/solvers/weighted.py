"""Least squares with the statistics of counted photons."""

from __future__ import annotations

from typing import Unpack

from torch import Tensor

from torch_radon.linear import LinearOperator
from torch_radon.solvers.cgls import cgls
from torch_radon.solvers.implicit import Derivative
from torch_radon.solvers.options import Options
from torch_radon.solvers.result import Result
from torch_radon.solvers.weights import poisson_weights


def weighted_least_squares(
    A: LinearOperator,
    y: Tensor,
    *,
    iterations: int,
    photons: float | Tensor = 1.0,
    x0: Tensor | None = None,
    damping: float | Tensor = 0.0,
    damping_operator: LinearOperator | None = None,
    preconditioner: Tensor | LinearOperator | None = None,
    differentiate: Derivative = "unrolled",
    **options: Unpack[Options],
) -> Result:
    r"""Least squares weighted by the photons that were counted.

    .. math:: \min_x\; \tfrac12 \sum_i w_i (A x - y)_i^2 + \tfrac12 \lambda^2 \|L x\|^2,
              \qquad w_i = I_0 e^{-y_i}

    so that rays with few photons, behind bone or metal, count less. It is `cgls` with
    `poisson_weights`, which are constants for derivatives.

    Parameters
    ----------
    A, y, iterations, x0, damping, damping_operator, preconditioner, differentiate
        See `cgls`; `y` are line integrals, after the logarithm.
    photons : float or Tensor, default 1.0
        Photons of an unattenuated ray, see `poisson_weights`.
    **options
        See `Options`.

    Returns
    -------
    Result
        As `cgls` returns it.

    Raises
    ------
    TypeError, ValueError
        As `cgls` raises them.

    Examples
    --------
    >>> import torch
    >>> import torch_radon as tr
    >>> from torch_radon import solvers
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam(torch.arange(40) * 0.08, columns=24))
    >>> y = A(torch.full((16, 16), 0.1))
    >>> x = solvers.weighted_least_squares(A, y, iterations=20, photons=1e4).x
    >>> round(x[8, 8].item(), 2)
    0.1
    """
    return cgls(
        A,
        y,
        iterations=iterations,
        x0=x0,
        weights=poisson_weights(y, photons).detach(),
        damping=damping,
        damping_operator=damping_operator,
        preconditioner=preconditioner,
        differentiate=differentiate,
        **options,
    )
