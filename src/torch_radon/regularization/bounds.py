"""Bounds on the values of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from torch_radon.regularization.functions import Interval, Weight
from torch_radon.regularization.penalties import as_numbers, show
from torch_radon.regularization.regularizer import Regularizer, Term


class Box(Regularizer):
    r"""Bounds on every pixel.

    .. math:: R(x) = 0 \text{ if } a_j \le x_j \le b_j \text{ for all } j, \text{ else } \infty

    The proximal map is the projection onto the box.

    Parameters
    ----------
    lower, upper : float or Tensor
        a and b, in the image's unit, attenuation per unit of length; tensors broadcast to the
        image. A bound may be infinite.

    Raises
    ------
    TypeError
        If a bound is neither a number nor a tensor of real floating-point numbers.
    ValueError
        If a bound is NaN, or `lower` exceeds `upper` anywhere.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.regularization import Box
    >>> x = torch.tensor([[-0.5, 0.5], [1.0, 2.0]])
    >>> Box(0.0, 1.0).prox(x)
    tensor([[0.0000, 0.5000],
            [1.0000, 1.0000]])
    >>> Box(0.0, 1.0).value(x)
    tensor(inf)
    """

    def __init__(self, lower: Weight = -math.inf, upper: Weight = math.inf) -> None:
        self.lower, self.upper = as_numbers("lower", lower), as_numbers("upper", upper)
        # An equal pair pins a pixel; a NaN fails the comparison.
        low, high = (torch.as_tensor(bound).detach() for bound in (self.lower, self.upper))
        if not bool(torch.all(low.to(high.device) <= high)):
            raise ValueError(
                f"lower must not exceed upper and neither be NaN, got {show(self.lower)} and "
                f"{show(self.upper)}"
            )

    def terms(self, shape: Sequence[int]) -> tuple[Term, ...]:
        """One term, on the image itself."""
        return (Term(Interval(self.lower, self.upper, len(shape))),)

    def project(self, x: Tensor) -> Tensor:
        """The nearest image inside the bounds, with every pixel moved to the nearer bound.

        Parameters
        ----------
        x : Tensor, shape (..., H, W) or (..., D, H, W)

        Returns
        -------
        Tensor
        """
        return Interval(self.lower, self.upper, x.ndim).prox(x, 1.0)

    def __repr__(self) -> str:
        return f"Box({show(self.lower)}, {show(self.upper)})"


class NonNegative(Box):
    """No pixel below zero: attenuation is not negative.

    Examples
    --------
    >>> import torch
    >>> from torch_radon.regularization import NonNegative
    >>> NonNegative().prox(torch.tensor([[-1.0, 2.0]]))
    tensor([[0., 2.]])
    """

    def __init__(self) -> None:
        super().__init__(lower=0.0)

    def __repr__(self) -> str:
        return "NonNegative()"
