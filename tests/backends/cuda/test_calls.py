"""What a call does on the host, told by kernels that note their launches: no GPU is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from cases import CASES, Case, walk
from torch_radon import LinearOperator
from torch_radon.backends import Geometry2D, cuda
from torch_radon.backends.cuda import launch as calls
from torch_radon.backends.cuda.families import NAMES
from torch_radon.backends.cuda.runtime import Module
from torch_radon.projectors.base import ScanOperator

STREAM = 77


class Launch(NamedTuple):
    """One launch: which kernel, its grid and block, and its arguments."""

    name: str
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    arguments: tuple[Any, ...]


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Launch]]:
    """The launches so far, on what the backend takes for a CUDA device."""
    noted: list[Launch] = []

    class Kernel:
        def __init__(self, name: str, letters: str) -> None:
            self.name, self.letters = name, letters

        def launch(self, grid: Any, block: Any, stream: int, *arguments: Any) -> None:
            assert stream == STREAM
            assert len(arguments) == len(self.letters)
            noted.append(Launch(self.name, grid, block, arguments))

    @contextmanager
    def on_device(device: torch.device) -> Iterator[int]:
        yield STREAM

    def get(self: Module, name: str, device: torch.device) -> Kernel:
        return Kernel(name, self.kernels[name])

    monkeypatch.setattr(Module, "get", get)
    monkeypatch.setattr(calls, "on_device", on_device)
    monkeypatch.setattr(calls, "has_tensor_cores", lambda device: True)
    calls._call.cache_clear()
    yield noted
    calls._call.cache_clear()


def _kernels(
    case: Case, side: int = 12, views: int = 5
) -> Iterator[tuple[str, LinearOperator, Geometry2D]]:
    operator = case.build(side, views)
    assert isinstance(operator, ScanOperator)
    name, geometry = operator._kernel.short_name, Geometry2D(operator._views, *operator._geometry)
    yield name, operator, geometry
    yield f"{name}_adjoint", operator.T, geometry


def _without_addresses(launch: Launch, letters: str) -> Launch:
    kept = [a for a, letter in zip(launch.arguments, letters, strict=True) if letter != "P"]
    return launch._replace(arguments=tuple(kept))


def _letters(launch: Launch) -> str:
    (letters,) = {m.kernels[launch.name] for m in Module.declared if launch.name in m.kernels}
    return letters


@walk(CASES)
def test_an_item_is_launched_like_a_batch_of_one(case: Case, launches: list[Launch]) -> None:
    for name, operator, geometry in _kernels(case):
        x = torch.ones(operator.domain_shape)
        # The batch stride of a single item may be anything, so that here it is what an item has.
        batch = x.as_strided((1, *x.shape), (0, *x.stride()))
        result = cuda.prepare(name, x, geometry, torch.float32)(x, geometry.views)
        assert result.shape == operator.range_shape
        single = [_without_addresses(launch, _letters(launch)) for launch in launches]
        launches.clear()
        result = cuda.prepare(name, batch, geometry, torch.float32)(batch, geometry.views)
        assert result.shape == (1, *operator.range_shape)
        assert [_without_addresses(launch, _letters(launch)) for launch in launches] == single
        assert single
        launches.clear()


@walk(CASES)
def test_addresses(case: Case, launches: list[Launch]) -> None:
    for name, operator, geometry in _kernels(case):
        call = cuda.prepare(name, torch.ones(3, *operator.domain_shape), geometry, torch.float32)
        for seed in range(2):
            x = torch.full((4, *operator.domain_shape), float(seed))[1:]
            views = geometry.views.clone()
            result = call(x, views)
            given = {a for launch in launches for a in launch.arguments}
            assert {x.data_ptr(), views.data_ptr(), result.data_ptr()} <= given
            assert geometry.views.data_ptr() not in given, "a table was kept"
            launches.clear()


@walk(CASES)
def test_nothing_is_launched_for_nothing(case: Case, launches: list[Launch]) -> None:
    for name, operator, geometry in _kernels(case):
        x = torch.ones(0, *operator.domain_shape, dtype=torch.float16)
        result = cuda.prepare(name, x, geometry, torch.float64)(x, geometry.views)
        assert result.shape == (0, *operator.range_shape)
        assert result.dtype is torch.float64
        assert not launches


@walk(CASES)
def test_many_views_fit_a_grid(case: Case, launches: list[Launch]) -> None:
    for name, operator, geometry in _kernels(case, side=4, views=100_000):
        for dtype, batch in [(torch.float32, 1), (torch.float32, 33), (torch.float16, 33)]:
            # Without memory: what a kernel would get is not looked at.
            x = torch.empty(batch, *operator.domain_shape, dtype=dtype, device="meta")
            getattr(cuda, name)(x, geometry, dtype)
    assert launches
    for launch in launches:
        # What CUDA allows along x, y and z.
        for blocks, most in zip(launch.grid, (2**31 - 1, 65535, 65535), strict=True):
            assert 0 < blocks <= most, launch


@walk(CASES)
@pytest.mark.parametrize("out_dtype", [torch.float16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_types(
    case: Case, dtype: torch.dtype, out_dtype: torch.dtype, launches: list[Launch]
) -> None:
    for name, operator, geometry in _kernels(case):
        x = torch.ones(2, *operator.domain_shape, dtype=dtype)
        result = getattr(cuda, name)(x, geometry, out_dtype)
        assert result.dtype is out_dtype
        assert result.shape == (2, *operator.range_shape)
        assert result.is_contiguous()
        # Half precision is storage only, and float64 is asked for to be computed in.
        stored = NAMES[torch.float64 if out_dtype == torch.float64 else dtype]
        assert {launch.name.partition("<")[2].partition(",")[0] for launch in launches} >= {stored}
        launches.clear()


@walk(CASES)
def test_a_call_asks_pytorch_for_memory_and_for_nothing_else(
    case: Case, launches: list[Launch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch_radon.projectors.base.backend_for", lambda kind: cuda)

    def work(applied: LinearOperator, x: Tensor) -> Counter[str]:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            applied(x)
        return Counter(event.name for event in profile.events() if event.name.startswith("aten::"))

    for _, operator, _ in _kernels(case):
        for shape in (operator.domain_shape, (3, *operator.domain_shape)):
            x = torch.ones(shape)
            operator(x)
            # The result and the workspace.
            assert work(operator, x) <= Counter({"aten::new_empty": 2, "aten::empty": 2})
            assert launches
