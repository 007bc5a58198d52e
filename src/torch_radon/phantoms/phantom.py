"""Sums of figures: their image on a grid and their projections in closed form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from torch_radon.geometry.scan import Scan
from torch_radon.geometry.validation import as_count, as_finite, as_length, float_array
from torch_radon.geometry.volume import Volume
from torch_radon.phantoms.figures import Figure
from torch_radon.phantoms.raster import paint
from torch_radon.phantoms.rays import scan_rays

# Views are projected in blocks of about this many rays, so that the float64 temporaries of one
# figure stay in the cache.
_RAYS_PER_BLOCK = 1 << 18


@dataclass(frozen=True)
class Phantom:
    """A sum of ellipses, rectangles and their clipped parts, known exactly everywhere.

    The value at a point is the sum of the values of the figures that contain it. Positions are
    world coordinates ``(x, y)``, with y growing with the row index; values are attenuation per
    unit of length, so projections have no unit.

    Parameters
    ----------
    figures : iterable of Figure
        What the phantom is made of, as made by :func:`ellipse` and :func:`rectangle`.

    Examples
    --------
    >>> import torch_radon as tr
    >>> from torch_radon.phantoms import Phantom, ellipse
    >>> disc = Phantom([ellipse(0.02, center=(8, -5), semi_axes=(44, 44))])
    >>> image = disc.rasterize(tr.Volume((128, 128)))
    >>> sinogram = disc.project(tr.parallel_beam([0.0, 0.5], columns=181))
    >>> image.shape, sinogram.shape
    (torch.Size([128, 128]), torch.Size([2, 181]))
    >>> round(sinogram[0, 98].item(), 6)  # the ray through the disc's centre: 0.02 * 88
    1.76
    """

    figures: tuple[Figure, ...]

    def __init__(self, figures: Iterable[Figure]) -> None:
        figures = tuple(figures)
        for figure in figures:
            if not isinstance(figure, Figure):
                raise TypeError(f"figures must be Figure objects, got {type(figure).__name__}")
        object.__setattr__(self, "figures", figures)

    def __add__(self, other: Phantom) -> Phantom:
        """The sum of two phantoms."""
        if not isinstance(other, Phantom):
            return NotImplemented
        return Phantom(self.figures + other.figures)

    def __mul__(self, factor: float) -> Phantom:
        """The phantom with all its values multiplied by a number."""
        factor = as_finite("factor", factor)
        return Phantom(replace(f, value=f.value * factor) for f in self.figures)

    __rmul__ = __mul__

    def __len__(self) -> int:
        """Number of figures."""
        return len(self.figures)

    def transform(self, matrix: ArrayLike, shift: ArrayLike = (0.0, 0.0)) -> Phantom:
        """The phantom moved by ``p -> matrix p + shift``; values stay.

        Parameters
        ----------
        matrix : array_like
            Invertible, shape ``(2, 2)``, acting on ``(x, y)``.
        shift : array_like, default (0, 0)
            ``(x, y)``.

        Returns
        -------
        Phantom

        Raises
        ------
        ValueError
            If a shape is wrong, a number is not finite or `matrix` is singular.
        """
        m, s = float_array("matrix", matrix), float_array("shift", shift)
        if m.shape != (2, 2) or s.shape != (2,):
            raise ValueError(
                f"matrix must have shape (2, 2) and shift (2,), got {m.shape} and {s.shape}"
            )
        if np.linalg.det(m) == 0:
            raise ValueError(f"matrix must be invertible, got {m.tolist()}")
        return Phantom(f.transform(m, s) for f in self.figures)

    def scale(self, factor: float) -> Phantom:
        """The phantom enlarged about the world's origin by a positive factor; values stay."""
        return self.transform(np.eye(2) * as_length("factor", factor))

    def shift(self, offset: ArrayLike) -> Phantom:
        """The phantom moved by ``(x, y)``."""
        return self.transform(np.eye(2), offset)

    def rotate(self, angle: float) -> Phantom:
        """The phantom rotated about the world's origin, in radians from +x towards +y."""
        angle = as_finite("angle", angle)
        c, s = np.cos(angle), np.sin(angle)
        return self.transform([[c, -s], [s, c]])

    def evaluate(self, points: ArrayLike | Tensor) -> Tensor:
        """Values at points.

        Parameters
        ----------
        points : array_like or Tensor
            World positions ``(x, y)``, shape ``(..., 2)``.

        Returns
        -------
        Tensor
            Shape ``(...)``, float64, on the device of `points`. A figure's boundary counts as
            inside.

        Raises
        ------
        ValueError
            If the last dimension of `points` is not 2.
        """
        positions = _positions("points", points)
        total = positions.new_zeros(positions.shape[:-1])
        for figure in self.figures:
            total += figure.value * figure.contains(positions).to(total.dtype)
        return total

    def integrate(
        self,
        origin: ArrayLike | Tensor,
        direction: ArrayLike | Tensor,
        *,
        half_line: bool = False,
    ) -> Tensor:
        """Integrals along any rays, in closed form.

        ``integral of f(origin + s d / |d|) ds``, over all s or, for a half-line, over s >= 0.

        Parameters
        ----------
        origin, direction : array_like or Tensor
            World coordinates ``(x, y)``, shape ``(..., 2)``, broadcastable; on one device.
        half_line : bool, default False
            Integrate from the origin onwards only, as the rays of a source do.

        Returns
        -------
        Tensor
            Shape ``(...)``, float64.

        Raises
        ------
        ValueError
            If a last dimension is not 2 or a direction is zero.

        Examples
        --------
        >>> from torch_radon.phantoms import Phantom, rectangle
        >>> square = Phantom([rectangle(1.0, (0, 0), (2, 2))])
        >>> round(square.integrate((0, 0), (1, 1)).item(), 6)
        2.828427
        """
        o, d = _positions("origin", origin), _positions("direction", direction)
        length = torch.linalg.vector_norm(d, dim=-1, keepdim=True)
        if bool((length == 0).any()):
            raise ValueError("direction must not contain the zero vector")
        return self._integrate_unit(o, d / length, half_line)

    def project(
        self,
        scan: Scan,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """The scan's projections of the phantom: exact line integrals, one ray a column.

        Each value is the integral along the line from the source (from infinity for a parallel
        beam) through the centre of the detector pixel; nothing is discretised.

        Parameters
        ----------
        scan : Scan
            Any two-dimensional scan: parallel or fan, flat or curved, oblique, offset.
        dtype : torch.dtype, default torch.float32
            Type of the result; all arithmetic is float64.
        device : torch.device or str, optional
            Where to compute and return the result; the CPU by default.

        Returns
        -------
        Tensor
            Sinogram of shape ``(views, columns)``.

        Raises
        ------
        TypeError
            If `scan` is not a `Scan`.

        Examples
        --------
        >>> import torch_radon as tr
        >>> scan = tr.parallel_beam([0.0, 0.1], columns=5, spacing=0.5)
        >>> tr.phantoms.shepp_logan().project(scan).shape
        torch.Size([2, 5])
        """
        if not isinstance(scan, Scan):
            raise TypeError(f"scan must be a torch_radon Scan, got {type(scan).__name__}")
        result = torch.empty(scan.shape, dtype=dtype, device=device)
        step = max(1, _RAYS_PER_BLOCK // scan.columns)
        origin, direction = scan_rays(scan)
        for start in range(0, scan.views, step):
            views = slice(start, start + step)
            o = torch.as_tensor(np.ascontiguousarray(origin[views]), device=device)
            d = torch.as_tensor(np.ascontiguousarray(direction[views]), device=device)
            result[views] = self._integrate_unit(o, d, scan.beam == "fan").to(dtype)
        return result

    def rasterize(
        self,
        volume: Volume,
        supersampling: int = 8,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """The phantom's image on a grid.

        Parameters
        ----------
        volume : Volume
            Two-dimensional grid of any shape, spacing and centre.
        supersampling : int, default 8
            1 takes the value at each pixel's centre. A larger number s gives the mean over the
            pixel, which is what the projections see: the mean over s lines along x, evenly
            spaced across the pixel, along each of which the covered length is exact.
        dtype : torch.dtype, default torch.float32
            Type of the result; all arithmetic is float64.
        device : torch.device or str, optional
            Where to compute and return the result; the CPU by default.

        Returns
        -------
        Tensor
            Image of shape ``(H, W)``.

        Raises
        ------
        TypeError
            If `volume` is not a `Volume` or `supersampling` not an integer.
        ValueError
            If `volume` has three axes or `supersampling` is below 1.

        Examples
        --------
        >>> import torch_radon as tr
        >>> volume = tr.Volume((4, 4), spacing=0.5)
        >>> tr.phantoms.shepp_logan().rasterize(volume).shape
        torch.Size([4, 4])
        """
        if not isinstance(volume, Volume):
            raise TypeError(f"volume must be a torch_radon Volume, got {type(volume).__name__}")
        if volume.ndim != 2:
            raise ValueError(f"volume must have shape (H, W), got {volume.shape}")
        lines = as_count("supersampling", supersampling)
        image = torch.zeros(volume.shape, dtype=torch.float64, device=device)
        for figure in self.figures:
            paint(image, figure, volume, lines)
        return image.to(dtype)

    def _integrate_unit(self, origin: Tensor, direction: Tensor, half_line: bool) -> Tensor:
        shape = torch.broadcast_shapes(origin.shape, direction.shape)[:-1]
        total = origin.new_zeros(shape)
        for figure in self.figures:
            lower, upper = figure.interval(origin, direction)
            if half_line:
                lower = lower.clamp_min(0.0)
            total += figure.value * (upper - lower).clamp_min(0.0)
        return total


def _positions(name: str, value: ArrayLike | Tensor) -> Tensor:
    """Return a float64 tensor of shape ``(..., 2)``."""
    if isinstance(value, Tensor):
        tensor = value.to(torch.float64)
    else:
        tensor = torch.from_numpy(float_array(name, value))
    if tensor.ndim < 1 or tensor.shape[-1] != 2:
        raise ValueError(f"{name} must have shape (..., 2), got {tuple(tensor.shape)}")
    return tensor
