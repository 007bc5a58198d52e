"""The CUDA kernels, run on the CPU by a small emulator, against the CPU backend.

It needs a C++20 compiler and no GPU. Float32 and float64 are run in every layout; the storage types
of half precision differ from float32 in two conversions only.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import torch_radon as tr
from torch_radon.backends.cuda.launch import _PACK_TILE, _PAD, FAMILIES, NAMES
from torch_radon.backends.cuda.layout import Layout
from torch_radon.backends.cuda.runtime import KERNELS
from torch_radon.geometry.grid import BEAMS

EMULATOR = Path(__file__).parent / "emulator"
DTYPES = (torch.float32, torch.float64)
ANGLES = np.array([0.0, 0.3, np.pi / 4, 1.7, 3.9])
VOLUME = tr.Volume((13, 19), spacing=(0.9, 1.2), center=(1.0, -2.0))
FAN: dict[str, Any] = {"source_distance": 30.0, "detector_distance": 20.0}
NEAR: dict[str, Any] = {"source_distance": 14.0, "detector_distance": 6.0}
SCANS = {
    "parallel": tr.parallel_beam(ANGLES, 23, 1.1, detector_offset=2.0),
    "fine": tr.parallel_beam(ANGLES, 61, 0.4),
    "coarse": tr.parallel_beam(ANGLES, 7, 4.0),
    "flat": tr.fan_beam(ANGLES, 23, 1.6, **FAN),
    "curved": tr.fan_beam(ANGLES, 23, 1.6, curved=True, **FAN),
    "fine fan": tr.fan_beam(ANGLES, 90, 0.4, **FAN),
    # More than a block keeps in shared memory at once.
    "many views": tr.parallel_beam(np.arange(150) * 0.1, 9, 2.0),
    "many views, flat": tr.fan_beam(np.arange(150) * 0.1, 9, 2.0, **FAN),
    "near source": tr.fan_beam(ANGLES, 41, 1.3, **NEAR),
    "near source, curved": tr.fan_beam(ANGLES, 41, 1.3, curved=True, **NEAR),
}
GEOMETRY = (
    "const double* views, double spacing_y, double spacing_x, int beam, int view_count, "
    "int columns, int height, int width, int batch"
)
NUMBERS = "views, spacing_y, spacing_x, beam, view_count, columns, height, width, batch"


class Dim3(ctypes.Structure):
    _fields_ = [(axis, ctypes.c_int) for axis in "xyz"]


def symbol(layout: Layout, dtype: torch.dtype) -> str:
    return "_".join(map(str, (NAMES[dtype], layout.vec, layout.lanes, layout.packs)))


def wrapper(name: str) -> str:
    """C++ that gives each instantiation of a kernel a name to call it by."""
    lines = ['#include "emulator.h"', f'#include "{KERNELS / FAMILIES[name].source}"']
    if FAMILIES[name].second == "rays":
        lines.append(f'#include "{KERNELS / "ray_weights.cu"}"')
    for dtype in DTYPES:
        number = NAMES[dtype]
        second = f"(const {number}*)second, " if FAMILIES[name].second == "transposed" else ""
        if FAMILIES[name].second == "rays":
            second = f"(const RayWeight<{number}>*)second, "
            lines.append(
                f'extern "C" void table_{number}(Dim3 grid, {GEOMETRY}, void* out) {{ '
                f"launch(grid, {{256, 1, 1}}, [=] {{ ray_weights<{number}>({NUMBERS}, "
                f"(RayWeight<{number}>*)out); }}); }}"
            )
        lines += [
            f'extern "C" void run_{symbol(layout, dtype)}(Dim3 grid, Dim3 block, '
            f"const void* first, const void* second, {GEOMETRY}, void* out) {{ "
            f"launch(grid, block, [=] {{ {FAMILIES[name].name(name, layout, dtype, dtype)}("
            f"(const {number}*)first, {second}{NUMBERS}, ({number}*)out); }}); }}"
            for layout in FAMILIES[name].layouts[dtype]
        ]
    return "\n".join(lines)


def packing() -> str:
    lines = ['#include "emulator.h"', f'#include "{KERNELS / "pack.cu"}"']
    for dtype in DTYPES:
        number = NAMES[dtype]
        packs = {
            layout.vec * layout.lanes
            for family in FAMILIES.values()
            for layout in family.layouts[dtype]
        }
        lines += [
            f'extern "C" void pack_{number}_{items}_{both}(Dim3 grid, const {number}* in, '
            f"i64 n, i64 l, i64 m, int batch, int lines, int pixels, {number}* straight, {number}* "
            f"transposed) {{ launch(grid, {{256, 1, 1}}, [=] {{ pack<{number}, {items}, "
            f"{both}>(in, n, l, m, batch, lines, pixels, straight, transposed); }}); }}"
            for items in sorted(packs)
            for both in ("false", "true")
        ]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], ctypes.CDLL]:
    """Compile C++ to a library, once a name."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    folder = tmp_path_factory.mktemp("emulated")
    libraries: dict[str, ctypes.CDLL] = {}

    def compile_once(name: str, source: str) -> ctypes.CDLL:
        if name not in libraries:
            file, library = folder / f"{name}.cpp", folder / f"{name}.so"
            file.write_text(source)
            command = [
                compiler,
                "-std=c++20",
                "-O1",
                "-fPIC",
                "-shared",
                "-pthread",
                f"-I{EMULATOR}",
            ]
            done = subprocess.run(
                [*command, f"-I{KERNELS}", "-o", library, file], capture_output=True, text=True
            )
            if "unrecognized" in done.stderr or "invalid value 'c++20'" in done.stderr:
                pytest.skip("the C++ compiler is older than C++20")
            assert done.returncode == 0, done.stderr
            libraries[name] = ctypes.CDLL(str(library))
        return libraries[name]

    return compile_once


def emulate(
    build: Callable[[str, str], ctypes.CDLL],
    name: str,
    data: Tensor,
    operator: tr.Projector | tr.Backprojector,
    layout: Layout,
) -> Tensor:
    """Do what launch.py does, with the emulator in the place of the GPU."""
    scan, (height, width) = operator.scan, operator.volume.shape
    family, number = FAMILIES[name], NAMES[data.dtype]
    marching = family.second == "transposed"
    batch, lines, pixels = data.shape
    items, groups = layout.vec * layout.lanes, -(-batch // layout.items) * layout.packs
    # What a kernel fails to write stays NaN.
    shape = scan.shape if marching else (height, width)
    out = torch.full((batch, *shape), torch.nan, dtype=data.dtype)
    first = torch.full((groups, lines, pixels + 2 * _PAD, items), torch.nan, dtype=data.dtype)
    second = torch.full((groups, pixels, lines + 2 * _PAD, items), torch.nan, dtype=data.dtype)
    tiles = [-(-(size + 2 * _PAD) // _PACK_TILE) for size in (pixels, lines)]
    both = str(marching).lower()
    getattr(build("pack", packing()), f"pack_{number}_{items}_{both}")(
        Dim3(*tiles, groups),
        ctypes.c_void_p(data.data_ptr()),
        *map(ctypes.c_longlong, data.stride()),
        *map(ctypes.c_int, data.shape),
        ctypes.c_void_p(first.data_ptr()),
        ctypes.c_void_p(second.data_ptr()),
    )
    library = build(name, wrapper(name))
    geometry = (
        ctypes.c_void_p(operator._views.data_ptr()),
        *map(ctypes.c_double, operator.volume.spacing),
        *map(
            ctypes.c_int,
            (BEAMS.index(operator._geometry[0]), *scan.shape, height, width, batch),
        ),
    )
    if family.second == "rays":
        second = torch.full((*scan.shape, 2), torch.nan, dtype=data.dtype)
        grid = Dim3(-(-scan.columns // 256), scan.views, 1)
        getattr(library, f"table_{number}")(grid, *geometry, ctypes.c_void_p(second.data_ptr()))
    getattr(library, f"run_{symbol(layout, data.dtype)}")(
        Dim3(*family.grid(layout, batch, *shape)),
        Dim3(*family.block(layout)),
        ctypes.c_void_p(first.data_ptr()),
        ctypes.c_void_p(second.data_ptr()),
        *geometry,
        ctypes.c_void_p(out.data_ptr()),
    )
    return out


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("direction", ["forward", "adjoint", "backproject", "backproject_adjoint"])
@pytest.mark.parametrize("name", SCANS)
def test_every_layout_agrees_with_the_cpu(
    name: str,
    direction: str,
    dtype: torch.dtype,
    build: Callable[[str, str], ctypes.CDLL],
    generator: torch.Generator,
) -> None:
    make = tr.Backprojector if direction.startswith("backproject") else tr.Projector
    operator = make(VOLUME, SCANS[name])
    applied = operator.T if direction.endswith("adjoint") else operator
    kernel = direction
    if direction == "adjoint":
        kernel = f"adjoint_{operator._geometry[0]}"
    if direction == "backproject":
        kernel = f"backproject_{operator.scan.beam}"
    data = torch.randn(3, *applied.domain_shape, dtype=dtype, generator=generator)
    layouts = FAMILIES[kernel].layouts[dtype]
    results = [emulate(build, kernel, data, operator, layout) for layout in layouts]
    expected = applied(data)
    bound = 2e-6 if dtype == torch.float32 else 1e-12
    assert (results[0] - expected).norm() <= bound * expected.norm()
    for result in results[1:]:
        assert torch.equal(result, results[0])
