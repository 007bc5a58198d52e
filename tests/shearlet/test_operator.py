"""The transform as a linear operator: exact adjoints, any batch, strides and type."""

import numpy as np
import pytest
import torch

from measures import dot_mismatch, entries, relative_l2, relative_max
from shearlet.systems import SYSTEMS, System, walk
from torch_radon.shearlet import ShearletTransform, groupwise, spectral

DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
# Two roundings of the result, of the data none: both sides see the same rounded data.
STORED = {torch.float32: 4e-7, torch.float16: 3e-4, torch.bfloat16: 2.5e-3}
directions = pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])


def _matrix(system: System) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The dense matrix, from the oracle's bank."""
    points = np.eye(system.width * system.height).reshape(-1, system.height, system.width)
    spectra = np.fft.fft2(points)
    blocks = [np.fft.ifft2(spectra * spectrum) for spectrum in system.bank()]
    columns = np.stack(blocks, axis=1)
    parts = columns.real if system.real else np.stack([columns.real, columns.imag], axis=-1)
    return parts.reshape(len(points), -1).T


@walk([System(17, 16, [0.5]), System(16, 17, [0.5], real=False)])
@pytest.mark.parametrize(
    ("dtype", "bound"), [(torch.float64, 1e-13), (torch.float32, 2e-6)], ids=str
)
def test_entry_by_entry(system: System, dtype: torch.dtype, bound: float, device: str) -> None:
    transform = system.build().to(device)
    expected = _matrix(system)
    assert relative_max(entries(transform, dtype, device), expected) <= bound
    rows = torch.eye(expected.shape[0], dtype=dtype, device=device)[::7]
    found = transform.T(rows.view(-1, *transform.range_shape)).flatten(1)
    assert relative_max(found.double(), expected[::7]) <= bound


@walk(SYSTEMS)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-13), (torch.float32, 1e-6)])
def test_dot_products(
    system: System, dtype: torch.dtype, bound: float, device: str, generator: torch.Generator
) -> None:
    transform = system.build().to(device)
    assert dot_mismatch(transform, dtype, device, generator) <= bound
    assert dot_mismatch(transform.inverse, dtype, device, generator) <= bound


def test_dot_product_at_full_size(device: str, generator: torch.Generator) -> None:
    transform = ShearletTransform(512, 512, [0.5] * 5).to(device)
    assert dot_mismatch(transform, torch.float32, device, generator) <= 1e-6


@walk(SYSTEMS)
def test_both_ways_of_torch_agree(
    system: System, monkeypatch: pytest.MonkeyPatch, generator: torch.Generator
) -> None:
    """The way for accelerators runs on a CPU as well, a few filters at a time."""
    transform = system.build()
    x = torch.randn(3, *transform.domain_shape, generator=generator, dtype=torch.float64)
    y = torch.randn(3, *transform.range_shape, generator=generator, dtype=torch.float64)
    coefficients, image = transform(x), transform.T(y)
    monkeypatch.setattr(spectral, "_way", lambda data: groupwise)
    monkeypatch.setattr(groupwise, "_IMAGES", 2 * system.width * system.height)
    monkeypatch.setattr(groupwise, "_PIXELS", 6 * system.width * system.height)
    assert relative_l2(transform(x), coefficients) <= 1e-15
    assert relative_l2(transform.T(y), image) <= 1e-15


def test_the_inverse_and_the_transpose_differ_where_they_should() -> None:
    frame = System(33, 40, [0.3], parseval=False).build()
    parseval = System(33, 40, [0.3]).build()
    y = torch.randn(frame.range_shape, generator=torch.Generator().manual_seed(1))
    assert relative_l2(frame.inverse(y), frame.T(y)) > 0.1
    assert torch.equal(parseval.inverse(y), parseval.T(y))
    assert torch.equal(parseval.backward(y), parseval.T(y))


@walk(SYSTEMS)
@directions
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("batch", [1, 3, 33])
def test_a_batch_is_a_loop(
    system: System,
    transposed: bool,
    dtype: torch.dtype,
    batch: int,
    device: str,
    generator: torch.Generator,
) -> None:
    transform = system.build().to(device)
    operator = transform.T if transposed else transform
    x = torch.randn(batch, *operator.domain_shape, generator=generator).to(device, dtype)
    together = operator(x)
    alone = torch.stack([operator(image) for image in x])
    # An FFT library chooses its way by the batch, so that bits may differ.
    bound = {torch.float64: 1e-15, torch.float32: 3e-7}.get(dtype) or STORED[dtype]
    assert relative_l2(together, alone) <= bound


@walk(SYSTEMS)
@directions
@pytest.mark.parametrize("leading", [(), (1,), (2, 3), (0,), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_any_leading_dimensions(
    system: System,
    transposed: bool,
    leading: tuple[int, ...],
    dtype: torch.dtype,
    device: str,
    generator: torch.Generator,
) -> None:
    transform = system.build().to(device)
    for operator in (transform, transform.inverse):
        operator = operator.T if transposed else operator
        x = torch.randn(*leading, *operator.domain_shape, generator=generator).to(device, dtype)
        result = operator(x)
        assert result.shape == (*leading, *operator.range_shape)
        assert result.dtype is dtype
        assert result.is_contiguous()


@walk(SYSTEMS)
@directions
def test_any_strides(
    system: System, transposed: bool, device: str, generator: torch.Generator
) -> None:
    transform = system.build().to(device)
    operator = transform.T if transposed else transform
    shape = operator.domain_shape
    x = torch.randn(4, *shape, generator=generator, dtype=torch.float64).to(device)
    expected = operator(x)
    axes = range(1, x.ndim)
    for strange in (
        x.movedim(0, -1).contiguous().movedim(-1, 0),
        x.permute(0, *reversed(axes)).contiguous().permute(0, *reversed(axes)),
        torch.stack([x, x], dim=-1)[..., 1],
    ):
        assert not strange.is_contiguous()
        assert relative_l2(operator(strange), expected) <= 1e-15
    single = x[:1].expand(3, *shape)
    assert relative_l2(operator(single), expected[:1].expand(3, *expected.shape[1:])) <= 1e-15


@walk(SYSTEMS)
@directions
@pytest.mark.parametrize("dtype", STORED, ids=str)
def test_half_precision_is_storage(
    system: System, transposed: bool, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    transform = system.build().to(device)
    operator = transform.T if transposed else transform
    x = torch.randn(3, *operator.domain_shape, generator=generator).to(device, dtype)
    exact = operator(x.double())
    assert relative_l2(operator(x), exact) <= STORED[dtype]
    wide = system.build(out_dtype=torch.float32).to(device)
    result = (wide.T if transposed else wide)(x)
    assert result.dtype is torch.float32
    assert relative_l2(result, exact) <= 5e-7
    widest = system.build(out_dtype=torch.float64).to(device)
    assert relative_l2((widest.T if transposed else widest)(x), exact) <= 1e-15
    inverse = transform.inverse.T if transposed else transform.inverse
    x = torch.randn(3, *inverse.domain_shape, generator=generator).to(device, dtype)
    assert relative_l2(inverse(x), inverse(x.double())) <= STORED[dtype]


@walk(SYSTEMS)
def test_norm_bounds_are_attained(system: System) -> None:
    transform = system.build()
    for operator in (transform, transform.inverse):
        x = torch.randn(operator.domain_shape, generator=torch.Generator().manual_seed(1))
        x = x.double()
        for _ in range(60):
            x = operator.T(operator(x))
            x /= x.norm()
        assert operator.norm_bound is not None
        assert 0.9 * operator.norm_bound <= operator(x).norm() <= operator.norm_bound * (1 + 1e-12)


def test_autocast_gives_single_precision(device: str, generator: torch.Generator) -> None:
    transform = SYSTEMS[1].build().to(device)
    x = torch.randn(transform.domain_shape, generator=generator).to(device, torch.bfloat16)
    with torch.autocast(device, dtype=torch.bfloat16):
        coefficients = transform(x)
        image = transform.inverse(coefficients.bfloat16())
    assert coefficients.dtype is image.dtype is torch.float32
    assert relative_l2(coefficients, transform(x.double())) <= 5e-7


@directions
def test_nan_in_an_image_stays_in_it(transposed: bool, device: str) -> None:
    transform = SYSTEMS[0].build().to(device)
    operator = transform.T if transposed else transform
    x = torch.zeros(3, *operator.domain_shape, device=device)
    x[1].view(-1)[5] = float("nan")
    result = operator(x)
    assert result[1].isnan().any()
    assert not result[[0, 2]].isnan().any()


@directions
def test_the_same_bits_again(transposed: bool, device: str, generator: torch.Generator) -> None:
    transform = ShearletTransform(128, 96, [0.5, 0.5]).to(device)
    operator = transform.T if transposed else transform
    x = torch.randn(5, *operator.domain_shape, generator=generator).to(device)
    assert torch.equal(operator(x), operator(x))
