"""Promise 1: ``A.T`` is the transpose of ``A``, entry by entry and at full size."""

import math

import pytest
import torch
from hypothesis import given, settings

import strategies
from cases import CASES, PROJECTORS, Case, walk
from measures import dot_mismatch, entries, relative_max
from torch_radon import Backprojector, LinearOperator, Projector, Scan, Volume

ENTRIES = {torch.float32: 2e-6, torch.float64: 1e-13}
DOT = {torch.float32: 1e-6, torch.float64: 1e-13}
both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def _entry_mismatch(operator: LinearOperator, dtype: torch.dtype, device: str) -> float:
    operator = operator.to(device)
    return relative_max(entries(operator.T, dtype, device).T, entries(operator, dtype, device))


@walk(CASES)
@both_precisions
@pytest.mark.parametrize("side", [5, 16, 48])
def test_every_entry(case: Case, side: int, dtype: torch.dtype, device: str) -> None:
    assert _entry_mismatch(case.build(side), dtype, device) <= ENTRIES[dtype]


@both_precisions
@settings(max_examples=60)
@given(setup=strategies.setups(max_side=48))
def test_every_entry_of_a_projector_of_any_geometry(
    setup: tuple[Volume, Scan], dtype: torch.dtype, device: str
) -> None:
    assert _entry_mismatch(Projector(*setup), dtype, device) <= ENTRIES[dtype]


@both_precisions
@settings(max_examples=40)
@given(setup=strategies.setups(max_side=32))
def test_every_entry_of_a_backprojector_of_any_geometry(
    setup: tuple[Volume, Scan], dtype: torch.dtype, device: str
) -> None:
    assert _entry_mismatch(Backprojector(*setup), dtype, device) <= ENTRIES[dtype]


@walk(CASES)
@both_precisions
@pytest.mark.parametrize(("side", "views"), [(512, 180), (1024, 30)])
def test_dot_test_at_full_size(
    case: Case,
    side: int,
    views: int,
    dtype: torch.dtype,
    device: str,
    generator: torch.Generator,
) -> None:
    operator = case.build(side, views).to(device)
    assert dot_mismatch(operator, dtype, device, generator) <= DOT[dtype]


@walk(PROJECTORS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_dot_test_of_half_precision_storage(
    case: Case, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    volume, scan = case.geometry(256, 40)
    operator = Projector(volume, scan, out_dtype=torch.float32).to(device)
    assert operator(torch.zeros(volume.shape, dtype=dtype, device=device)).dtype is torch.float32
    assert dot_mismatch(operator, dtype, device, generator) <= 1e-6


@walk(CASES)
def test_the_transpose_of_the_transpose_is_the_operator(case: Case, device: str) -> None:
    operator = case.build().to(device)
    x = torch.linspace(-1, 1, math.prod(operator.domain_shape), device=device)
    x = x.reshape(operator.domain_shape)
    assert torch.equal(operator.T.T(x), operator(x))
    assert operator.T.domain_shape == operator.range_shape
    assert operator.T.range_shape == operator.domain_shape
