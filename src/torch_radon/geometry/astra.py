"""Translation of ASTRA Toolbox projection geometries."""

from __future__ import annotations

from typing import Any

import numpy as np

from torch_radon.geometry.beams import fan_beam, parallel_beam
from torch_radon.geometry.scan import Scan

_KEYS = {
    "parallel": ("ProjectionAngles", "DetectorCount", "DetectorWidth"),
    "fanflat": (
        "ProjectionAngles",
        "DetectorCount",
        "DetectorWidth",
        "DistanceOriginSource",
        "DistanceOriginDetector",
    ),
    "parallel_vec": ("Vectors", "DetectorCount"),
    "fanflat_vec": ("Vectors", "DetectorCount"),
}


def scan_from_astra(proj_geom: dict[str, Any]) -> Scan:
    """Do the work of `Scan.from_astra`."""
    kind = proj_geom.get("type")
    if kind not in _KEYS:
        raise ValueError(f"proj_geom: its type must be one of {', '.join(_KEYS)}, got {kind!r}")
    missing = [key for key in _KEYS[kind] if key not in proj_geom]
    if missing:
        raise ValueError(f"proj_geom: type {kind!r} needs the key {missing[0]!r}")
    columns = int(proj_geom["DetectorCount"])
    if kind.endswith("_vec"):
        return Scan.from_vectors(
            proj_geom["Vectors"], columns, "parallel" if kind == "parallel_vec" else "fan"
        )
    angles = np.asarray(proj_geom["ProjectionAngles"], dtype=np.float64)
    spacing = float(proj_geom["DetectorWidth"])
    if kind == "parallel":
        return parallel_beam(angles, columns, spacing)
    return fan_beam(
        angles,
        columns,
        spacing,
        source_distance=float(proj_geom["DistanceOriginSource"]),
        detector_distance=float(proj_geom["DistanceOriginDetector"]),
    )
