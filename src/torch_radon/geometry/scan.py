"""The rays that were measured: one canonical form for every two-dimensional scanner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from torch_radon.geometry.validation import as_count, as_finite, float_array, per_view

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from torch_radon.geometry.volume import Volume

Beam = Literal["parallel", "fan"]

# Sines between a view's ray and its detector below this count as zero: such a detector is seen
# edge-on and its columns cannot be told apart.
_EDGE_ON = 1e-9


class Scan:
    """The views of a two-dimensional scan in canonical form, immutable.

    Per view the canonical form holds, in world coordinates and float64,

    - the ray direction of a parallel beam, or the position of the source of a fan beam,
    - the detector's centre,
    - the step ``u`` from one detector column to the next,
    - for a curved detector the radius of its arc, whose centre is the source.

    Column ``c`` of ``n`` lies ``k = c - (n - 1) / 2`` steps from the detector's centre: at
    ``centre + k * u`` on a flat detector; on a curved one at the arc length ``k * |u|`` along
    the arc that touches ``u`` at the detector's centre.

    Scans are made by `parallel_beam`, `fan_beam`, `Scan.from_vectors` or `Scan.from_astra`. They
    compare by value, are hashable, can be sliced along the views (``scan[::2]``), and their
    ``repr`` rebuilds them.

    Examples
    --------
    >>> import numpy as np
    >>> from torch_radon import parallel_beam
    >>> scan = parallel_beam(np.linspace(0, np.pi, 180, endpoint=False), columns=64)
    >>> print(scan)
    parallel beam, 180 views of 64 columns, angles 0 to 179 degrees, column spacing 1
    >>> scan[::2].shape
    (90, 64)
    """

    __slots__ = ("_beam", "_columns", "_hash", "_radius", "_vectors")

    _beam: Beam
    _columns: int
    _hash: int
    _radius: NDArray[np.float64] | None
    _vectors: NDArray[np.float64]

    def __init__(self) -> None:
        raise TypeError(
            "Scan has no public constructor: use parallel_beam, fan_beam, Scan.from_vectors or "
            "Scan.from_astra"
        )

    @classmethod
    def from_vectors(
        cls,
        vectors: ArrayLike,
        columns: int,
        beam: Beam = "parallel",
        radius: ArrayLike | None = None,
    ) -> Scan:
        """Make a scan from its canonical form.

        Parameters
        ----------
        vectors : array_like, shape (views, 6)
            One row a view in world units: ``(ray_x, ray_y, center_x, center_y, u_x, u_y)`` for
            a parallel beam, ``(source_x, source_y, center_x, center_y, u_x, u_y)`` for a fan.
            The length of a ray direction is immaterial.
        columns : int
            Number of detector columns.
        beam : {"parallel", "fan"}
            What the first two numbers of a row mean.
        radius : float or array_like, shape (views,), optional
            Radius of a curved detector's arc; it must equal the distance from the source to the
            detector's centre, and `u` must be tangential there. Omitted: the detector is flat.

        Returns
        -------
        Scan

        Raises
        ------
        TypeError
            If an argument is not made of numbers.
        ValueError
            If a shape is wrong, a number is not finite, a vector has no length, a fan's detector
            is seen edge-on, or a curved detector is not centred on its source.

        Examples
        --------
        >>> Scan.from_vectors([[0, 1, 0, 5, 1, 0]], columns=3).angles
        array([0.])
        """
        array = float_array("vectors", vectors)
        if array.ndim != 2 or array.shape[1] != 6:
            raise ValueError(
                "vectors must have shape (views, 6), one row (ray or source, detector centre, u) "
                f"a view, got shape {array.shape}"
            )
        if len(array) == 0:
            raise ValueError("vectors must hold at least one view, got none")
        if beam not in get_args(Beam):
            raise ValueError(f"beam must be 'parallel' or 'fan', got {beam!r}")
        arc = None if radius is None else per_view("radius", radius, len(array)).copy()
        count = as_count("columns", columns)
        _check_vectors(array, count, beam, arc)
        return cls._make(array, count, beam, arc)

    @classmethod
    def from_astra(cls, proj_geom: dict[str, Any]) -> Scan:
        """Make a scan from an ASTRA Toolbox 2D projection geometry.

        ASTRA's types ``parallel``, ``parallel_vec``, ``fanflat`` and ``fanflat_vec`` are
        understood. The numbers are taken over as they stand, so the y axis points where it does
        in ASTRA, *against* the row index of ASTRA's 2D arrays: flip such an image along its
        rows (``image.flip(-2)``) before it is projected with this scan.

        Parameters
        ----------
        proj_geom : dict
            What ``astra.create_proj_geom`` returns.

        Returns
        -------
        Scan

        Raises
        ------
        ValueError
            If the type is not one of these, or a key that the type needs is missing.

        Examples
        --------
        >>> geometry = {"type": "parallel", "DetectorWidth": 1.0, "DetectorCount": 8,
        ...             "ProjectionAngles": [0.0, 0.5]}
        >>> Scan.from_astra(geometry).shape
        (2, 8)
        """
        from torch_radon.geometry.astra import scan_from_astra

        return scan_from_astra(proj_geom)

    @classmethod
    def _make(
        cls,
        vectors: NDArray[np.float64],
        columns: int,
        beam: Beam,
        radius: NDArray[np.float64] | None,
    ) -> Scan:
        scan = object.__new__(cls)
        vectors.setflags(write=False)
        if radius is not None:
            radius.setflags(write=False)
        scan._vectors, scan._columns, scan._beam, scan._radius = vectors, columns, beam, radius
        arc = b"" if radius is None else radius.tobytes()
        # Adding zero makes -0.0 and 0.0, which compare equal, hash alike.
        scan._hash = hash(((vectors + 0.0).tobytes(), arc, columns, beam))
        return scan

    def to_vectors(self) -> NDArray[np.float64]:
        """Return a copy of the canonical form, ``(views, 6)`` in float64 (see `from_vectors`)."""
        return self._vectors.copy()

    @property
    def beam(self) -> Beam:
        """``"parallel"`` or ``"fan"``."""
        return self._beam

    @property
    def columns(self) -> int:
        """Number of detector columns."""
        return self._columns

    @property
    def views(self) -> int:
        """Number of views."""
        return len(self._vectors)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of a sinogram: ``(views, columns)``."""
        return (self.views, self.columns)

    @property
    def radius(self) -> NDArray[np.float64] | None:
        """Radius of the curved detector's arc, one a view; None if the detector is flat."""
        return None if self._radius is None else self._radius.copy()

    @property
    def rays(self) -> NDArray[np.float64]:
        """Unit direction from the source to the detector's centre, ``(views, 2)`` as (x, y)."""
        first, center = self._vectors[:, 0:2], self._vectors[:, 2:4]
        directions = first if self._beam == "parallel" else center - first
        return directions / np.linalg.norm(directions, axis=1, keepdims=True)

    @property
    def angles(self) -> NDArray[np.float64]:
        """Angle of each view in radians, in ``[0, 2 pi)``.

        The angle ``t`` of a view is that of its central ray, ``(-sin t, cos t)``. A fan whose
        detector or axis is offset has its central ray turned a little from the angle that was
        given to the constructor: the ray to the middle of the detector.
        """
        rays = self.rays
        angles = np.mod(np.arctan2(-rays[:, 0], rays[:, 1]), 2 * np.pi)
        # A tiny negative angle is rounded up to 2 pi itself by mod.
        return np.where(angles < 2 * np.pi, angles, 0.0)

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Distance between neighbouring columns on the detector, one a view, in world units."""
        return np.linalg.norm(self._vectors[:, 4:6], axis=1)

    def shift(self, displacement: ArrayLike) -> Scan:
        """Move sources and detectors.

        Parameters
        ----------
        displacement : array_like, shape (2,) or (views, 2)
            World vector ``(x, y)``, the same for all views or one a view.

        Returns
        -------
        Scan
        """
        move = float_array("displacement", displacement)
        if move.shape not in ((2,), (self.views, 2)):
            raise ValueError(
                f"displacement must have shape (2,) or ({self.views}, 2), got {move.shape}"
            )
        vectors = self._vectors.copy()
        vectors[:, 2:4] += move
        if self._beam == "fan":
            vectors[:, 0:2] += move
        return self._make(vectors, self._columns, self._beam, self._radius)

    def rotate(self, angle: float) -> Scan:
        """Turn the whole scanner about the origin.

        Parameters
        ----------
        angle : float
            Radians, positive from x towards y, so that `angles` grow by it.

        Returns
        -------
        Scan
        """
        t = as_finite("angle", angle)
        turn = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
        vectors = (self._vectors.reshape(-1, 3, 2) @ turn).reshape(-1, 6)
        return self._make(vectors, self._columns, self._beam, self._radius)

    def draw(
        self, volume: Volume | None = None, ax: Axes | None = None, *, views: int = 12
    ) -> Axes:
        """Draw sources, detectors, rays and volume with matplotlib.

        Parameters
        ----------
        volume : Volume, optional
            The image grid, drawn as its outline.
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.
        views : int, default 12
            How many views to draw, spread evenly over the scan; the first has its outermost
            and central rays drawn.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from torch_radon.geometry.drawing import draw_scan

        return draw_scan(self, volume, ax, as_count("views", views))

    def __len__(self) -> int:
        return self.views

    def __getitem__(self, index: Any) -> Scan:
        """Select views with anything that indexes a NumPy axis and keeps at least one view."""
        chosen = np.atleast_1d(np.arange(self.views)[index])
        if chosen.ndim != 1:
            raise IndexError(f"a scan has one axis of views, got the index {index!r}")
        if len(chosen) == 0:
            raise IndexError(f"a scan needs at least one view, {index!r} selects none")
        radius = None if self._radius is None else self._radius[chosen]
        return self._make(self._vectors[chosen], self._columns, self._beam, radius)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scan):
            return NotImplemented
        if (self._beam, self._columns) != (other._beam, other._columns):
            return False
        if (self._radius is None) != (other._radius is None):
            return False
        same_arc = self._radius is None or np.array_equal(self._radius, other._radius)  # type: ignore[arg-type]
        return bool(same_arc) and np.array_equal(self._vectors, other._vectors)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return (Scan._make, (self._vectors, self._columns, self._beam, self._radius))

    def __repr__(self) -> str:
        radius = "" if self._radius is None else f", radius={self._radius.tolist()}"
        rows = self._vectors.tolist()
        return f"Scan.from_vectors({rows}, columns={self.columns}, beam={self.beam!r}{radius})"

    def __str__(self) -> str:
        degrees = np.rad2deg(self.angles)
        views = "1 view" if self.views == 1 else f"{self.views} views"
        span = (
            f"angle {degrees[0]:.4g} degrees"
            if self.views == 1
            else f"angles {degrees[0]:.4g} to {degrees[-1]:.4g} degrees"
        )
        curved = "" if self._radius is None else ", curved detector"
        return (
            f"{self.beam} beam, {views} of {self.columns} columns, {span}, "
            f"column spacing {self.spacing[0]:.4g}{curved}"
        )


def _check_vectors(
    vectors: NDArray[np.float64], columns: int, beam: Beam, radius: NDArray[np.float64] | None
) -> None:
    first, center, u = vectors[:, 0:2], vectors[:, 2:4], vectors[:, 4:6]
    ray = first if beam == "parallel" else center - first
    name = "ray direction" if beam == "parallel" else "line from source to detector centre"
    length, step = np.linalg.norm(ray, axis=1), np.linalg.norm(u, axis=1)
    for what, size in ((name, length), ("u step", step)):
        if not size.all():
            raise ValueError(f"vectors: the {what} of view {int(np.argmin(size))} has no length")
    if beam == "parallel":
        if radius is not None:
            raise ValueError("radius is for a fan beam's curved detector, got beam='parallel'")
        return
    ray, tangent = ray / length[:, None], u / step[:, None]
    sine = np.abs(ray[:, 0] * tangent[:, 1] - ray[:, 1] * tangent[:, 0])
    if (sine < _EDGE_ON).any():
        view = int(np.argmin(sine))
        raise ValueError(f"vectors: the source of view {view} lies in the line of its detector")
    if radius is None:
        return
    off_center = np.abs(radius - length) > 1e-6 * length
    if off_center.any():
        view = int(np.argmax(off_center))
        raise ValueError(
            "radius must equal the distance from the source to the detector's centre, the arc's "
            f"centre being the source: view {view} has radius {radius[view]} and distance "
            f"{length[view]}"
        )
    if (np.abs((ray * tangent).sum(axis=1)) > 1e-6).any():
        raise ValueError("vectors: the u step of a curved detector must be tangential to its arc")
    if (columns * step > 2 * np.pi * radius).any():
        view = int(np.argmax(columns * step / radius))
        raise ValueError(
            f"columns: {columns} columns of {step[view]} go more than once around the curved "
            f"detector's circle of radius {radius[view]}"
        )
