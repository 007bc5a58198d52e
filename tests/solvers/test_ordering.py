"""Orders of subsets: permutations that spread out."""

import numpy as np
import pytest
import torch

from torch_radon.solvers import subset_orders

COUNTS = (1, 2, 3, 7, 10, 32, 180)
ORDERINGS = ("golden", "multilevel", "sequential", "random")


@pytest.mark.parametrize("ordering", ORDERINGS)
@pytest.mark.parametrize("count", COUNTS)
def test_every_sweep_visits_every_subset_once(ordering, count):
    orders = subset_orders(count, 3, ordering, torch.Generator().manual_seed(1))
    assert len(orders) == 3
    for order in orders:
        assert sorted(order) == list(range(count))


def test_sequential_is_as_scanned():
    assert subset_orders(5, 1, "sequential") == [[0, 1, 2, 3, 4]]


def test_multilevel_halves_the_gaps():
    (order,) = subset_orders(16, 1, "multilevel")
    for level in range(5):
        seen = np.sort(order[: 2**level])
        np.testing.assert_array_equal(np.diff(seen), 16 >> level)


@pytest.mark.parametrize("ordering", ["golden", "multilevel"])
@pytest.mark.parametrize("count", [32, 50, 180])
def test_neighbours_in_time_are_far_apart_in_angle(ordering, count):
    (order,) = subset_orders(count, 1, ordering)
    steps = np.abs(np.diff(order))
    # Views half a turn apart are the same rays: the circle closes.
    apart = np.minimum(steps, count - steps)
    assert np.mean(apart) > count / 5


@pytest.mark.parametrize("count", [32, 50, 181])
def test_golden_leaves_no_large_gap_at_any_time(count):
    (order,) = subset_orders(count, 1, "golden")
    for seen in range(2, count):
        places = np.sort(order[:seen])
        gaps = np.diff(np.append(places, places[0] + count))
        # The golden section leaves gaps of at most 2.62 times the even spacing.
        assert gaps.max() <= np.ceil(2.7 * count / seen) + 1


def test_random_orders_differ_and_repeat():
    first, again = (
        subset_orders(20, 2, "random", torch.Generator().manual_seed(4)) for _ in range(2)
    )
    assert first == again
    assert first[0] != first[1]
