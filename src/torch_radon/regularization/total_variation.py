"""Total variation."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from torch_radon.geometry.validation import as_length
from torch_radon.linear import Gradient
from torch_radon.regularization.functions import Absolute, GroupNorms, Weight
from torch_radon.regularization.penalties import as_weight, show
from torch_radon.regularization.regularizer import Regularizer, Term


class TV(Regularizer):
    r"""Total variation: flat regions with sharp edges, in two and three dimensions.

    .. math:: R(x) = \sum_j w_j \Bigl(\sum_a (D_a x)_j^2\Bigr)^{1/2} \text{ (isotropic)},
              \qquad
              R(x) = \sum_j w_j \sum_a |(D_a x)_j| \text{ (anisotropic)}

    with differences :math:`D_a` to the next pixel along each axis, as `Gradient` forms them. Edges
    across the image's border do not count.

    Parameters
    ----------
    weight : float or Tensor
        w, not negative: one number, or one a pixel, of shape ``(..., H, W)`` or ``(..., D, H, W)``.
        The larger the flatter. It is measured in squared data over attenuation: for least squares
        on line integrals in units of length.
    isotropic : bool, default True
        Whether edges cost their length in any direction, or that of their shadows on the axes,
        which favours edges along the axes.
    spacing : float or sequence of float, default 1.0
        By which differences along each axis are divided, in the order of the axes. Only ratios
        matter, beside the weight; set them where voxels are not cubes.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If a weight is negative or not finite, or a spacing not positive.

    References
    ----------
    .. [1] L. I. Rudin, S. Osher and E. Fatemi, "Nonlinear total variation based noise removal
       algorithms", Physica D 60, 1992.
    .. [2] E. Y. Sidky and X. Pan, "Image reconstruction in circular cone-beam computed tomography
       by constrained, total-variation minimization", Physics in Medicine and Biology 53(17), 2008.

    Examples
    --------
    A square of 3 by 3 pixels has 12 sides; where two of them meet after the last pixel, isotropic
    variation counts their diagonal.

    >>> import torch
    >>> from torch_radon.regularization import TV
    >>> x = torch.zeros(6, 6)
    >>> x[1:4, 1:4] = 1.0
    >>> TV(0.5, isotropic=False).value(x)
    tensor(6.)
    >>> TV(0.5).value(x)
    tensor(5.7071)
    """

    def __init__(
        self,
        weight: Weight,
        *,
        isotropic: bool = True,
        spacing: float | Sequence[float] = 1.0,
    ) -> None:
        self.weight = as_weight("weight", weight)
        self.isotropic = bool(isotropic)
        if isinstance(spacing, Sequence):
            self.spacing: float | tuple[float, ...] = tuple(
                as_length("spacing", length) for length in spacing
            )
        else:
            self.spacing = as_length("spacing", spacing)

    def terms(self, shape: Sequence[int]) -> tuple[Term, ...]:
        """One term, on the gradient."""
        axes = len(shape)
        gradient = Gradient(shape, self.spacing)
        weight = self.weight
        if isinstance(weight, Tensor) and weight.ndim > axes:
            # The components of the gradient come between batch and image.
            weight = weight.unsqueeze(-axes - 1)
        components = -axes - 1
        if self.isotropic:
            return (Term(GroupNorms(weight, [components], axes + 1), gradient),)
        return (Term(Absolute(weight, axes + 1), gradient),)

    def __repr__(self) -> str:
        kind = "" if self.isotropic else ", isotropic=False"
        spacing = "" if self.spacing == 1.0 else f", spacing={self.spacing}"
        return f"TV({show(self.weight)}{kind}{spacing})"
