"""From TorchRadon's world to ours."""

from __future__ import annotations

from torch_radon.geometry import Scan


def against_rows(scan: Scan) -> Scan:
    """Mirror a scan along y, for in TorchRadon's world y grows against the row index.

    This is the only place where the orientations differ. Negating the angles would do for a
    parallel beam, but put the source of a fan on the wrong side.
    """
    vectors = scan.to_vectors()
    vectors[:, 1::2] *= -1
    return Scan.from_vectors(vectors, scan.columns, scan.beam, scan.radius)
