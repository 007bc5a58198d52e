"""The algorithms of ``torch-radon reconstruct``: which there are, and their options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from torch import Tensor

from torch_radon import solvers
from torch_radon.analytic.fbp import fbp
from torch_radon.cli import analytic_options
from torch_radon.cli.text import plural
from torch_radon.projectors import Projector
from torch_radon.regularization import TV, NonNegative

Command = TypeVar("Command", bound=Callable[..., Any])
Live = Callable[[int, Tensor, Tensor], object]


@dataclass(frozen=True)
class _Method:
    """An iterative method.

    Parameters
    ----------
    solve : callable
        ``solve(A, y, **arguments)`` returns a `Result`.
    iterations : int
        By default.
    options : tuple of str
        Those of `_OPTIONS` that it takes, besides the number of iterations.
    counts : bool
        Whether its data must not be negative.
    """

    solve: Callable[..., solvers.Result]
    iterations: int
    options: tuple[str, ...]
    counts: bool = False


_METHODS = {
    "landweber": _Method(solvers.landweber, 100, ("non_negative",)),
    "cgls": _Method(solvers.cgls, 20, ("damping",)),
    "sirt": _Method(solvers.sirt, 100, ("relaxation", "non_negative")),
    "sart": _Method(solvers.sart, 5, ("relaxation", "non_negative")),
    "os-sart": _Method(solvers.os_sart, 10, ("subsets", "relaxation", "non_negative")),
    "mlem": _Method(solvers.mlem, 50, (), counts=True),
    "osem": _Method(solvers.osem, 5, ("subsets",), counts=True),
    "tv": _Method(solvers.pdhg, 200, ("weight", "non_negative")),
}
METHODS = ("fbp", *_METHODS)
"""Names that ``--method`` accepts."""

_OPTIONS = {
    "iterations": click.option(
        "--iterations",
        type=click.IntRange(1),
        help="How many, a sweep over all views being one; default: "
        + ", ".join(f"{name} {method.iterations}" for name, method in _METHODS.items())
        + ".",
    ),
    "tolerance": click.option(
        "--tolerance",
        type=click.FloatRange(0),
        help="Stop a slice earlier, when its relative residual is at most this.",
    ),
    "subsets": click.option(
        "--subsets",
        type=click.IntRange(1),
        help="Parts of the views that each make an update (os-sart, osem); default: 10.",
    ),
    "relaxation": click.option(
        "--relaxation",
        type=click.FloatRange(0, 2, min_open=True, max_open=True),
        help="Factor of every update (sirt, sart, os-sart); default: 1.",
    ),
    "damping": click.option(
        "--damping",
        type=click.FloatRange(0),
        help="Keep the image small, by this factor (cgls); default: 0.",
    ),
    "weight": click.option(
        "--weight",
        type=click.FloatRange(0),
        help="Of total variation, in the unit of lengths (tv): the larger the flatter; default: "
        "0.1 pixels.",
    ),
    "non_negative": click.option(
        "--non-negative",
        is_flag=True,
        default=None,
        help="Allow no negative attenuation (landweber, sirt, sart, os-sart, tv; mlem and osem "
        "never do).",
    ),
}
_EVERYWHERE = ("iterations", "tolerance")
_DEFAULT_WEIGHT = 0.1


def algorithm_options(command: Command) -> Command:
    """Add ``--method`` and the options of all methods."""
    for option in reversed(_OPTIONS.values()):
        command = option(command)
    command = analytic_options.analytic_options(command)
    return click.option(
        "--method",
        type=click.Choice(METHODS),
        default="fbp",
        show_default=True,
        help="Algorithm: filtered backprojection, or iterations; tv is least squares with total "
        "variation.",
    )(command)


@dataclass(frozen=True)
class Algorithm:
    """A method with its options.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    options : dict
        Keywords of `fbp`, or options of the iterative method by their names on the command line.
    """

    method: str
    options: dict[str, Any]

    def reconstruct(
        self, A: Projector, y: Tensor, live: Live | None
    ) -> tuple[Tensor, Tensor | None]:
        """Reconstruct sinograms.

        Parameters
        ----------
        A : Projector
        y : Tensor, shape (..., views, columns)
        live : callable, optional
            Called after each iteration with its number, the images and their residuals.

        Returns
        -------
        images : Tensor
        residuals : Tensor or None
            The last of each slice; None if nothing is iterated.
        """
        if self.method == "fbp":
            return fbp(A, y, **self.options), None
        method = _METHODS[self.method]
        given = dict(self.options)
        if given.pop("non_negative", False):
            given["constraint"] = NonNegative()
        if "weight" in given:
            given["regularizer"] = TV(given.pop("weight"))
        if method.counts:
            # Where nothing is in the way, noise makes line integrals negative.
            y = y.clamp_min(0)
        result = method.solve(A, y, callback=live, check_every=10, **given)
        return result.x, result.residuals[-1]

    def describe(self) -> str:
        """Say what is done.

        Returns
        -------
        str

        Examples
        --------
        >>> from torch_radon.cli.algorithms import Algorithm
        >>> Algorithm("sirt", {"iterations": 50, "non_negative": True}).describe()
        'sirt, 50 iterations, non-negative'
        """
        if self.method == "fbp":
            return analytic_options.describe(self.options)
        given = dict(self.options)
        parts = [self.method, plural(given.pop("iterations"), "iteration")]
        if given.pop("non_negative", False):
            parts.append("non-negative")
        return ", ".join([*parts, *(f"{name} {value:g}" for name, value in given.items())])

    @property
    def readings_held(self) -> int:
        """How many times a block's readings are in memory at once."""
        if self.method != "fbp":
            # Sinogram, its residual, a dual variable and what is made of them.
            return 8
        finer = 1 if self.options["interpolation"] == "linear" else self.options["upsampling"]
        # Counts, transmission and sinogram, then four padded spectra.
        return 3 + 8 * finer

    @property
    def images_held(self) -> int:
        """How many times a block's images are in memory at once."""
        return {"fbp": 2, "tv": 16}.get(self.method, 6)


def algorithm_of(method: str, given: dict[str, Any], pixel: float) -> Algorithm:
    """Collect the options of a method.

    Parameters
    ----------
    method : str
    given : dict
        All options of the command.
    pixel : float
        Side of a pixel of the image, the unit of the default weight of total variation.

    Returns
    -------
    Algorithm

    Raises
    ------
    click.UsageError
        If an option was given that the method does not take.
    """
    taken: tuple[str, ...] = analytic_options.NAMES
    if method != "fbp":
        taken = (*_EVERYWHERE, *_METHODS[method].options)
    source = click.get_current_context().get_parameter_source
    for name in (*analytic_options.NAMES, *_OPTIONS):
        if name not in taken and source(name) is not ParameterSource.DEFAULT:
            raise click.BadParameter(
                f"--method {method} does not take it", param_hint=f"'--{name.replace('_', '-')}'"
            )
    options = {name: given[name] for name in taken}
    if method == "fbp":
        return Algorithm(method, options)
    options = {name: value for name, value in options.items() if value is not None}
    options.setdefault("iterations", _METHODS[method].iterations)
    if method == "tv":
        options.setdefault("weight", _DEFAULT_WEIGHT * pixel)
    return Algorithm(method, options)
