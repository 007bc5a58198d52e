"""Mistakes are named before anything is computed: argument, what it got, what is wanted."""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch

from cases import CASES, PROJECTORS, Case, walk
from torch_radon import Backprojector, Projector, Scan, Volume, fan_beam, parallel_beam

directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])


@walk(CASES)
@directions
def test_a_wrong_shape_is_named_with_both_shapes(case: Case, transposed: bool, device: str) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    rows, columns = operator.domain_shape
    for wrong in (
        (rows + 1, columns),
        (rows, columns - 1),
        (2, columns, rows),
        (rows * columns,),
        (columns,),
        (),
        (rows, columns, 3),
    ):
        if wrong[-2:] == (rows, columns):
            continue
        with pytest.raises(ValueError, match=re.escape(str(rows))) as caught:
            operator(torch.zeros(wrong, device=device))
        assert str(tuple(wrong)) in str(caught.value)
        assert f"{rows}, {columns}" in str(caught.value)


@walk(CASES)
@directions
@pytest.mark.parametrize(
    "value", [np.zeros((12, 9)), [[0.0]], None, 1.0], ids=["array", "list", "none", "number"]
)
def test_what_is_no_tensor_is_a_type_error(case: Case, transposed: bool, value: object) -> None:
    operator = case.build(12)
    operator = operator.T if transposed else operator
    with pytest.raises(TypeError, match=type(value).__name__) as caught:
        operator(value)
    assert "ensor" in str(caught.value)


@walk(CASES)
@directions
def test_another_device_is_named(case: Case, transposed: bool, device: str) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    elsewhere = "cpu" if device != "cpu" else "meta"
    with pytest.raises(ValueError, match=elsewhere) as caught:
        operator(torch.zeros(operator.domain_shape, device=elsewhere))
    assert device in str(caught.value)


@walk(CASES)
@directions
def test_sparse_input_is_refused(case: Case, transposed: bool) -> None:
    operator = case.build(12)
    operator = operator.T if transposed else operator
    with pytest.raises((TypeError, ValueError), match=r"sparse|layout|strided"):
        operator(torch.ones(operator.domain_shape).to_sparse())


SOURCES_INSIDE = {
    "middle": (0.0, 0.0),
    "edge": (-5.9, 0.0),
    "corner": (5.9, 3.9),
}


@pytest.mark.parametrize("source", SOURCES_INSIDE.values(), ids=SOURCES_INSIDE.keys())
@pytest.mark.parametrize("curved", [False, True], ids=["flat", "arc"])
def test_a_source_inside_the_volume_is_named_with_its_view(
    source: tuple[float, float], curved: bool
) -> None:
    scan = fan_beam([0.0, 0.5, 1.0], 9, source_distance=30.0, detector_distance=30.0, curved=curved)
    vectors = scan.to_vectors()
    vectors[1, 0:4] += np.tile(np.array(source) - vectors[1, 0:2], 2)
    bad = Scan.from_vectors(vectors, 9, "fan", scan.radius)
    volume = Volume((8, 12))
    Projector(volume, scan)
    with pytest.raises(ValueError, match="source") as caught:
        Projector(volume, bad)
    assert "1" in str(caught.value)
    assert "inside" in str(caught.value)


def test_a_source_inside_an_offset_volume_only() -> None:
    scan = fan_beam([0.0], 9, source_distance=30.0, detector_distance=30.0)
    Projector(Volume((16, 16)), scan)
    with pytest.raises(ValueError, match="source"):
        Projector(Volume((16, 16), center=(-30.0, 0.0)), scan)


VOLUME = Volume((8, 12))
SCAN = parallel_beam([0.0, 1.0], 9)


@pytest.mark.parametrize("make", [Projector, Backprojector])
@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((SCAN, VOLUME), TypeError, "volume must be a .*Volume.*got .*Scan"),
        (((8, 12), SCAN), TypeError, "volume must be a .*Volume.*got .*tuple"),
        ((VOLUME, [0.0, 1.0]), TypeError, "scan must be a .*Scan.*got .*list"),
        ((VOLUME, None), TypeError, "scan must be a .*Scan.*got .*None"),
        ((Volume((4, 8, 12)), SCAN), ValueError, r"volume must .*\(H, W\).*\(4, 8, 12\)"),
    ],
)
def test_bad_construction(
    make: Callable[..., object],
    arguments: tuple[object, object],
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        make(*arguments)


@pytest.mark.parametrize("out_dtype", [torch.int32, torch.complex64, torch.bool], ids=str)
def test_an_output_dtype_that_is_not_real_floating(out_dtype: torch.dtype) -> None:
    with pytest.raises((TypeError, ValueError), match="out_dtype.*" + str(out_dtype)):
        Projector(VOLUME, SCAN, out_dtype=out_dtype)


@pytest.mark.parametrize("out_dtype", ["float32", 32], ids=str)
def test_an_output_dtype_that_is_none(out_dtype: object) -> None:
    with pytest.raises(TypeError, match=f"out_dtype.*{out_dtype}"):
        Projector(VOLUME, SCAN, out_dtype=out_dtype)  # type: ignore[arg-type]


def test_columns_of_another_scan_are_named() -> None:
    """A sinogram of 9 columns does not fit an operator of 10."""
    operator = Projector(VOLUME, parallel_beam([0.0, 1.0], 10))
    with pytest.raises(ValueError, match=r"\(2, 9\)") as caught:
        operator.T(torch.zeros(SCAN.shape))
    assert "(2, 10)" in str(caught.value) or "2, 10" in str(caught.value)


@walk(PROJECTORS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_geometry_that_is_not_finite_cannot_be_made(case: Case, bad: float) -> None:
    _, scan = case.geometry(12, 4)
    for entry in range(6):
        vectors = scan.to_vectors()
        vectors[2, entry] = bad
        with pytest.raises(ValueError, match=f"vectors must be finite.* got {bad}.*2, {entry}"):
            Scan.from_vectors(vectors, scan.columns, scan.beam, scan.radius)
