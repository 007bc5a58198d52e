"""The packages that compile and launch CUDA kernels: found, checked and imported on demand.

`import torch_radon` works without any of them. Whoever asks for CUDA gets a `ToolkitError` that
says what is missing and what to install.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import torch

from torch_radon.backends.cuda.errors import ToolkitError


class Nvrtc(NamedTuple):
    """The compiler.

    Attributes
    ----------
    version : tuple of int
        Major and minor version.
    build : str
        Tells builds of one version apart.
    headers : Path
        Folder of ``cuda_fp16.h`` and its like.
    architectures : frozenset of str
        What it compiles for, as in ``"sm_90"``.
    """

    version: tuple[int, int]
    build: str
    headers: Path
    architectures: frozenset[str]

    @property
    def name(self) -> str:
        """Name and version for people."""
        return f"NVRTC {dotted(self.version)}"


def dotted(version: tuple[int, int]) -> str:
    """Write a version as NVIDIA does, for example ``13.0``."""
    return ".".join(str(number) for number in version)


# Failures are not kept: in a notebook a package may be installed between two tries.
@cache
def nvrtc() -> Nvrtc:
    """Find the compiler and its headers.

    Raises
    ------
    ToolkitError
        If a package is missing.
    """
    bindings = _module("cuda.bindings.nvrtc", "cuda-bindings")
    core()
    pathfinder = _module("cuda.pathfinder", "cuda-pathfinder")
    try:
        library = Path(pathfinder.load_nvidia_dynamic_lib("nvrtc").abs_path)
        _, major, minor = bindings.nvrtcVersion()
        _, architectures = bindings.nvrtcGetSupportedArchs()
    except RuntimeError as error:
        raise ToolkitError(f"CUDA kernels need the compiler NVRTC: {_remedy()}\n{error}") from error
    headers = pathfinder.find_nvidia_header_directory("cudart")
    if headers is None:
        raise ToolkitError(f"CUDA kernels need the headers of the CUDA runtime: {_remedy()}")
    return Nvrtc(
        version=(major, minor),
        build=f"{library.name} of {library.stat().st_size} bytes",
        headers=Path(headers),
        architectures=frozenset(f"sm_{number}" for number in architectures),
    )


def core() -> Any:
    """Return the module `cuda.core`.

    Raises
    ------
    ToolkitError
        If cuda-core is missing, or older than 1.0.
    """
    return _module("cuda.core", "cuda-core", "Program")


def driver() -> Any:
    """Return the module `cuda.bindings.driver`.

    Raises
    ------
    ToolkitError
        If cuda-bindings is missing.
    """
    return _module("cuda.bindings.driver", "cuda-bindings")


@cache
def launcher() -> Callable[..., int]:
    """Return the driver's function `cuLaunchKernel`, which returns a status.

    It takes a function, six sizes, bytes of shared memory, a stream, the address of a list of
    addresses of parameters, and null. Calling it costs less than calling that of `driver`, and half
    of that if its types are not declared: addresses have to come as `c_void_p`, null as None, and
    the sizes as numbers, which pass for C's int.

    Raises
    ------
    ToolkitError
        If there is no driver.
    """
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        return ctypes.CDLL(name).cuLaunchKernel
    except OSError as error:
        raise ToolkitError(f"CUDA kernels need a driver for an NVIDIA GPU\n{error}") from error


def driver_version() -> tuple[int, int]:
    """Return the latest CUDA version that the installed driver serves.

    Raises
    ------
    ToolkitError
        If there is no driver.
    """
    try:
        _, number = driver().cuDriverGetVersion()
    except RuntimeError as error:
        raise ToolkitError(f"CUDA kernels need a driver for an NVIDIA GPU\n{error}") from error
    return number // 1000, number % 1000 // 10


def check_driver() -> None:
    """Check that the driver can load what the compiler makes.

    Within one major version any driver loads any cubin.

    Raises
    ------
    ToolkitError
        If the driver is older than the compiler's major version.
    """
    installed, compiler = driver_version(), nvrtc()
    if installed[0] < compiler.version[0]:
        raise ToolkitError(
            f"the NVIDIA driver serves CUDA up to {dotted(installed)} and cannot load what "
            f"{compiler.name} compiles: update the driver, or install a PyTorch built for CUDA "
            f'{installed[0]} and pip install "torch-radon[cu{installed[0]}]"'
        )


def _module(name: str, package: str, attribute: str | None = None) -> Any:
    try:
        module = import_module(name)
        if attribute is not None:
            getattr(module, attribute)
    except (ImportError, AttributeError) as error:
        raise ToolkitError(
            f"CUDA kernels need the package {package}: {_remedy()}\n{error}"
        ) from error
    return module


def _remedy() -> str:
    """Name the extra that brings everything, for the CUDA version that PyTorch was built for."""
    major = (torch.version.cuda or "13").partition(".")[0]
    return f'pip install "torch-radon[cu{major}]"'
