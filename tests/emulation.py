"""Runs CUDA kernels on the CPU, in the emulator beside the tests of the CUDA backend."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from torch_radon.backends.cuda.runtime import KERNELS

EMULATOR = Path(__file__).parent / "backends" / "cuda" / "emulator"
TYPES: dict[str, Any] = {
    "P": ctypes.c_void_p,
    "i": ctypes.c_int,
    "I": ctypes.c_uint,
    "q": ctypes.c_longlong,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}
KINDS = {"P": "void*", "i": "int", "I": "unsigned", "q": "long long", "f": "float", "d": "double"}


class Dim3(ctypes.Structure):
    _fields_ = [(axis, ctypes.c_int) for axis in "xyz"]


def symbol(name: str) -> str:
    """Return what a kernel is called in C."""
    return re.sub(r"\W+", "_", name.replace("-", "minus"))


def library(source: Path, kernels: dict[str, str], folder: Path) -> ctypes.CDLL:
    """Compile a source with a C function for each kernel, whose parameters have these letters."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    lines = ['#include "tensor_cores.h"', f'#include "{source}"']
    # A pointer of any type, as the driver passes them.
    lines.append(
        "struct Any { void* p; template <typename T> operator T*() const { return (T*)p; } };"
    )
    for name, letters in kernels.items():
        kinds = [KINDS[letter] for letter in letters]
        parameters = ", ".join(f"{kind} a{i}" for i, kind in enumerate(kinds))
        passed = ", ".join(
            f"Any{{a{i}}}" if letter == "P" else f"a{i}" for i, letter in enumerate(letters)
        )
        lines.append(
            f'extern "C" void {symbol(name)}(Dim3 grid, Dim3 block, {parameters}) '
            f"{{ launch(grid, block, [=] {{ {name}({passed}); }}); }}"
        )
    program, target = folder / f"{source.stem}.cpp", folder / f"{source.stem}.so"
    program.write_text("\n".join(lines))
    options = ["-std=c++20", "-O1", "-fPIC", "-shared", "-pthread", f"-I{EMULATOR}", f"-I{KERNELS}"]
    done = subprocess.run(
        [compiler, *options, "-o", target, program], capture_output=True, text=True
    )
    if "unrecognized" in done.stderr or "invalid value 'c++20'" in done.stderr:
        pytest.skip("the C++ compiler is older than C++20")
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(target))


class Emulated:
    """Stands for a `Module` whose kernels run in the emulator."""

    def __init__(self, source: Path, kernels: dict[str, str], folder: Path) -> None:
        self._kernels, self._library = kernels, library(source, kernels, folder)

    def get(self, name: str, device: torch.device) -> Kernel:
        """See `Module.get`."""
        return Kernel(getattr(self._library, symbol(name)), self._kernels[name])


class Kernel:
    """Stands for a `runtime.Kernel`."""

    def __init__(self, function: Any, letters: str) -> None:
        self._function, self._letters = function, letters

    def launch(
        self, grid: tuple[int, ...], block: tuple[int, ...], stream: int, *values: float
    ) -> None:
        """See `runtime.Kernel.launch`."""
        arguments = [
            TYPES[letter](value) for letter, value in zip(self._letters, values, strict=True)
        ]
        self._function(Dim3(*grid), Dim3(*block), *arguments)
