"""Scan: the canonical form, selection of views, equality, and moving the scanner."""

import copy
import functools
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from torch_radon import Scan, Volume, fan_beam, parallel_beam

fan = functools.partial(fan_beam, source_distance=40.0, detector_distance=25.0)
ANGLES = np.linspace(0.1, 5.0, 7)
SCANS = [
    pytest.param(parallel_beam(ANGLES, 5, 0.3, detector_offset=0.1), id="parallel"),
    pytest.param(fan(ANGLES, 5, 0.3, axis_offset=0.2), id="fan-flat"),
    pytest.param(fan(ANGLES, 5, 0.3, curved=True), id="fan-curved"),
]
every_scan = pytest.mark.parametrize("scan", SCANS)


@every_scan
def test_vectors_round_trip(scan: Scan) -> None:
    again = Scan.from_vectors(scan.to_vectors(), scan.columns, scan.beam, scan.radius)
    assert again == scan
    assert hash(again) == hash(scan)


@given(strategies.setups(max_side=5))
def test_repr_rebuilds_any_scan_exactly(setup: tuple[Volume, Scan]) -> None:
    _, scan = setup
    again = eval(repr(scan))
    assert again == scan
    np.testing.assert_array_equal(again.to_vectors(), scan.to_vectors())


@every_scan
def test_pickle_and_deepcopy_rebuild_it(scan: Scan) -> None:
    assert pickle.loads(pickle.dumps(scan)) == scan
    assert copy.deepcopy(scan) == scan


@every_scan
def test_str_is_one_line_with_the_numbers(scan: Scan) -> None:
    assert "\n" not in str(scan)
    assert "7 views" in str(scan)
    assert "5 columns" in str(scan)


@every_scan
def test_sizes_agree(scan: Scan) -> None:
    assert len(scan) == scan.views == 7
    assert scan.shape == (7, 5)


@every_scan
@pytest.mark.parametrize(
    "index",
    [slice(None, None, 2), slice(2, 5), [0, 5], [5, 0, 5], np.arange(7) % 3 == 0, -1, 3],
    ids=str,
)
def test_selecting_views_selects_rows(scan: Scan, index: Any) -> None:
    chosen = scan[index]
    np.testing.assert_array_equal(
        chosen.to_vectors(), np.atleast_2d(scan.to_vectors()[index]), strict=True
    )
    assert chosen.columns == scan.columns
    assert chosen.beam == scan.beam
    assert (chosen.radius is None) == (scan.radius is None)


@every_scan
@pytest.mark.parametrize("index", [slice(0, 0), [], np.zeros(7, bool), 7, -8], ids=str)
def test_selecting_no_view_is_an_index_error(scan: Scan, index: Any) -> None:
    with pytest.raises(IndexError):
        scan[index]


@every_scan
def test_what_it_hands_out_cannot_change_it(scan: Scan) -> None:
    before = scan.to_vectors()
    scan.to_vectors()[:] = 0
    if scan.radius is not None:
        scan.radius[:] = 0
    np.testing.assert_array_equal(scan.to_vectors(), before)
    with pytest.raises(AttributeError):
        scan.columns = 3  # type: ignore[misc]


def test_it_keeps_its_own_copy_of_the_vectors() -> None:
    vectors = np.array([[0.0, 1, 0, 5, 1, 0]])
    scan = Scan.from_vectors(vectors, 3)
    vectors[:] = 7
    np.testing.assert_array_equal(scan.to_vectors(), [[0, 1, 0, 5, 1, 0]])


def test_scans_that_differ_in_anything_differ() -> None:
    base = parallel_beam(ANGLES, 5)
    others = [
        parallel_beam(ANGLES + 1e-15, 5),
        parallel_beam(ANGLES, 6),
        parallel_beam(ANGLES, 5, 1.5),
        base[:-1],
        fan(ANGLES, 5),
    ]
    for other in others:
        assert base != other
    assert fan(ANGLES, 5) != fan(ANGLES, 5, curved=True)
    assert base != "a scan"


def test_zeros_of_either_sign_are_equal_and_hash_alike() -> None:
    plus = Scan.from_vectors([[0.0, 1, 0.0, 5, 1, 0]], 3)
    minus = Scan.from_vectors([[-0.0, 1, -0.0, 5, 1, 0]], 3)
    assert plus == minus
    assert hash(plus) == hash(minus)


@given(st.lists(st.floats(0, 2 * math.pi, exclude_max=True), min_size=1, max_size=6))
def test_angles_are_those_given(angles: list[float]) -> None:
    for scan in (parallel_beam(angles, 4), fan(angles, 4)):
        turned = np.exp(1j * scan.angles) - np.exp(1j * np.array(angles))
        assert abs(turned).max() < 1e-14
        assert scan.angles.min() >= 0
        assert scan.angles.max() < 2 * math.pi


@every_scan
def test_shift_moves_sources_and_detectors(scan: Scan) -> None:
    moved = scan.shift((2.0, -3.0))
    expected = scan.to_vectors()
    expected[:, 2:4] += (2.0, -3.0)
    if scan.beam == "fan":
        expected[:, 0:2] += (2.0, -3.0)
    np.testing.assert_allclose(moved.to_vectors(), expected, atol=1e-14)
    np.testing.assert_allclose(moved.shift((-2.0, 3.0)).to_vectors(), scan.to_vectors(), atol=1e-13)


def test_rotating_adds_to_the_angles() -> None:
    for make in (parallel_beam, lambda a, n: fan(a, n)):
        turned = make(ANGLES, 5).rotate(0.3)
        np.testing.assert_allclose(
            turned.to_vectors(), make(ANGLES + 0.3, 5).to_vectors(), atol=1e-13
        )


@every_scan
def test_rotations_add_up(scan: Scan) -> None:
    np.testing.assert_allclose(
        scan.rotate(0.3).rotate(0.4).to_vectors(), scan.rotate(0.7).to_vectors(), atol=1e-13
    )


GOOD = [0.0, 1.0, 0.0, 5.0, 1.0, 0.0]
NAN = float("nan")
# A value that the type checker would refuse as well.
CONE: Any = "cone"


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (
            lambda: Scan.from_vectors(GOOD, 3),
            ValueError,
            r"vectors must have .*\(views, 6\).*\(6,\)",
        ),
        (lambda: Scan.from_vectors([GOOD[:5]], 3), ValueError, r"\(views, 6\).*\(1, 5\)"),
        (lambda: Scan.from_vectors(np.zeros((0, 6)), 3), ValueError, "at least one view"),
        (lambda: Scan.from_vectors([[NAN, *GOOD[1:]]], 3), ValueError, "vectors must be finite"),
        (
            # Squares of such numbers overflow on the way to the kernels.
            lambda: Scan.from_vectors([[1e308, -1e308, -1e308, 1e308, 1e308, 1]], 3, "fan"),
            ValueError,
            r"vectors must be finite.* got 1e\+308 at index \(0, 0\)",
        ),
        (lambda: Scan.from_vectors([["a"] * 6], 3), TypeError, "vectors must be an array of real"),
        (lambda: Scan.from_vectors([[0, 0, *GOOD[2:]]], 3), ValueError, "ray direction of view 0"),
        (lambda: Scan.from_vectors([[*GOOD[:4], 0, 0]], 3), ValueError, "u step of view 0"),
        (lambda: Scan.from_vectors([GOOD], 0), ValueError, "columns must be at least 1, got 0"),
        (
            lambda: Scan.from_vectors([GOOD], 3, CONE),
            ValueError,
            "beam must be .*got 'cone'",
        ),
        (lambda: Scan.from_vectors([GOOD], 3, radius=4.0), ValueError, "radius is for a fan"),
        (lambda: Scan.from_vectors([GOOD], 3, "fan", radius=9.0), ValueError, "radius must equal"),
        (lambda: Scan.from_vectors([GOOD], 3, "fan", radius=NAN), ValueError, "radius must be fin"),
        (
            lambda: Scan.from_vectors([[0, 0, 0, 5, 1, 0.5]], 3, "fan", radius=5.0),
            ValueError,
            "tangential",
        ),
        (
            lambda: Scan.from_vectors([[0, 1, 0, 5, 0, 1]], 3, "fan"),
            ValueError,
            "source of view 0 lies in the line of its detector",
        ),
        (
            lambda: parallel_beam([0], 3).shift((1, 2, 3)),
            ValueError,
            "displacement must have shape",
        ),
        (lambda: parallel_beam([0], 3).shift((NAN, 0)), ValueError, "displacement must be finite"),
        (lambda: parallel_beam([0], 3).rotate(NAN), ValueError, "angle must be finite"),
    ],
)
def test_bad_arguments_are_named(
    make: Callable[[], object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        make()
