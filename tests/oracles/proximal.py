"""Proximal solvers in dense NumPy float64 for one image, and optima by an interior-point method.

Everything is a matrix or a vector here: operators are dense, an image is flattened, and a
regularizer is a list of functions of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import clarabel
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Dense:
    """The function ``x -> function(matrix @ x)`` with its value and proximal map.

    ``prox(z, t)`` takes an array of steps, one an entry.
    """

    matrix: Array
    value: Callable[[Array], float]
    prox: Callable[[Array, Array], Array]

    def conjugate_prox(self, p: Array, s: Array) -> Array:
        """By Moreau's identity, whatever the function."""
        return p - s * self.prox(p / s, 1 / s)


def differences(shape: Sequence[int], spacing: Sequence[float]) -> Array:
    """The matrix of forward differences, components first, zero at the end of each axis."""
    size = int(np.prod(shape))
    index = np.arange(size).reshape(shape)
    blocks = []
    for axis, step in enumerate(spacing):
        block = np.zeros((size, size))
        here = np.delete(index, -1, axis).ravel()
        there = np.delete(index, 0, axis).ravel()
        block[here, here] -= 1 / step
        block[here, there] += 1 / step
        blocks.append(block)
    return np.concatenate(blocks)


def one_norm(matrix: Array, weight: float | Array) -> Dense:
    return Dense(
        matrix,
        lambda z: float(np.sum(weight * np.abs(z))),
        lambda z, t: np.sign(z) * np.maximum(np.abs(z) - t * weight, 0),
    )


def group_norm(matrix: Array, weight: float | Array, components: int) -> Dense:
    """Sum of the norms of groups ``z[j], z[n + j], ...`` of so many components."""

    def norms(z: Array) -> Array:
        return np.sqrt((z.reshape(components, -1) ** 2).sum(0))

    def prox(z: Array, t: Array) -> Array:
        size = np.tile(norms(z), components)
        shrunk = np.maximum(
            size - t * np.tile(np.broadcast_to(weight, size.size // components), components), 0
        )
        return z * np.divide(shrunk, size, out=np.zeros_like(size), where=size > 0)

    return Dense(matrix, lambda z: float(np.sum(weight * norms(z))), prox)


def half_squares(matrix: Array, weight: float | Array) -> Dense:
    return Dense(
        matrix, lambda z: 0.5 * float(np.sum(weight * z**2)), lambda z, t: z / (1 + t * weight)
    )


def least_squares(matrix: Array, y: Array, weights: float | Array = 1.0) -> Dense:
    return Dense(
        matrix,
        lambda z: 0.5 * float(np.sum(weights * (z - y) ** 2)),
        lambda z, t: (z + t * weights * y) / (1 + t * weights),
    )


def least_absolute(matrix: Array, y: Array, weights: float | Array = 1.0) -> Dense:
    return Dense(
        matrix,
        lambda z: float(np.sum(weights * np.abs(z - y))),
        lambda z, t: y + np.sign(z - y) * np.maximum(np.abs(z - y) - t * weights, 0),
    )


def poisson(matrix: Array, y: Array, background: float | Array = 0.0) -> Dense:
    def value(z: Array) -> float:
        mean = z + background
        logs = np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mean), 0)
        return float(np.sum(mean - y + logs))

    def prox(z: Array, t: Array) -> Array:
        # The positive root m of m + t (1 - y / m) = z + background.
        linear = z + background - t
        return (linear + np.sqrt(linear**2 + 4 * t * y)) / 2 - background

    return Dense(matrix, value, prox)


def objective(x: Array, functions: Sequence[Dense]) -> float:
    """The sum of functions at an image."""
    return sum(f.value(f.matrix @ x) for f in functions)


def clip(lower: float = -np.inf, upper: float = np.inf) -> Callable[[Array, Array], Array]:
    return lambda x, t: np.clip(x, lower, upper)


def nothing(x: Array, t: Array) -> Array:
    return x


def pdhg(
    functions: Sequence[Dense],
    tau: Array,
    sigmas: Sequence[Array],
    relaxation: float,
    iterations: int,
    direct: Callable[[Array, Array], Array] = nothing,
    x0: Array | None = None,
) -> list[Array]:
    """The relaxed method of Chambolle and Pock; returns the points after each proximal map."""
    x = np.zeros(functions[0].matrix.shape[1]) if x0 is None else x0
    duals = [np.zeros(f.matrix.shape[0]) for f in functions]
    iterates = []
    for _ in range(iterations):
        slope = sum(f.matrix.T @ p for f, p in zip(functions, duals, strict=True))
        x_new = direct(x - tau * slope, tau)
        duals_new = [
            f.conjugate_prox(p + s * (f.matrix @ (2 * x_new - x)), s)
            for f, p, s in zip(functions, duals, sigmas, strict=True)
        ]
        iterates.append(x_new)
        x = x + relaxation * (x_new - x)
        duals = [p + relaxation * (q - p) for p, q in zip(duals, duals_new, strict=True)]
    return iterates


def diagonal_steps(
    A: Array, curvature: Array, others: Sequence[tuple[float, float]], balance: float
) -> tuple[Array, list[Array]]:
    """Steps from sums of rows and columns; `others` are bounds (rows, columns) of more operators.

    The operators are scaled: A by the root of the curvature, the others so that their columns
    weigh as much as the heaviest of A. Then Pock and Chambolle's condition holds for
    ``tau = ratio / columns`` and ``sigma = scale**2 / (ratio * rows)``.
    """
    scaled = np.sqrt(curvature)[:, None] * A
    rows, columns = np.abs(scaled).sum(1), np.abs(scaled).sum(0)
    ratio = 1 / (balance * np.sqrt(rows.max() * columns.max()))
    plain = np.abs(A).sum(1)
    sigmas = [np.sqrt(curvature) / (ratio * np.maximum(plain, 1e-4 * plain.max()))]
    total = columns.copy()
    for row, column in others:
        scale = columns.max() / column
        total += scale * column
        sigmas.append(np.array(scale**2 / (ratio * scale * row)))
    return ratio / np.maximum(total, 1e-4 * columns.max()), sigmas


def fista(
    A: Array,
    y: Array,
    weights: float | Array,
    step: float,
    prox: Callable[[Array, float], Array],
    iterations: int,
    momentum: bool = True,
    restart: bool = True,
    x0: Array | None = None,
) -> list[Array]:
    """Proximal gradients with momentum and restart by the gradient's direction."""
    x = np.zeros(A.shape[1]) if x0 is None else x0
    ahead, t = x, 1.0
    iterates = []
    for _ in range(iterations):
        new = prox(ahead - step * A.T @ (weights * (A @ ahead - y)), step)
        t_new = (1 + np.sqrt(1 + 4 * t**2)) / 2
        beta = (t - 1) / t_new if momentum else 0.0
        if momentum and restart and (ahead - new) @ (new - x) > 0:
            t_new, beta = 1.0, 0.0
        ahead, x, t = new + beta * (new - x), new, t_new
        iterates.append(x)
    return iterates


def backtracking_fista(
    A: Array, y: Array, prox: Callable[[Array, float], Array], iterations: int
) -> list[Array]:
    """The same with steps that are shortened by 1.5 where the quadratic model is not above."""
    gradient = A.T @ y
    lipschitz = float(np.linalg.norm(A @ gradient) / np.linalg.norm(gradient)) ** 2
    x = np.zeros(A.shape[1])
    ahead, t = x, 1.0
    iterates = []

    def f(v: Array) -> float:
        return 0.5 * float(np.sum((A @ v - y) ** 2))

    for _ in range(iterations):
        slope = A.T @ (A @ ahead - y)
        new = prox(ahead - slope / lipschitz, 1 / lipschitz)
        move = new - ahead
        if f(new) - f(ahead) - slope @ move > lipschitz / 2 * move @ move * (1 + 1e-4):
            lipschitz *= 1.5
        else:
            t_new = (1 + np.sqrt(1 + 4 * t**2)) / 2
            beta = (t - 1) / t_new
            if move @ (new - x) < 0:
                t_new, beta = 1.0, 0.0
            ahead, x, t = new + beta * (new - x), new, t_new
        iterates.append(x)
    return iterates


def dual_denoising(
    v: Array,
    t: float,
    functions: Sequence[Dense],
    squared_norms: Sequence[float],
    duals: list[Array],
    iterations: int,
    direct: Callable[[Array, Array], Array] = nothing,
) -> tuple[Array, list[Array]]:
    """The proximal map of a sum at `v` by accelerated ascent of its dual, from given duals."""
    step = np.array(t, dtype=np.float64)

    def image(p: Sequence[Array]) -> Array:
        return direct(v - t * sum(f.matrix.T @ q for f, q in zip(functions, p, strict=True)), step)

    ahead, momentum = list(duals), 1.0
    for _ in range(iterations):
        u = image(ahead)
        new = []
        for f, p, norm in zip(functions, ahead, squared_norms, strict=True):
            s = np.array(1 / (t * len(functions) * norm))
            new.append(f.conjugate_prox(p + s * (f.matrix @ u), s))
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = [q + (momentum - 1) / following * (q - p) for p, q in zip(duals, new, strict=True)]
        duals, momentum = new, following
    return image(duals), duals


def admm(
    H: Array,
    right: Array,
    functions: Sequence[Dense],
    penalties: Sequence[Array],
    iterations: int,
) -> tuple[list[Array], list[list[Array]]]:
    """Alternating directions with exact solves; returns images and splits of each iteration.

    `H` and `right` are the matrix and the right-hand side of the quadratic data term.
    """
    matrix = H + sum(
        f.matrix.T @ (np.broadcast_to(rho, f.matrix.shape[0])[:, None] * f.matrix)
        for f, rho in zip(functions, penalties, strict=True)
    )
    z = [np.zeros(f.matrix.shape[0]) for f in functions]
    u = [np.zeros(f.matrix.shape[0]) for f in functions]
    images: list[Array] = []
    splits: list[list[Array]] = []
    for _ in range(iterations):
        b = right + sum(
            f.matrix.T @ (rho * (zi - ui))
            for f, rho, zi, ui in zip(functions, penalties, z, u, strict=True)
        )
        x = np.asarray(np.linalg.solve(matrix, b), dtype=np.float64)
        moved = [f.matrix @ x + ui for f, ui in zip(functions, u, strict=True)]
        z = [f.prox(m, 1 / rho) for f, m, rho in zip(functions, moved, penalties, strict=True)]
        u = [m - zi for m, zi in zip(moved, z, strict=True)]
        images.append(x)
        splits.append(z)
    return images, splits


def minimum(
    A: Array,
    y: Array,
    weights: float | Array,
    groups: Sequence[tuple[Array, float, int]],
    lower: float | None = None,
) -> tuple[Array, float]:
    r"""Minimiser and minimum of weighted least squares and norms of groups, to about 1e-9.

    .. math:: \min_x\; \tfrac12 |A x - y|_W^2 + \sum_k w_k \sum_j |(K_k x)_{\text{group } j}|,
              \quad x \ge \text{lower}

    with groups ``z[j], z[n + j], ...`` of a number of components; one component is the 1-norm. A
    second-order cone bounds each norm by a variable of its own.

    Parameters
    ----------
    groups : sequence of (matrix, weight, components)
    """
    pixels = A.shape[1]
    counts = [matrix.shape[0] // components for matrix, _, components in groups]
    bounds = sum(counts)
    W = np.broadcast_to(weights, y.shape)
    P = sparse.block_diag(
        [sparse.csc_matrix(A.T @ (W[:, None] * A)), sparse.csc_matrix((bounds, bounds))]
    )
    q = np.concatenate(
        [-A.T @ (W * y), *(np.full(n, w) for (_, w, _), n in zip(groups, counts, strict=True))]
    )
    rows, cones = [], []
    first = pixels
    for (matrix, _, components), count in zip(groups, counts, strict=True):
        parts = matrix.reshape(components, count, pixels)
        for j in range(count):
            # s = (bound, K x) lies in the cone, with constraint + s = 0.
            block = np.zeros((1 + components, pixels + bounds))
            block[0, first + j] = -1
            block[1:, :pixels] = -parts[:, j]
            rows.append(sparse.csc_matrix(block))
            cones.append(clarabel.SecondOrderConeT(1 + components))
        first += count
    b = np.zeros(sum(row.shape[0] for row in rows))
    if lower is not None:
        rows.append(sparse.hstack([-sparse.eye(pixels), sparse.csc_matrix((pixels, bounds))]))
        cones.append(clarabel.NonnegativeConeT(pixels))
        b = np.concatenate([b, np.full(pixels, -lower)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    solver = clarabel.DefaultSolver(
        sparse.triu(P).tocsc(), q, sparse.vstack(rows).tocsc(), b, cones, settings
    )
    solution = solver.solve()
    assert str(solution.status) == "Solved", solution.status
    x = np.array(solution.x)[:pixels]
    value = 0.5 * np.sum(W * (A @ x - y) ** 2)
    for matrix, weight, components in groups:
        value += weight * np.sqrt(((matrix @ x).reshape(components, -1) ** 2).sum(0)).sum()
    return x, float(value)
