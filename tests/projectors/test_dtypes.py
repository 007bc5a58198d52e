"""Half precision is storage: results are those of float64 on the same rounded input."""

import pytest
import torch

from cases import CASES, PROJECTORS, Case, walk
from measures import relative_l2
from torch_radon import Projector

# Rounding of the output at its own precision; with an output of float32 only the arithmetic.
STORED = {torch.float16: 3e-4, torch.bfloat16: 2.5e-3, torch.float32: 1e-6}
directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])
HALF = [torch.float16, torch.bfloat16]


@walk(CASES)
@directions
@pytest.mark.parametrize("dtype", STORED, ids=str)
def test_the_output_has_the_dtype_and_rounding_of_the_input(
    case: Case, transposed: bool, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    operator = case.build(96, 40).to(device)
    operator = operator.T if transposed else operator
    x = torch.rand(2, *operator.domain_shape, generator=generator).to(device, dtype)
    result = operator(x)
    assert result.dtype is dtype
    assert relative_l2(result, operator(x.double())) <= STORED[dtype]


@walk(PROJECTORS)
@directions
@pytest.mark.parametrize("dtype", HALF, ids=str)
@pytest.mark.parametrize(
    ("out_dtype", "bound"), [(torch.float32, 1e-6), (torch.float64, 1e-6)], ids=str
)
def test_a_wider_output_loses_nothing(
    case: Case,
    transposed: bool,
    dtype: torch.dtype,
    out_dtype: torch.dtype,
    bound: float,
    device: str,
    generator: torch.Generator,
) -> None:
    volume, scan = case.geometry(96, 40)
    operators = Projector(volume, scan, out_dtype=out_dtype), Projector(volume, scan)
    operator, exact = (op.to(device).T if transposed else op.to(device) for op in operators)
    x = torch.rand(2, *operator.domain_shape, generator=generator).to(device, dtype)
    result = operator(x)
    assert result.dtype is out_dtype
    assert relative_l2(result, exact(x.double())) <= bound


@walk(PROJECTORS)
@pytest.mark.parametrize("dtype", HALF, ids=str)
def test_a_narrower_output(
    case: Case, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    volume, scan = case.geometry(96, 40)
    x = torch.rand(volume.shape, generator=generator).to(device)
    result = Projector(volume, scan, out_dtype=dtype).to(device)(x)
    assert result.dtype is dtype
    expected = Projector(volume, scan).to(device)(x.double())
    assert relative_l2(result, expected) <= STORED[dtype]


@walk(PROJECTORS)
def test_results_beyond_half_precision_fit_the_wider_output(case: Case, device: str) -> None:
    volume, scan = case.geometry(64, 12)
    x = torch.full(volume.shape, 6e4, dtype=torch.float16, device=device)
    assert Projector(volume, scan).to(device)(x).isinf().any()
    wide = Projector(volume, scan, out_dtype=torch.float32).to(device)(x)
    assert wide.isfinite().all()
    assert wide.max() > 65504


@walk(CASES)
@directions
@pytest.mark.parametrize("dtype", [torch.float64, *STORED], ids=str)
def test_nan_in_the_data_reaches_what_it_touches_and_nothing_else(
    case: Case, transposed: bool, dtype: torch.dtype, device: str
) -> None:
    operator = case.build(15).to(device)
    operator = operator.T if transposed else operator
    rows, columns = operator.domain_shape
    clean = torch.zeros(2, rows, columns, dtype=dtype, device=device)
    clean[0, rows // 2, columns // 2] = 1
    marked = clean.clone()
    marked[0, rows // 2, columns // 2] = float("nan")
    result = operator(marked)
    touched = operator(clean) != 0
    assert touched.any()
    assert result[touched].isnan().all()
    assert not result[1].isnan().any()
    # Weights of exactly zero may be multiplied or left out, so only far entries must be clean.
    assert result.isnan().sum() <= 3 * touched.sum() + operator.range_shape[0] * 2


@walk(CASES)
@directions
@pytest.mark.parametrize(
    "dtype", [torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex64], ids=str
)
def test_what_is_not_a_real_floating_number_is_a_type_error(
    case: Case, transposed: bool, dtype: torch.dtype, device: str
) -> None:
    operator = case.build(12).to(device)
    operator = operator.T if transposed else operator
    with pytest.raises(TypeError, match=str(dtype).replace(".", r"\.")) as caught:
        operator(torch.ones(operator.domain_shape, device=device).to(dtype))
    assert "float32" in str(caught.value)
