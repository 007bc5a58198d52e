"""Weights of the views: their share of the circle of directions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.fbp import ring_weights
from torch_radon.analytic import angular_weights

DEGREES = np.arange(180.0)


def weights(degrees, **kwargs):
    return np.rad2deg(angular_weights(np.deg2rad(degrees), **kwargs))


def test_even_views_share_the_half_circle_evenly():
    for n in (1, 2, 3, 180, 511):
        np.testing.assert_allclose(weights(np.arange(n) * 180 / n), 180 / n)


def test_both_ends_of_the_half_circle_are_one_direction():
    expected = np.ones(181)
    expected[[0, -1]] = 0.5
    np.testing.assert_allclose(weights(np.linspace(0, 180, 181)), expected)


@pytest.mark.parametrize("turns", [2, 3, 5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_repeated_views_share_their_cell_equally(turns, dtype):
    """Also after single precision, which tears the repetitions apart by 1e-6."""
    angles = np.deg2rad(np.arange(180 * turns)).astype(dtype)
    np.testing.assert_allclose(np.rad2deg(angular_weights(angles)), 1 / turns, rtol=1e-4)


def test_a_full_turn_of_an_odd_number_of_views_interleaves():
    np.testing.assert_allclose(weights(np.arange(181) * 360 / 181), 180 / 181)


def test_one_direction_only_has_the_whole_half_circle():
    np.testing.assert_allclose(weights([20.0]), 180)
    np.testing.assert_allclose(weights([20.0, 200.0, 20.0, 380.0]), 45)


def test_the_ends_of_a_limited_range_are_views_like_the_others():
    np.testing.assert_allclose(weights(np.arange(-50.0, 50.0)), 1)
    np.testing.assert_allclose(weights(np.arange(-50.0, 50.0, 0.25)), 0.25)
    np.testing.assert_allclose(weights([0.0, 10.0]), 10)


def test_two_missing_ranges_belong_to_nobody():
    degrees = np.concatenate([np.arange(0.0, 40.0), np.arange(80.0, 140.0)])
    np.testing.assert_allclose(weights(degrees), 1)


def test_a_few_views_left_out_are_made_up_for_by_their_neighbours():
    actual = weights(np.delete(DEGREES, [90, 91]))
    expected = np.ones(178)
    expected[[89, 90]] = 2.0
    np.testing.assert_allclose(actual, expected)


def test_dense_and_sparse_parts_are_both_measured():
    degrees = np.concatenate([np.arange(0.0, 90.0, 3.0), np.arange(90.0, 180.0)])
    actual = weights(degrees)
    assert actual.sum() == pytest.approx(180)
    np.testing.assert_allclose(actual[1:29], 3.0)
    np.testing.assert_allclose(actual[31:-1], 1.0)


def test_fan_beams_have_a_circle_of_their_own():
    np.testing.assert_allclose(weights(np.arange(360.0), period=2 * np.pi), 1.0)
    np.testing.assert_allclose(weights(np.arange(0.0, 361.0), period=2 * np.pi)[[0, 360]], 0.5)


SETS = {
    "golden angle": np.arange(377) * 111.24611797498108,
    "tiny golden angle": np.arange(100) * 23.62814,
    "random": np.random.default_rng(4).uniform(0, 400, 60),
    "jittered": DEGREES + np.random.default_rng(5).uniform(-0.5, 0.5, 180),
    "jittered twice around": np.arange(360) + np.random.default_rng(6).normal(0, 0.01, 360),
    "unordered": np.random.default_rng(7).permutation(np.arange(0, 720.0, 1.7)),
}


@pytest.mark.parametrize("degrees", SETS.values(), ids=SETS.keys())
def test_cells_are_the_directions_nearest_to_a_view(degrees):
    expected = np.rad2deg(ring_weights(np.deg2rad(degrees)))
    actual = weights(degrees)
    assert actual.sum() == pytest.approx(180)
    # Of two views closer than a thousandth of the typical gap each takes half of the cell.
    np.testing.assert_allclose(actual, expected, atol=0.02)


@given(
    angles=st.lists(st.floats(-20, 20, allow_nan=False), min_size=1, max_size=40),
    turn=st.floats(-10, 10),
    half_turns=st.lists(st.integers(-3, 3), min_size=40, max_size=40),
)
def test_weights_are_positive_and_know_no_first_view(angles, turn, half_turns):
    """Positive, at most the half circle, the same in any order and up to half turns."""
    actual = angular_weights(angles)
    assert (actual > 0).all()
    assert actual.sum() <= np.pi * (1 + 1e-9)
    np.testing.assert_allclose(angular_weights(angles[::-1])[::-1], actual, atol=1e-4)


@given(seed=st.integers(0, 10_000), turn=st.floats(-10, 10))
def test_weights_do_not_depend_on_where_the_circle_starts(seed, turn):
    generator = np.random.default_rng(seed)
    angles = generator.uniform(0, np.pi, 30)
    half_turns = np.pi * generator.integers(-3, 3, 30)
    np.testing.assert_allclose(
        angular_weights(angles + turn + half_turns), angular_weights(angles), atol=1e-9
    )


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"angles must have shape \(views,\)"):
        angular_weights([])
    with pytest.raises(ValueError, match=r"got \(1, 2\)"):
        angular_weights([[1.0, 2.0]])
    with pytest.raises(ValueError, match="angles must be finite"):
        angular_weights([0.0, np.nan])
    with pytest.raises(ValueError, match="period must be positive"):
        angular_weights([0.0], period=0.0)
