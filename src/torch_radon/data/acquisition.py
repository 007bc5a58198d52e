"""How a scan was taken, as far as a file of it can say: beam, distances, pixel size."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from torch_radon.data.center import axis_offset
from torch_radon.data.errors import DataError
from torch_radon.geometry.beams import fan_beam, parallel_beam
from torch_radon.geometry.scan import Scan
from torch_radon.geometry.validation import as_finite, as_length

BEAMS = ("parallel", "fan")


@dataclass(frozen=True)
class Acquisition:
    """The geometry of a scanner, without angles and columns.

    All lengths are in one unit.

    Parameters
    ----------
    beam : {"parallel", "fan"}, default "parallel"
        Whether rays are parallel or come from a point.
    pixel_size : float, default 1.0
        Distance between neighbouring columns on the detector; arc length on a curved one.
    source_distance : float, optional
        From the source to the rotation axis; for a fan, and only there.
    detector_distance : float, optional
        From the rotation axis to the detector; for a fan, and only there.
    curved : bool, default False
        Whether the detector is an arc about the source.
    detector_offset : float, default 0.0
        How far the detector was moved along +u on purpose, as for a half-fan.
    unit : str, default ""
        Name of the unit of length.

    Raises
    ------
    DataError
        If the beam is unknown, a fan lacks a distance or a parallel beam has one, or a length is
        not positive and finite.

    Examples
    --------
    >>> from torch_radon.data import Acquisition
    >>> scanner = Acquisition("fan", 0.5, source_distance=500.0, detector_distance=300.0)
    >>> scanner.magnification, scanner.center(columns=640)
    (1.6, 319.5)
    >>> scanner.scan([0.0, 0.1], columns=640).beam
    'fan'
    """

    beam: str = "parallel"
    pixel_size: float = 1.0
    source_distance: float | None = None
    detector_distance: float | None = None
    curved: bool = False
    detector_offset: float = 0.0
    unit: str = ""

    def __post_init__(self) -> None:
        """Check all of it."""
        if self.beam not in BEAMS:
            raise DataError(f"beam must be one of {', '.join(BEAMS)}, got {self.beam!r}")
        distances = {
            "source_distance": self.source_distance,
            "detector_distance": self.detector_distance,
        }
        try:
            as_length("pixel_size", self.pixel_size)
            as_finite("detector_offset", self.detector_offset)
            for name, distance in distances.items():
                if distance is not None and as_finite(name, distance) < 0:
                    raise ValueError(f"{name} must be 0 or positive, got {distance}")
            if self.source_distance is not None:
                as_length("source_distance", self.source_distance)
        except (TypeError, ValueError) as error:
            raise DataError(str(error)) from None
        missing = [name for name, distance in distances.items() if distance is None]
        if self.beam == "fan" and missing:
            raise DataError(f"a fan beam needs {' and '.join(missing)}")
        if self.beam == "parallel" and (len(missing) < 2 or self.curved):
            extra = "a curved detector" if len(missing) == 2 else "distances"
            raise DataError(f"a parallel beam has no source to which {extra} could refer")

    @property
    def magnification(self) -> float:
        """How much larger the detector shows what lies at the rotation axis."""
        if self.source_distance is None or self.detector_distance is None:
            return 1.0
        return (self.source_distance + self.detector_distance) / self.source_distance

    def center(self, columns: int) -> float:
        """Column index onto which the rotation axis projects where only the offset is known.

        Parameters
        ----------
        columns : int
            Number of detector columns.

        Returns
        -------
        float
        """
        return (columns - 1) / 2 - self.detector_offset / self.pixel_size

    def scan(self, angles: ArrayLike, columns: int, center: float | None = None) -> Scan:
        """Describe the rays.

        Parameters
        ----------
        angles : array_like
            Radians, shape ``(views,)``.
        columns : int
            Number of detector columns.
        center : float, optional
            Column index onto which the rotation axis projects, by default `center`. A detector
            that is off by so much along itself is what it is taken to mean.

        Returns
        -------
        Scan
        """
        where = self.center(columns) if center is None else center
        offset = -axis_offset(where, columns, self.pixel_size)
        if self.source_distance is None or self.detector_distance is None:
            return parallel_beam(angles, columns, self.pixel_size, detector_offset=offset)
        return fan_beam(
            angles,
            columns,
            self.pixel_size,
            source_distance=self.source_distance,
            detector_distance=self.detector_distance,
            curved=self.curved,
            detector_offset=offset,
        )

    def describe(self) -> str:
        """Say it in one line.

        Returns
        -------
        str

        Examples
        --------
        >>> from torch_radon.data import Acquisition
        >>> Acquisition("fan", 0.5, 500.0, 300.0, curved=True, unit="mm").describe()
        'fan beam, curved detector, pixels of 0.5 mm, source 500 mm, detector 300 mm from the axis'
        """
        unit = f" {self.unit}" if self.unit else ""
        text = f"{self.beam} beam"
        if self.beam == "fan":
            text += f", {'curved' if self.curved else 'flat'} detector"
        text += f", pixels of {self.pixel_size:g}{unit}"
        if self.beam == "fan":
            text += (
                f", source {self.source_distance:g}{unit}, detector "
                f"{self.detector_distance:g}{unit} from the axis"
            )
        if self.detector_offset:
            text += f", detector moved by {self.detector_offset:g}{unit}"
        return text
