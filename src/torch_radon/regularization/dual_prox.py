"""Proximal maps of regularizers with analysis operators, by the dual problem."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torch_radon.linear import operator_norm
from torch_radon.regularization.functions import Step
from torch_radon.regularization.regularizer import Term, split

Duals = tuple[Tensor, ...]


class DualProx:
    r"""The proximal map of a regularizer :math:`g_0(u) + \sum_i g_i(K_i u)`.

    The dual problem is solved by accelerated projected gradients: with
    :math:`u(p) = \mathrm{prox}_{t g_0}(v - t \sum_i K_i^T p_i)`,

    .. math:: p_i \leftarrow \mathrm{prox}_{s_i g_i^*}(\bar p_i + s_i K_i u(\bar p)), \qquad
              s_i = \frac{1}{t\, n\, \|K_i\|^2}

    for n operators, and :math:`\bar p` the usual extrapolation of p.

    Parameters
    ----------
    terms : sequence of Term
        Of the regularizer.
    axes : int
        Of one image.
    device : torch.device
        Where the images are.
    """

    def __init__(self, terms: Sequence[Term], axes: int, device: torch.device) -> None:
        self.axes = axes
        self.direct, self.terms = split(terms, axes)
        # Modules, made once and not once an iteration.
        self.transposes = [None if t.operator is None else t.operator.T for t in self.terms]
        # An operator that maps everything to zero takes any step.
        self.squared_norms = [
            1.0 if t.operator is None else operator_norm(t.operator, device=device) ** 2 or 1.0
            for t in self.terms
        ]

    def start(self, x: Tensor) -> Duals:
        """Dual variables to start from, zero."""
        lead = x.shape[: x.ndim - self.axes]
        shapes = [
            x.shape if term.operator is None else (*lead, *term.operator.range_shape)
            for term in self.terms
        ]
        return tuple(x.new_zeros(shape) for shape in shapes)

    def solve(self, x: Tensor, step: Step, iterations: int) -> Tensor:
        """The proximal map at `x`."""
        return self.advance(x, step, self.start(x), iterations)[0]

    def advance(self, x: Tensor, step: Step, duals: Duals, iterations: int) -> tuple[Tensor, Duals]:
        """Iterate from given dual variables, and return the map at `x` with the last ones.

        Parameters
        ----------
        x : Tensor, shape (..., *domain_shape)
        step : float or Tensor
            A tensor has the shape of the leading dimensions, one step an item.
        duals : tuple of Tensor
            From `start` or from the last call.
        iterations : int

        Returns
        -------
        image : Tensor
        duals : tuple of Tensor
        """
        if not self.terms:
            return self._image(x, step, duals), duals
        extrapolated, t = duals, 1.0
        for k in range(iterations):
            u = self._image(x, step, extrapolated)
            after = tuple(self._ascend(i, p, u, step) for i, p in enumerate(extrapolated))
            t_next = (1 + math.sqrt(1 + 4 * t * t)) / 2
            if k + 1 < iterations:
                momentum = (t - 1) / t_next
                extrapolated = tuple(
                    torch.lerp(before, p, 1 + momentum)
                    for before, p in zip(duals, after, strict=True)
                )
            duals, t = after, t_next
        return self._image(x, step, duals), duals

    def _image(self, x: Tensor, step: Step, duals: Duals) -> Tensor:
        step = _spread(step, self.axes)
        for transpose, p in zip(self.transposes, duals, strict=True):
            x = x - step * (p if transpose is None else transpose(p))
        return x if self.direct is None else self.direct.prox(x, step)

    def _ascend(self, i: int, p: Tensor, u: Tensor, step: Step) -> Tensor:
        term = self.terms[i]
        z = u if term.operator is None else term.operator(u)
        ascent = 1 / (_spread(step, term.function.axes) * len(self.terms) * self.squared_norms[i])
        return term.function.ascend(p, z, ascent)


def _spread(step: Step, axes: int) -> Step:
    """Give a step an item as many axes as the items have."""
    return step[(..., *(None,) * axes)] if isinstance(step, Tensor) else step
