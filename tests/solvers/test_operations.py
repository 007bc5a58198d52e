"""How many operations an iteration costs beside A: for small images on a GPU that is its price."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from torch_radon import LinearOperator, solvers

# What computes nothing: views, and memory that is asked for.
FREE = {"view", "detach", "empty_like", "unbind"}


class Operations(TorchDispatchMode):
    """Counts the operations that PyTorch is asked to do."""

    def __init__(self):
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))

    @property
    def computing(self):
        return sum(n for name, n in self.counts.items() if name not in FREE)


class Free(LinearOperator):
    """The identity, at no operation."""

    def _apply_batch(self, x):
        return x

    def _adjoint_batch(self, y):
        return y


A = Free((5, 7), (5, 7))


def per_iteration(solve, y, **options):
    """Operations of one of thirty iterations."""
    counted = []
    for iterations in (10, 40):
        with Operations() as operations:
            solve(A, y, iterations=iterations, **options)
        counted.append(operations.computing)
    each, rest = divmod(counted[1] - counted[0], 30)
    assert rest == 0
    return each


def data(items=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(3)
    return torch.rand(items, *A.range_shape, generator=generator, dtype=dtype)


LIMITS = {
    # Two for x and the residual, three for its size, five to freeze what has stopped.
    "landweber": (solvers.landweber, {"step": 0.1}, 9),
    # One more for each of the weights of rays, to apply them and to measure with them.
    "sirt": (solvers.sirt, {}, 11),
    # Three inner products, two quotients, and three vectors.
    "cgls": (solvers.cgls, {}, 20),
    "conjugate_gradient": (solvers.conjugate_gradient, {}, 23),
    "mlem": (solvers.mlem, {}, 13),
}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["fp32", "fp64"])
def test_an_iteration_takes_few_operations(name, dtype):
    solve, options, limit = LIMITS[name]
    assert per_iteration(solve, data(dtype=dtype), **options) <= limit


@pytest.mark.parametrize("name", LIMITS)
def test_items_are_done_together(name):
    solve, options, _ = LIMITS[name]
    one, many = (per_iteration(solve, data(items), **options) for items in (1, 33))
    assert one == many


def test_a_callback_costs_two_more():
    """What it is told must be frozen in every iteration instead of at the end."""
    plain, watched = (
        per_iteration(solvers.cgls, data(), callback=callback)
        for callback in (None, lambda *_: None)
    )
    assert watched - plain <= 2


def test_operations_are_counted():
    y = data()
    with Operations() as operations:
        torch.addcmul(y, y, y).sum().view(1).detach()
    assert operations.computing == 2
