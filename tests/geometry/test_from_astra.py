"""Scan.from_astra: the same numbers as ASTRA's own conversion to vectors."""

from typing import Any

import numpy as np
import pytest

from torch_radon import Scan

astra = pytest.importorskip("astra")
ANGLES = np.linspace(0, 3, 5)


def test_parallel_agrees_with_astras_vectors() -> None:
    geometry = astra.create_proj_geom("parallel", 0.7, 9, ANGLES)
    expected = astra.geom_2vec(geometry)
    scan = Scan.from_astra(geometry)
    # ASTRA writes the same lines with the opposite sense of travel.
    expected["Vectors"][:, 0:2] *= -1
    np.testing.assert_allclose(scan.to_vectors(), expected["Vectors"], atol=1e-14)
    assert scan.shape == (5, 9)
    assert scan.beam == "parallel"


def test_fan_agrees_with_astras_vectors() -> None:
    geometry = astra.create_proj_geom("fanflat", 0.7, 9, ANGLES, 40.0, 25.0)
    expected = astra.geom_2vec(geometry)
    scan = Scan.from_astra(geometry)
    np.testing.assert_allclose(scan.to_vectors(), expected["Vectors"], atol=1e-13)
    assert scan.beam == "fan"


@pytest.mark.parametrize(("kind", "beam"), [("parallel_vec", "parallel"), ("fanflat_vec", "fan")])
def test_vectors_are_taken_over_as_they_are(kind: Any, beam: str) -> None:
    vectors = np.array([[0.1, -9.0, 0.2, 8.0, 0.5, 0.1], [9.0, 0.3, -8.0, 0.1, 0.0, 0.5]])
    scan = Scan.from_astra(astra.create_proj_geom(kind, 9, vectors))
    np.testing.assert_array_equal(scan.to_vectors(), vectors)
    assert scan.beam == beam
    assert scan.columns == 9


@pytest.mark.parametrize(
    ("geometry", "says"),
    [
        ({"type": "cone"}, "proj_geom.*got 'cone'"),
        ({}, "proj_geom.*got None"),
        ({"type": "parallel", "DetectorCount": 3, "DetectorWidth": 1.0}, "'ProjectionAngles'"),
    ],
)
def test_unknown_geometries_are_named(geometry: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Scan.from_astra(geometry)
