"""A small linear operator of the tests' own: a matrix, right or with a wrong transpose."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from torch_radon import LinearOperator


class Matrix(LinearOperator):
    """Applies a matrix to flattened inputs; `wrong` is added to the matrix of the transpose."""

    def __init__(
        self,
        matrix: Tensor,
        domain_shape: Sequence[int] | None = None,
        range_shape: Sequence[int] | None = None,
        wrong: float = 0.0,
    ) -> None:
        super().__init__(domain_shape or matrix.shape[1:], range_shape or matrix.shape[:1])
        self.matrix = matrix
        self.wrong = wrong
        self.batches: list[int] = []

    def _apply_batch(self, x: Tensor) -> Tensor:
        self.batches.append(len(x))
        result = x.flatten(1) @ self.matrix.T.to(x.dtype)
        return result.reshape(len(x), *self.range_shape)

    def _adjoint_batch(self, y: Tensor) -> Tensor:
        result = y.flatten(1) @ (self.matrix + self.wrong).to(y.dtype)
        return result.reshape(len(y), *self.domain_shape)


def random_matrix(rows: int, columns: int, seed: int) -> Tensor:
    """A seeded matrix of normally distributed entries in float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64)
