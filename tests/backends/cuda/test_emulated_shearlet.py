"""The shearlet kernels, run on the CPU by the emulator, against PyTorch's FFT.

What launches them runs as it is: only kernels and streams are replaced. It needs a C++20 compiler
and no GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from emulation import Emulated
from measures import relative_l2
from torch_radon.backends.cuda import shearlet as fused
from torch_radon.backends.shearlets import RUN_SIZE, Tables
from torch_radon.shearlet import ShearletTransform

# Every height and every width that there are kernels for.
SHAPES = [(128, 1024), (256, 512), (512, 256), (1024, 128)]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> tuple[Emulated, Emulated]:
    folder = tmp_path_factory.mktemp("emulated")
    columns, rows = (
        Emulated(module.source, module.kernels, folder) for module in (fused._COLUMNS, fused._ROWS)
    )
    return columns, rows


@pytest.fixture
def kernels(
    modules: tuple[Emulated, Emulated], monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    @contextmanager
    def no_stream(device: torch.device) -> Iterator[int]:
        yield 0

    empty = torch.empty

    def unset(*size: Any, **options: Any) -> Tensor:
        # What a kernel fails to write stays NaN.
        return empty(*size, **options).fill_(torch.nan)

    monkeypatch.setattr(fused, "_COLUMNS", modules[0])
    monkeypatch.setattr(fused, "_ROWS", modules[1])
    monkeypatch.setattr(fused, "on_device", no_stream)
    monkeypatch.setattr(torch, "empty", unset)
    return monkeypatch


def tables(transform: ShearletTransform, filters: int | None = None) -> Tables:
    """What the operators get, for the first filters only."""
    filters = filters or transform.redundancy
    columns = int(transform._starts[filters, 0])
    entries = slice(int(transform._entries[columns]))
    return Tables(
        transform._values32[entries],
        transform._source[entries],
        transform._target[entries],
        transform._entries[: columns + 1],
        transform._starts[: filters + 1],
        transform._roots,
        transform._runs[: RUN_SIZE * filters],
    )


def exact(
    transform: ShearletTransform, images: Tensor, coefficients: Tensor
) -> tuple[Tensor, Tensor]:
    """Coefficients and images in float64, for the first filters only."""
    filters = coefficients.shape[1]
    padded = torch.zeros(len(coefficients), *transform.range_shape, dtype=torch.float64)
    padded[:, :filters] = coefficients
    return transform(images.double())[:, :filters], transform.T(padded)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_size_agrees_with_torch(
    shape: tuple[int, int],
    dtype: torch.dtype,
    kernels: pytest.MonkeyPatch,
    generator: torch.Generator,
) -> None:
    """A narrow filter and a wide one: the emulator takes its time."""
    height, width = shape
    transform = ShearletTransform(width, height, [0.5] * 3)
    two = tables(transform, filters=2)
    image = torch.randn(1, height, width, generator=generator).to(dtype)
    y = torch.randn(1, 2, height, width, generator=generator).to(dtype)
    coefficients, adjoint = exact(transform, image, y)
    found = fused.analyse(image, two, shape, True, torch.float32)
    back = fused.synthesise(y, two, shape, True, torch.float32)
    assert relative_l2(found, coefficients) <= 3e-7
    assert relative_l2(back, adjoint) <= 3e-7
    mismatch = (found.double() * y).sum() - (image.double() * back).sum()
    assert abs(mismatch) <= 1e-6 * found.double().norm() * y.double().norm()


@pytest.mark.parametrize("shape", [(256, 128), (128, 512), (1024, 1024)], ids=str)
def test_results_are_rounded_once(
    shape: tuple[int, int], kernels: pytest.MonkeyPatch, generator: torch.Generator
) -> None:
    height, width = shape
    transform = ShearletTransform(width, height, [0.5] * 3)
    one = tables(transform, filters=1)
    image = torch.randn(1, height, width, generator=generator)
    y = torch.randn(1, 1, height, width, generator=generator)
    for call, data in ((fused.analyse, image), (fused.synthesise, y)):
        wide, narrow = (
            call(data, one, shape, True, dtype) for dtype in (torch.float32, torch.bfloat16)
        )
        assert narrow.dtype is torch.bfloat16
        assert torch.equal(narrow, wide.bfloat16())
        assert torch.equal(call(data, one, shape, True, torch.float64), wide.double())


@pytest.mark.parametrize("batch", [0, 1, 3, 33])
def test_any_batch(batch: int, kernels: pytest.MonkeyPatch, generator: torch.Generator) -> None:
    transform = ShearletTransform(128, 128, [0.5] * 3)
    arguments = (tables(transform, filters=2), (128, 128), True, torch.float32)
    images = torch.randn(batch, 128, 128, generator=generator)
    y = torch.randn(batch, 2, 128, 128, generator=generator)
    coefficients, adjoint = exact(transform, images, y)
    found, back = fused.analyse(images, *arguments), fused.synthesise(y, *arguments)
    assert found.shape == coefficients.shape
    assert back.shape == adjoint.shape
    if batch:
        assert relative_l2(found, coefficients) <= 3e-7
        assert relative_l2(back, adjoint) <= 3e-7


def test_all_filters_with_some_images_at_a_time(
    kernels: pytest.MonkeyPatch, generator: torch.Generator
) -> None:
    """To the bit the same however many images are at work, and close with other parts of sums."""
    transform = ShearletTransform(128, 128, [0.5] * 2)
    arguments = (tables(transform), (128, 128), True, torch.float32)
    images = torch.randn(3, 128, 128, generator=generator)
    y = torch.randn(3, *transform.range_shape, generator=generator)
    coefficients, adjoint = exact(transform, images, y)
    found, back = fused.analyse(images, *arguments), fused.synthesise(y, *arguments)
    assert relative_l2(found, coefficients) <= 3e-7
    assert relative_l2(back, adjoint) <= 3e-7
    two_images = 2 * 8 * 128 * int(transform._starts[-1, 0])
    for limit in (two_images, 1):
        kernels.setattr(fused, "_KEPT", limit)
        assert torch.equal(fused.analyse(images, *arguments), found)
        assert torch.equal(fused.synthesise(y, *arguments), back)
    # Of 17 filters, parts that are not equally large.
    kernels.setattr(fused, "_PART", 4)
    assert relative_l2(fused.synthesise(y, *arguments), adjoint) <= 3e-7


def test_coefficients_are_brought_into_form(generator: torch.Generator) -> None:
    """Kernels read pairs, for which an address must be a multiple of their size."""
    y = torch.randn(2, 7, 6, 8, generator=generator)
    odd = torch.cat([y.new_zeros(1), y.flatten()])[1:].view_as(y)
    assert odd.data_ptr() % 8 == 4
    for given in (y, odd, y.double(), y.mT.contiguous().mT):
        ready = fused._readable(given)
        assert torch.equal(ready, y)
        assert ready.is_contiguous()
        assert ready.dtype is torch.float32
        assert ready.data_ptr() % 8 == 0
    assert fused._readable(y) is y


def test_what_is_supported() -> None:
    assert fused.supports(torch.int32, (512, 128), True)
    assert not fused.supports(torch.int64, (512, 512), True)
    assert not fused.supports(torch.int32, (512, 512), False)
    assert not fused.supports(torch.int32, (500, 512), True)
    assert not fused.supports(torch.int32, (512, 2048), True)
