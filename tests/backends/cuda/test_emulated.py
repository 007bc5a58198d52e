"""The CUDA kernels, run on the CPU by a small emulator, against the CPU backend.

What launches them runs as it is: only kernels and streams are replaced. It needs a C++20 compiler
and no GPU. Kernels are run in float32 and float64, in every layout. In half precision, where only
conversions differ, the forward projection stands for all but those on tensor cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import torch_radon as tr
from emulation import Emulated
from torch_radon.backends import Geometry2D, cuda
from torch_radon.backends.cuda import launch as calls
from torch_radon.backends.cuda.families import FAMILIES
from torch_radon.backends.cuda.layout import Layout
from torch_radon.backends.cuda.runtime import Module

ANGLES = np.array([0.0, 0.3, np.pi / 4, 1.7, 3.9])
VOLUME = tr.Volume((13, 19), spacing=(0.9, 1.2), center=(1.0, -2.0))
FAN: dict[str, Any] = {"source_distance": 30.0, "detector_distance": 20.0}
NEAR: dict[str, Any] = {"source_distance": 14.0, "detector_distance": 6.0}
SCANS = {
    "parallel": tr.parallel_beam(ANGLES, 23, 1.1, detector_offset=2.0),
    "fine": tr.parallel_beam(ANGLES, 61, 0.4),
    "very fine": tr.parallel_beam(ANGLES, 151, 0.13),
    "coarse": tr.parallel_beam(ANGLES, 7, 4.0),
    "beside the image": tr.parallel_beam(ANGLES, 9, 1.1, detector_offset=14.0),
    "one column": tr.parallel_beam(ANGLES, 1, 3.0),
    "one view": tr.parallel_beam([0.4], 23, 1.1),
    "flat": tr.fan_beam(ANGLES, 23, 1.6, **FAN),
    "curved": tr.fan_beam(ANGLES, 23, 1.6, curved=True, **FAN),
    "fine fan": tr.fan_beam(ANGLES, 90, 0.4, **FAN),
    # More than a block keeps in shared memory at once.
    "many views": tr.parallel_beam(np.arange(131) * 0.1, 9, 2.0),
    "many views, flat": tr.fan_beam(np.arange(131) * 0.1, 9, 2.0, **FAN),
    "near source": tr.fan_beam(ANGLES, 41, 1.3, **NEAR),
    "near source, curved": tr.fan_beam(ANGLES, 41, 1.3, curved=True, **NEAR),
}
ON_TENSOR_CORES = [name for name in SCANS if "curved" not in name]
# Half of what the last bit of a number is worth, over the number; and how exact weights of two such
# numbers are.
HALF = {torch.float16: (2.0**-11, 1e-6), torch.bfloat16: (2.0**-8, 2e-5)}
# Others would take long to compile.
IN_ALL_TYPES = ("pack.cu", "joseph_forward.cu")

Run = Callable[[str, tr.Projector | tr.Backprojector, Tensor, Layout], Tensor]


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Module], Emulated]:
    """Compile a module for the emulator, once."""
    folder: Path = tmp_path_factory.mktemp("emulated")
    found: dict[str, Emulated] = {}

    def compiled(module: Module) -> Emulated:
        name = module.source.name
        if name not in found:
            chosen = {
                kernel: letters
                for kernel, letters in module.kernels.items()
                if name in IN_ALL_TYPES or "<float" in kernel or "<double" in kernel
            }
            found[name] = Emulated(module.source, chosen or module.kernels, folder)
        return found[name]

    return compiled


@pytest.fixture
def run(emulated: Callable[[Module], Emulated], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Apply the kernel of a family in a layout, as the CUDA backend does."""

    @contextmanager
    def on_device(device: torch.device) -> Iterator[int]:
        yield 0

    new_empty = Tensor.new_empty

    def unset(self: Tensor, *size: Any, **options: Any) -> Tensor:
        # What a kernel fails to write stays NaN.
        return new_empty(self, *size, **options).fill_(torch.nan)

    monkeypatch.setattr(Module, "get", lambda self, name, device: emulated(self).get(name, device))
    monkeypatch.setattr(calls, "on_device", on_device)
    monkeypatch.setattr(Tensor, "new_empty", unset)

    def applied(
        family: str, operator: tr.Projector | tr.Backprojector, data: Tensor, layout: Layout
    ) -> Tensor:
        kernel = "backproject_2d" if family.startswith("backproject") else "joseph_2d"
        if "adjoint" in family:
            kernel += "_adjoint"
        monkeypatch.setattr(calls, "_fastest", lambda *_: (family, layout))
        calls._call.cache_clear()
        geometry = Geometry2D(operator._views, *operator._geometry)
        return getattr(cuda, kernel)(data, geometry, data.dtype)

    yield applied
    calls._call.cache_clear()


def volume_of(name: str) -> tr.Volume:
    # An emulated view takes long.
    return tr.Volume((5, 7)) if "many" in name else VOLUME


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("direction", ["forward", "adjoint", "backproject", "backproject_adjoint"])
@pytest.mark.parametrize("name", SCANS)
def test_every_layout_agrees_with_the_cpu(
    name: str, direction: str, dtype: torch.dtype, run: Run, generator: torch.Generator
) -> None:
    make = tr.Backprojector if direction.startswith("backproject") else tr.Projector
    operator = make(volume_of(name), SCANS[name])
    applied = operator.T if direction.endswith("adjoint") else operator
    family = direction
    if direction == "adjoint":
        family = f"adjoint_{operator._geometry[0]}"
    if direction == "backproject":
        family = f"backproject_{operator.scan.beam}"
    data = torch.randn(3, *applied.domain_shape, dtype=dtype, generator=generator)
    expected = applied(data)
    layouts = FAMILIES[family].layouts[dtype]
    results = [run(family, operator, data, layout) for layout in layouts]
    bound = 2e-6 if dtype == torch.float32 else 1e-12
    assert (results[0] - expected).norm() <= bound * expected.norm()
    for result in results[1:]:
        assert torch.equal(result, results[0])


@pytest.mark.parametrize("dtype", HALF, ids=str)
@pytest.mark.parametrize("name", ["parallel", "flat", "beside the image"])
def test_half_precision_loses_nothing_but_the_rounding_of_the_result(
    name: str, dtype: torch.dtype, run: Run, generator: torch.Generator
) -> None:
    A = tr.Projector(VOLUME, SCANS[name])
    x = torch.randn(9, *A.domain_shape, generator=generator).to(dtype)
    exact = A(x.double())
    rounding, _ = HALF[dtype]
    for layout in FAMILIES["forward"].layouts[dtype]:
        result = run("forward", A, x, layout)
        assert result.dtype is dtype
        off = (result.double() - exact).abs()
        assert (off <= rounding * exact.abs() + 1e-6 * exact.abs().max()).all()


def on_tensor_cores(A: tr.Projector, dtype: torch.dtype) -> tuple[str, tuple[Layout, ...]]:
    family = f"adjoint_{A._geometry[0]}_tensor"
    return family, FAMILIES[family].layouts[dtype]


@pytest.mark.parametrize("dtype", HALF, ids=str)
@pytest.mark.parametrize("name", ON_TENSOR_CORES)
def test_tensor_cores_lose_nothing_but_the_rounding_of_the_result(
    name: str, dtype: torch.dtype, run: Run, generator: torch.Generator
) -> None:
    A = tr.Projector(volume_of(name), SCANS[name])
    y = torch.randn(3, *A.range_shape, generator=generator).to(dtype)
    exact = A.T(y.double())
    rounding, weights = HALF[dtype]
    family, layouts = on_tensor_cores(A, dtype)
    for layout in layouts:
        result = run(family, A, y, layout)
        assert result.dtype is dtype
        off = (result.double() - exact).abs()
        assert (off <= rounding * exact.abs() + weights * exact.abs().max()).all()


@pytest.mark.parametrize("name", ["parallel", "flat"])
def test_tensor_cores_on_batches_of_several_groups(
    name: str, run: Run, generator: torch.Generator
) -> None:
    A = tr.Projector(VOLUME, SCANS[name])
    family, (layout, *_) = on_tensor_cores(A, torch.float16)
    y = torch.randn(2, A.range_shape[1], 17, A.range_shape[0], generator=generator).half()
    # Not contiguous, and every other item.
    y = y.permute(2, 0, 3, 1)[:, 1]
    together = run(family, A, y, layout)
    for k in (0, 15, 16):
        assert torch.equal(together[k], run(family, A, y[k : k + 1], layout)[0])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["parallel", "fine", "flat"])
def test_tensor_cores_keep_what_is_not_finite_to_the_pixels_that_see_it(
    name: str, value: float, run: Run, generator: torch.Generator
) -> None:
    A = tr.Projector(VOLUME, SCANS[name])
    y = torch.randn(2, *A.range_shape, generator=generator).half()
    y[0, 2, A.range_shape[1] // 2] = value
    column = torch.zeros(A.range_shape, dtype=torch.float64)
    column[2, A.range_shape[1] // 2] = 1
    seen = A.T(column) > 1e-6
    assert seen.any()
    family, (layout, *_) = on_tensor_cores(A, torch.float16)
    result = run(family, A, y, layout)
    assert torch.equal(~result[0].isfinite(), seen)
    assert result[1].isfinite().all()
