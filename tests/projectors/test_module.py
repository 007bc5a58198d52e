"""Operators as modules: moving, casting, copying and saving never touch the geometry."""

import copy
import io
import pickle

import pytest
import torch

from cases import CASES, PROJECTORS, Case, walk
from torch_radon import Projector

directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])


@walk(CASES)
@directions
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64], ids=str)
def test_casting_the_module_leaves_the_geometry_alone(
    case: Case, transposed: bool, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    operator = case.build(20).to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(operator.domain_shape, generator=generator, dtype=torch.float64).to(device)
    before = operator(x)
    cast = copy.deepcopy(operator).to(dtype)
    assert torch.equal(cast(x), before)
    assert torch.equal(torch.nn.Sequential(operator).to(dtype)(x), before)
    y = torch.randn(operator.range_shape, generator=generator, dtype=torch.float64).to(device)
    assert torch.equal(cast.T(y), operator.T(y))


@walk(CASES)
@directions
def test_nothing_geometric_is_a_parameter_or_a_floating_buffer(
    case: Case, transposed: bool, device: str
) -> None:
    operator = case.build().to(device)
    operator = operator.T if transposed else operator
    assert list(operator.parameters()) == []
    assert not any(buffer.is_floating_point() for buffer in operator.buffers())
    assert all(buffer.device.type == device for buffer in operator.buffers())


@walk(CASES)
@directions
def test_state_dict_is_empty_and_loads(case: Case, transposed: bool) -> None:
    operator = case.build()
    operator = operator.T if transposed else operator
    operator.T.T.T(torch.zeros(operator.range_shape))
    assert operator.state_dict() == {}
    operator.load_state_dict({})
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3), operator)
    assert list(model.state_dict()) == ["0.weight", "0.bias"]
    assert len(list(model.modules())) < 10


@walk(CASES)
@directions
def test_copies_and_pickles_give_the_same_bits(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build(20).to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(2, *operator.domain_shape, generator=generator).to(device)
    before = operator(x)
    saved = io.BytesIO()
    torch.save(operator, saved)
    saved.seek(0)
    for again in (
        copy.copy(operator),
        copy.deepcopy(operator),
        pickle.loads(pickle.dumps(operator)),
        torch.load(saved, weights_only=False),
    ):
        assert torch.equal(again(x), before)
        assert torch.equal(again.T(before), operator.T(before))
        assert again.domain_shape == operator.domain_shape


@walk(CASES)
def test_a_used_operator_pickles_no_plan(case: Case) -> None:
    operator = case.build(256, 20)
    operator.T(operator(torch.ones(operator.domain_shape)))
    assert len(pickle.dumps(operator)) < 20_000


@walk(PROJECTORS)
def test_keeps_its_volume_and_scan(case: Case) -> None:
    volume, scan = case.geometry(12, 5)
    operator = Projector(volume, scan)
    assert operator.volume == volume
    assert operator.scan == scan
    assert operator.domain_shape == volume.shape
    assert operator.range_shape == scan.shape
    again = pickle.loads(pickle.dumps(operator))
    assert again.volume == volume
    assert again.scan == scan


@walk(CASES)
def test_repr_is_short_and_names_the_shapes(case: Case) -> None:
    text = repr(case.build(256, 200))
    assert len(text) < 1000
    assert "256" in text
    assert "200" in text


@walk(CASES)
@directions
def test_the_default_device_and_dtype_do_not_matter(
    case: Case, transposed: bool, device: str, generator: torch.Generator
) -> None:
    operator = case.build().to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(operator.domain_shape, generator=generator).to(device)
    before = operator(x)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            result = operator(x)
            again = case.build().to(device)
    finally:
        torch.set_default_dtype(torch.float32)
    assert result.dtype is torch.float32
    assert torch.equal(result, before)
    assert torch.equal((again.T if transposed else again)(x), before)


@walk(CASES)
def test_training_mode_changes_nothing(case: Case, device: str, generator: torch.Generator) -> None:
    operator = case.build().to(device)
    x = torch.randn(operator.domain_shape, generator=generator).to(device)
    assert torch.equal(operator.train()(x), operator.eval()(x))
