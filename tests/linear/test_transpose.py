"""`A.T`: made anew whenever it is asked for, and one module all the same."""

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from torch_radon import LinearOperator, Projector, Volume, parallel_beam
from torch_radon.linear import Diagonal, Gradient


def _projector() -> Projector:
    return Projector(Volume((7, 5)), parallel_beam(np.arange(4) * 0.7, columns=9))


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Leave only what counting references frees."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    "operator", [_projector(), Gradient((4, 5)), Diagonal(torch.arange(3.0))], ids=repr
)
def test_there_and_back(operator: LinearOperator) -> None:
    for _ in range(2):
        assert operator.T.T is operator
        assert operator.T.T.T.T is operator


def test_hooks_belong_to_all_transposes_and_not_to_the_operator() -> None:
    A, called = _projector(), []
    handle = A.T.register_forward_hook(lambda module, args, result: called.append(result))
    A(torch.ones(A.domain_shape))
    assert called == []
    A.T(torch.ones(A.range_shape))
    A.T(torch.ones(3, *A.range_shape))
    assert [tuple(result.shape) for result in called] == [(7, 5), (3, 7, 5)]
    handle.remove()
    A.T(torch.ones(A.range_shape))
    assert len(called) == 2


def test_hooks_of_the_operator_see_its_calls_only() -> None:
    A, called = _projector(), []
    A.register_forward_pre_hook(lambda module, args: called.append(module))
    A.T(torch.ones(A.range_shape))
    assert called == []
    for _ in range(2):
        A(torch.ones(A.domain_shape))
    assert called == [A, A]


def test_a_hook_may_replace_the_result() -> None:
    A = _projector()
    y = torch.ones(A.range_shape)
    expected = 2 * A.T(y)
    A.T.register_forward_hook(lambda module, args, result: 2 * result)
    assert torch.equal(A.T(y), expected)


def test_training_mode_is_remembered() -> None:
    A = _projector()
    A.T.eval()
    assert not A.T.training
    assert A.training


def test_a_transpose_adds_no_module_and_no_state() -> None:
    A = _projector()
    transpose = A.T
    assert list(A.modules()) == [A]
    assert list(transpose.modules()) == [transpose]
    assert A.state_dict() == transpose.state_dict() == {}


def test_both_move_together() -> None:
    A = _projector()
    kept, y = A.T, torch.ones(A.range_shape)
    kept(y)
    kept.to("meta")
    for transpose in (kept, A.T):
        with pytest.raises(ValueError, match="input is on cpu but the Projector is on meta"):
            transpose(y)
    B = _projector()
    kept = B.T
    kept(y)
    B.to("meta")
    for transpose in (kept, B.T):
        with pytest.raises(ValueError, match="input is on cpu but the Projector is on meta"):
            transpose(y)


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda module: module._replicate_for_data_parallel()],
    ids=["copy", "deepcopy", "replica"],
)
def test_the_transpose_of_a_copy_belongs_to_the_copy(
    again: Callable[[Projector], Projector], hooked: bool
) -> None:
    A, called = _projector(), []
    if hooked:
        A.T.register_forward_hook(lambda module, args, result: called.append(module.T))
    A.T(torch.ones(A.range_shape))
    called.clear()
    B = again(A)
    assert B.T.T is B
    assert A.T.T is A
    B.T(torch.ones(B.range_shape))
    assert called == [B] * hooked


def test_a_deep_copy_stays_where_it_is() -> None:
    A = _projector()
    y = torch.ones(A.range_shape)
    expected = A.T(y)
    B = copy.deepcopy(A)
    A.to("meta")
    assert torch.equal(B.T(y), expected)


def test_copies_of_a_transpose() -> None:
    A = _projector()
    y = torch.ones(A.range_shape)
    assert copy.copy(A.T).T is A
    for again in (copy.deepcopy(A.T), pickle.loads(pickle.dumps(A.T))):
        assert isinstance(again.T, Projector)
        assert again.T is not A
        assert again.T.T.T is again.T
        assert torch.equal(again(y), A.T(y))
    pair = copy.deepcopy(torch.nn.ModuleList([A, A.T]))
    assert pair[1].T is pair[0]


def test_a_compiled_transpose_is_copied_without_its_code() -> None:
    A = _projector()
    y = torch.ones(A.range_shape)
    expected = A.T(y)
    A.T.compile(backend="eager")
    assert torch.equal(A.T(y), expected)
    for again in (pickle.loads(pickle.dumps(A)), copy.deepcopy(A)):
        assert torch.equal(again.T(y), expected)


def test_made_inside_a_compiled_function() -> None:
    A = _projector()
    y = torch.randn(A.range_shape, generator=torch.Generator().manual_seed(0))
    compiled = torch.compile(lambda z: A.T(z) + A.T(2 * z), fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(y), A.T(y) + A.T(2 * y))


def test_it_keeps_the_operator(no_collector: None) -> None:
    transpose = _projector().T
    assert transpose(torch.ones(transpose.domain_shape)).shape == (7, 5)
    assert isinstance(transpose.T, Projector)


def test_nothing_outlives_an_operator(no_collector: None) -> None:
    A = _projector()
    A.T(A(torch.ones(A.domain_shape)))
    transpose = A.T
    (table,) = A.buffers()
    gone: list[weakref.ref[object]] = [weakref.ref(each) for each in (A, transpose, table)]
    del A, transpose, table
    assert not [reference for reference in gone if reference() is not None]


def test_threads_that_ask_first_at_once() -> None:
    A = _projector()
    barrier = threading.Barrier(8)
    called: list[int] = []
    found: list[LinearOperator] = []

    def ask() -> None:
        barrier.wait()
        found.append(A.T)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found[0].register_forward_hook(lambda *_: called.append(1))
    for transpose in found:
        transpose(torch.ones(A.range_shape))
    assert len(called) == 8
