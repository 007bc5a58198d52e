"""How far projections are from the data: what `pdhg` and `admm` minimise beside a regularizer."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from torch_radon.regularization.functions import Function
from torch_radon.solvers.arithmetic import per_item
from torch_radon.solvers.distances import AbsoluteDistance, Divergence, SquaredDistance
from torch_radon.solvers.problem import Problem, check_tensor, refuse_negative

# Of the largest curvature: readings of smaller weight take steps as if they had so much.
_FAINTEST = 1e-6


class DataTerm(ABC):
    """A convex function of the projections ``A(x)``; tell a solver with ``data_term=``."""

    @abstractmethod
    def function(self, problem: Problem) -> Function:
        """Check what belongs to the term and bring it into the form of the problem's data."""

    @abstractmethod
    def curvature(self, problem: Problem) -> Tensor:
        """Roughly the second derivatives by projections, positive; broadcasts to the data.

        Solvers scale their steps with it, so that a problem in other units, or with ten times the
        weights, takes the same steps.
        """


class LeastSquares(DataTerm):
    r"""Squared differences.

    .. math:: F(z) = \frac12 \sum_i w_i (z_i - y_i)^2

    It suits normally distributed errors of variance :math:`1 / w_i`. For line integrals from N
    counted photons :math:`w = N` (see `poisson_weights`).

    Parameters
    ----------
    weights : Tensor, optional
        w, not negative, shape ``(..., *A.range_shape)``; its leading dimensions broadcast to those
        of the data. By default 1.

    Raises
    ------
    TypeError, ValueError
        By the solver, if the weights do not fit the data, are negative or not finite.

    Examples
    --------
    Readings of weight zero do not count:

    >>> import torch
    >>> import torch_radon as tr
    >>> A = tr.Projector(tr.Volume((8, 8)), tr.parallel_beam([0.0, 1.5], columns=8))
    >>> y = A(torch.ones(8, 8))
    >>> weights = torch.ones(2, 8)
    >>> weights[0, 3], y[0, 3] = 0.0, 1e3  # a dead pixel
    >>> result = tr.solvers.pdhg(A, y, iterations=200, data_term=tr.solvers.LeastSquares(weights))
    >>> (A(result.x) - 8)[0].abs().max() < 0.1
    tensor(True)
    """

    def __init__(self, weights: Tensor | None = None) -> None:
        self.weights = weights

    def function(self, problem: Problem) -> Function:
        """The sum of squares about the data."""
        return SquaredDistance(problem.y, batch_weights(problem, self.weights))

    def curvature(self, problem: Problem) -> Tensor:
        """The weights."""
        weights = batch_weights(problem, self.weights)
        return problem.y.new_ones(()) if weights is None else weights


class LeastAbsolute(DataTerm):
    r"""Magnitudes of differences, which readings that are far off do not outweigh.

    .. math:: F(z) = \sum_i w_i |z_i - y_i|

    Parameters
    ----------
    weights : Tensor, optional
        As for `LeastSquares`.

    Raises
    ------
    TypeError, ValueError
        By the solver, if the weights do not fit the data, are negative or not finite.

    References
    ----------
    M. Nikolova, "A variational approach to remove outliers and impulse noise", Journal of
    Mathematical Imaging and Vision 20, 2004.
    """

    def __init__(self, weights: Tensor | None = None) -> None:
        self.weights = weights

    def function(self, problem: Problem) -> Function:
        """The sum of magnitudes about the data."""
        return AbsoluteDistance(problem.y, batch_weights(problem, self.weights))

    def curvature(self, problem: Problem) -> Tensor:
        """The weights over the mean magnitude of the data."""
        weights = batch_weights(problem, self.weights)
        scale = _mean(problem.y.abs())
        return 1 / scale if weights is None else weights / scale


class Poisson(DataTerm):
    r"""Likelihood of counts whose expectation is linear in the image, as in emission tomography.

    .. math:: F(z) = \sum_i (z_i + b_i) - y_i + y_i \log\frac{y_i}{z_i + b_i}

    which is the generalised Kullback-Leibler divergence of data and expectation.

    Parameters
    ----------
    background : float or Tensor, default 0.0
        b, the expectation of counts that do not come from the image, not negative; a tensor has
        shape ``(..., *A.range_shape)``.

    Raises
    ------
    TypeError, ValueError
        By the solver, if the data or the background are negative or do not fit.

    References
    ----------
    E. Y. Sidky, J. H. Jorgensen and X. Pan, "Convex optimization problem prototyping for image
    reconstruction in computed tomography with the Chambolle-Pock algorithm", Physics in Medicine
    and Biology 57(10), 2012.
    """

    def __init__(self, background: float | Tensor = 0.0) -> None:
        self.background = background

    def function(self, problem: Problem) -> Function:
        """The divergence from the data."""
        refuse_negative("y", problem.y)
        background = self.background
        if isinstance(background, Tensor):
            background = problem.batch("background", background, problem.A.range_shape)
            refuse_negative("background", background)
        elif not 0 <= background < math.inf:
            raise ValueError(f"background must be finite and not negative, got {background}")
        return Divergence(problem.y, background)

    def curvature(self, problem: Problem) -> Tensor:
        """One over the mean of the data."""
        return 1 / _mean(problem.y)


def batch_weights(problem: Problem, weights: Tensor | None) -> Tensor | None:
    """Check weights of readings and bring them into the form of the data.

    Parameters
    ----------
    problem : Problem
    weights : Tensor or None

    Returns
    -------
    Tensor or None
    """
    if weights is None:
        return None
    check_tensor("weights", weights, problem.A.range_shape)
    refuse_negative("weights", weights)
    return problem.batch("weights", weights, problem.A.range_shape)


def positive_curvature(problem: Problem, term: DataTerm) -> Tensor:
    """The curvature of a data term, without zeros, so that every reading has a step.

    Parameters
    ----------
    problem : Problem
    term : DataTerm

    Returns
    -------
    Tensor, shape (N, *range)
        At least a millionth of each item's largest value, where that is not zero.
    """
    curvature = term.curvature(problem).detach().broadcast_to(problem.y.shape)
    if not curvature.numel():
        return curvature
    largest = curvature.flatten(1).amax(1)
    least = _FAINTEST * largest.masked_fill(largest <= 0, 1)
    return torch.maximum(curvature, per_item(least, curvature))


def _mean(values: Tensor) -> Tensor:
    """Mean of each item with as many axes as the item has, positive also where all is zero."""
    mean = values.detach().flatten(1).mean(1).view(-1, *(1 for _ in values.shape[1:]))
    return mean.masked_fill(mean <= 0, 1)
