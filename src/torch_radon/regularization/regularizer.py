"""What solvers minimise beside the data term: sums of functions of analysis operators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from torch_radon.geometry.validation import as_count, as_length
from torch_radon.linear import LinearOperator
from torch_radon.regularization.functions import Function, Pointwise


@dataclass(frozen=True)
class Term:
    """The function ``x -> function(operator(x))``.

    Parameters
    ----------
    function : Function
    operator : LinearOperator or None
        None is the identity.
    """

    function: Function
    operator: LinearOperator | None = None

    def value(self, x: Tensor) -> Tensor:
        """The term at `x`, one number for each leading index."""
        return self.function.value(x if self.operator is None else self.operator(x))


class Regularizer(ABC):
    r"""A convex function of images, :math:`R(x) = \sum_i g_i(K_i x)`.

    Solvers take it apart into its terms (see `terms`), and so may you. Regularizers add up:
    ``TV(0.01) + NonNegative()`` is one as well. All of them are sums over pixels, without the area
    of a pixel, so that a weight belongs to a pixel size.
    """

    @abstractmethod
    def terms(self, shape: Sequence[int]) -> tuple[Term, ...]:
        """The functions and analysis operators for images of a shape.

        Parameters
        ----------
        shape : sequence of int
            Of one image or volume, without batch.

        Returns
        -------
        tuple of Term
        """

    def value(self, x: Tensor, axes: int = 2) -> Tensor:
        """Evaluate the function.

        Parameters
        ----------
        x : Tensor, shape (..., H, W) or, with ``axes=3``, (..., D, H, W)
        axes : int, default 2
            Number of trailing axes that belong to one image.

        Returns
        -------
        Tensor
            One number an image, of shape ``(...)``; infinite outside a constraint.

        Raises
        ------
        ValueError
            If `x` has fewer axes, or an operator does not take its shape.
        """
        total = x.new_zeros(x.shape[: x.ndim - _axes(x, axes)])
        for term in self.terms(x.shape[x.ndim - axes :]):
            total = total + term.value(x)
        return total

    def prox(self, x: Tensor, step: float = 1.0, axes: int = 2, iterations: int = 100) -> Tensor:
        r"""Apply the proximal map, which is denoising with the regularizer.

        .. math:: \operatorname*{argmin}_u\; R(u) + \frac{1}{2 t} \|u - x\|^2

        Terms without an analysis operator are applied in closed form. With operators the dual
        problem is solved by accelerated projected gradients [1]_, every step of which is one
        application of each operator and of its transpose.

        Parameters
        ----------
        x : Tensor, shape (..., H, W) or, with ``axes=3``, (..., D, H, W)
        step : float, default 1.0
            The step t.
        axes : int, default 2
            Number of trailing axes that belong to one image.
        iterations : int, default 100
            Of the dual problem, where there is one.

        Returns
        -------
        Tensor
            Shape, type and device of `x`. Differentiable.

        Raises
        ------
        ValueError
            If `x` has fewer axes, an operator does not take its shape, or a number is not positive.

        References
        ----------
        .. [1] A. Beck and M. Teboulle, "Fast gradient-based algorithms for constrained total
           variation image denoising and deblurring problems", IEEE Transactions on Image
           Processing 18(11), 2009.
        """
        # Here, for it is made of terms itself.
        from torch_radon.regularization.dual_prox import DualProx

        shape = tuple(x.shape[x.ndim - _axes(x, axes) :])
        size, count = as_length("step", step), as_count("iterations", iterations)
        return DualProx(self.terms(shape), axes, x.device).solve(x, size, count)

    def __add__(self, other: Regularizer) -> Regularizer:
        """The sum of two regularizers."""
        if not isinstance(other, Regularizer):
            return NotImplemented
        return Sum((self, other))


class Sum(Regularizer):
    """The sum of regularizers, made by ``+``.

    Parameters
    ----------
    parts : sequence of Regularizer
    """

    def __init__(self, parts: Sequence[Regularizer]) -> None:
        self.parts = tuple(parts)

    def terms(self, shape: Sequence[int]) -> tuple[Term, ...]:
        """The terms of all parts."""
        return tuple(term for part in self.parts for term in part.terms(shape))

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.parts))


def split(
    terms: Sequence[Term], axes: int, *, pointwise: bool = False
) -> tuple[Function | None, tuple[Term, ...]]:
    """Separate what has a proximal map in closed form from what needs a dual variable.

    Parameters
    ----------
    terms : sequence of Term
    axes : int
        Number of axes of an image.
    pointwise : bool, default False
        Whether the map is wanted with a step of its own at each pixel, which norms of groups do
        not allow.

    Returns
    -------
    direct : Function or None
        One function of the image itself, the sum of all terms that allow this.
    dual : tuple of Term
        The others.
    """
    bare = [term.function for term in terms if term.operator is None]
    simple = [function for function in bare if isinstance(function, Pointwise.KINDS)]
    grouped = [function for function in bare if not isinstance(function, Pointwise.KINDS)]
    direct: Function | None = None
    if simple:
        direct = simple[0] if len(simple) == 1 else Pointwise(simple, axes)
    elif grouped and not pointwise:
        direct = grouped.pop()
    dual = [term for term in terms if term.operator is not None]
    return direct, (*dual, *(Term(function) for function in grouped))


def _axes(x: Tensor, axes: int) -> int:
    if x.ndim < as_count("axes", axes):
        raise ValueError(f"x must have at least axes = {axes} axes, got shape {tuple(x.shape)}")
    return axes
