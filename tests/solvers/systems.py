"""Small systems on which every solver is compared with its dense twin, and what the tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cases import PROJECTORS, Case
from oracles import solvers as dense
from torch_radon import LinearOperator, solvers

Array = NDArray[np.float64]

PARALLEL = next(case for case in PROJECTORS if case.name == "projector-parallel")
FAN = next(case for case in PROJECTORS if case.name == "projector-fan_flat")

SIDE, VIEWS = 8, 12
SUBSETS = 4


def data(A: LinearOperator, items: int, rng: np.random.Generator, noise: float = 0.05) -> Array:
    """Non-negative data of random images with noise, ``(items, *range)`` in float64."""
    images = torch.from_numpy(rng.uniform(0, 1, (items, *A.domain_shape)))
    y = A(images).numpy()
    return np.maximum(y * (1 + noise * rng.standard_normal(y.shape)), 0)


def blocks(A: LinearOperator, subsets: int) -> list[list[int]]:
    """Rows of the dense matrix that belong to subset ``i::subsets`` of the views."""
    views, per_view = A.range_shape[0], int(np.prod(A.range_shape[1:]))
    rows = np.arange(views * per_view).reshape(views, per_view)
    return [rows[first::subsets].ravel().tolist() for first in range(subsets)]


def iterates(
    solve: Callable[..., solvers.Result], A: LinearOperator, y: torch.Tensor, n: int, **options: Any
) -> list[Array]:
    """All iterates of a solver as vectors ``(..., pixels)`` in float64."""
    found: list[Array] = []

    def remember(iteration: int, x: torch.Tensor, residual: torch.Tensor) -> None:
        assert iteration == len(found) + 1
        found.append(x.detach().cpu().double().flatten(-2).numpy())

    result = solve(A, y, iterations=n, callback=remember, **options)
    assert len(found) == n
    np.testing.assert_array_equal(found[-1], result.x.detach().cpu().double().flatten(-2).numpy())
    return found


def os_twin(method: Callable[..., list[Array]], case: Case, subsets: int) -> Callable[..., Any]:
    """A dense method with subsets in the golden order, which is written out here."""
    operator = case.build(SIDE, VIEWS)
    # The golden section of 12 views is 7.4, of 4 subsets 2.5: the coprime numbers nearest to it.
    stride = {12: 7, 4: 3}[subsets]
    order = [k * stride % subsets for k in range(subsets)]

    def twin(A: Array, y: Array, n: int, **options: Any) -> list[Array]:
        return method(A, y, n, rows=blocks(operator, subsets), orders=[order] * n, **options)

    return twin


ROWS: dict[str, tuple[Callable[..., solvers.Result], Callable[..., Any], dict[str, Any]]] = {
    "landweber": (solvers.landweber, dense.landweber, {}),
    "cgls": (solvers.cgls, dense.cgls, {}),
    "sirt": (solvers.sirt, dense.sirt, {}),
    "sart": (solvers.sart, os_twin(dense.os_sart, PARALLEL, VIEWS), {}),
    "os_sart": (
        solvers.os_sart,
        os_twin(dense.os_sart, PARALLEL, SUBSETS),
        {"subsets": SUBSETS},
    ),
    "mlem": (solvers.mlem, dense.mlem, {}),
    "osem": (solvers.osem, os_twin(dense.mlem, PARALLEL, SUBSETS), {"subsets": SUBSETS}),
}
"""Each solver of data, its dense twin, and the solver's own options."""
