"""Iterative methods on dense matrices in plain NumPy float64, written from the textbooks.

Each returns the list of its iterates, one vector an iteration. Weights, preconditioners and
dampings are matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def landweber(
    A: Array,
    y: Array,
    n: int,
    x: Array | None = None,
    W: Array | None = None,
    P: Array | None = None,
    step: float | None = None,
    project: Callable[[Array], Array] = lambda x: x,
) -> list[Array]:
    """Projected gradient descent; the default step is 0.95 of the largest, from eigenvalues."""
    W = np.eye(len(y)) if W is None else W
    P = np.eye(A.shape[1]) if P is None else P
    x = np.zeros(A.shape[1]) if x is None else x
    if step is None:
        step = 1.9 / np.abs(np.linalg.eigvals(P @ A.T @ W @ A)).max()
    iterates = []
    for _ in range(n):
        x = project(x + step * P @ A.T @ W @ (y - A @ x))
        iterates.append(x)
    return iterates


def cg(A: Array, b: Array, n: int, x: Array | None = None, P: Array | None = None) -> list[Array]:
    """Conjugate gradients, with the preconditioner P split as C C^T and the variable changed."""
    C = np.eye(len(b)) if P is None else np.linalg.cholesky(P)
    start = np.zeros(len(b)) if x is None else x
    matrix, right = C.T @ A @ C, C.T @ (b - A @ start)
    u, r, p, iterates = np.zeros(len(b)), right, right, []
    for _ in range(n):
        alpha = (r @ r) / (p @ matrix @ p)
        u = u + alpha * p
        rest = r - alpha * matrix @ p
        p = rest + (rest @ rest) / (r @ r) * p
        r = rest
        iterates.append(start + C @ u)
    return iterates


def cgls(
    A: Array,
    y: Array,
    n: int,
    x: Array | None = None,
    W: Array | None = None,
    P: Array | None = None,
    damping: float = 0.0,
    L: Array | None = None,
) -> list[Array]:
    """Each iterate minimises over a Krylov space, which is spanned and solved densely."""
    root = np.eye(len(y)) if W is None else np.linalg.cholesky(W).T
    L = np.eye(A.shape[1]) if L is None else L
    start = np.zeros(A.shape[1]) if x is None else x
    P = np.eye(A.shape[1]) if P is None else P
    system = np.concatenate([root @ A, damping * L])
    right = np.concatenate([root @ y, np.zeros(len(L))]) - system @ start
    normal = system.T @ system
    basis: list[Array] = []
    iterates = []
    direction = P @ system.T @ right
    for _ in range(n):
        for _ in range(2):
            for other in basis:
                direction = direction - (other @ direction) * other
        basis.append(direction / np.linalg.norm(direction))
        Q = np.stack(basis, axis=1)
        iterates.append(start + Q @ np.linalg.lstsq(system @ Q, right, rcond=None)[0])
        direction = P @ normal @ basis[-1]
    return iterates


def inverse(sums: Array) -> Array:
    """One over sums, 0 where they are 0."""
    return np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 1e-12)


def sirt(
    A: Array,
    y: Array,
    n: int,
    x: Array | None = None,
    relaxation: float = 1.0,
    project: Callable[[Array], Array] = lambda x: x,
) -> list[Array]:
    """Row and column sums as diagonal matrices."""
    R, C = np.diag(inverse(A.sum(1))), np.diag(inverse(A.sum(0)))
    x = np.zeros(A.shape[1]) if x is None else x
    iterates = []
    for _ in range(n):
        x = project(x + relaxation * C @ A.T @ R @ (y - A @ x))
        iterates.append(x)
    return iterates


def os_sart(
    A: Array,
    y: Array,
    n: int,
    rows: Sequence[Sequence[int]],
    orders: Sequence[Sequence[int]],
    x: Array | None = None,
    relaxation: float = 1.0,
    project: Callable[[Array], Array] = lambda x: x,
) -> list[Array]:
    """Sweeps over blocks of rows in the given orders."""
    x = np.zeros(A.shape[1]) if x is None else x
    iterates = []
    for sweep in range(n):
        for block in orders[sweep]:
            M, d = A[rows[block]], y[rows[block]]
            update = inverse(M.sum(0)) * (M.T @ (inverse(M.sum(1)) * (d - M @ x)))
            x = project(x + relaxation * update)
        iterates.append(x)
    return iterates


def mlem(
    A: Array,
    y: Array,
    n: int,
    x: Array | None = None,
    background: Array | float = 0.0,
    rows: Sequence[Sequence[int]] | None = None,
    orders: Sequence[Sequence[int]] | None = None,
) -> list[Array]:
    """Expectation maximisation pixel by pixel; with blocks of rows its ordered subsets."""
    rows = [list(range(len(y)))] if rows is None else rows
    orders = [[0]] * n if orders is None else orders
    x = np.full(A.shape[1], y.sum() / A.sum()) if x is None else x
    floor = np.broadcast_to(background, y.shape)
    iterates = []
    for sweep in range(n):
        for block in orders[sweep]:
            M, d, b = A[rows[block]], y[rows[block]], floor[rows[block]]
            expected = M @ x + b
            ratio = np.divide(d, expected, out=np.zeros_like(d), where=expected > 0)
            sums = M.sum(0)
            factor = (M.T @ ratio) * inverse(sums)
            x = np.where((sums > 1e-12) | (len(rows) == 1), x * factor, x)
        iterates.append(x)
    return iterates
