"""What is missing for CUDA is said when CUDA is asked for, and not before."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from nvrtc import SCALE, needs_nvrtc, write_source
from torch_radon.backends.cuda import cache, compiler, toolkit
from torch_radon.backends.cuda.describe import describe
from torch_radon.backends.cuda.errors import ToolkitError


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    toolkit.nvrtc.cache_clear()
    yield
    toolkit.nvrtc.cache_clear()


class Driver(ModuleType):
    """A driver that says its version and nothing else."""

    def __init__(self, version: int | None) -> None:
        super().__init__("cuda.bindings.driver")
        self.version = version

    def cuDriverGetVersion(self) -> tuple[int, int]:
        if self.version is None:
            raise RuntimeError("libcuda is not there")
        return 0, self.version


def _install(monkeypatch: pytest.MonkeyPatch, version: int | None) -> None:
    monkeypatch.setattr(toolkit, "driver", lambda: Driver(version))


@needs_nvrtc
@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("cuda.core", "cuda-core"),
        ("cuda.bindings.nvrtc", "cuda-bindings"),
        ("cuda.pathfinder", "cuda-pathfinder"),
    ],
)
@pytest.mark.parametrize(("built", "extra"), [("12.8", "cu12"), ("13.0", "cu13"), (None, "cu13")])
def test_a_missing_package(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    module: str,
    package: str,
    built: str | None,
    extra: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(torch.version, "cuda", built)
    for _ in range(2):
        with pytest.raises(ToolkitError) as caught:
            compiler.load_or_compile(write_source(tmp_path), [SCALE], "sm_90")
        assert f"need the package {package}: pip install" in str(caught.value)
        assert f'"torch-radon[{extra}]"' in str(caught.value)
    assert package in describe()["cuda compiler"]
    # It can be installed between two tries.
    monkeypatch.undo()
    assert toolkit.nvrtc().version[0] >= 12


@needs_nvrtc
def test_a_cuda_core_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.core", ModuleType("cuda.core"))
    with pytest.raises(ToolkitError, match="cuda-core"):
        toolkit.nvrtc()


@needs_nvrtc
def test_a_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    import cuda.pathfinder

    def fail(name: str) -> None:
        raise cuda.pathfinder.DynamicLibNotFoundError(f"no {name} here")

    monkeypatch.setattr(cuda.pathfinder, "load_nvidia_dynamic_lib", fail)
    with pytest.raises(ToolkitError, match=r"(?s)NVRTC: pip install .*no nvrtc here"):
        toolkit.nvrtc()


@needs_nvrtc
def test_missing_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    import cuda.pathfinder

    monkeypatch.setattr(cuda.pathfinder, "find_nvidia_header_directory", lambda name: None)
    with pytest.raises(ToolkitError, match="headers of the CUDA runtime: pip install"):
        toolkit.nvrtc()


@needs_nvrtc
def test_a_driver_of_an_earlier_major_version(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, 1000 * (toolkit.nvrtc().version[0] - 1) + 80)
    with pytest.raises(ToolkitError, match=r"serves CUDA up to \d+\.8 and cannot load .*update"):
        toolkit.check_driver()
    assert "update the driver" in describe()["cuda driver"]


@needs_nvrtc
@pytest.mark.parametrize("newer", [0, 1])
def test_a_driver_that_fits(monkeypatch: pytest.MonkeyPatch, newer: int) -> None:
    major = toolkit.nvrtc().version[0] + newer
    _install(monkeypatch, 1000 * major)
    toolkit.check_driver()
    assert describe()["cuda driver"] == f"for CUDA {major}.0"


def test_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, None)
    with pytest.raises(ToolkitError, match=r"(?s)need a driver .*libcuda is not there"):
        toolkit.check_driver()
    assert describe()["cuda driver"] == "CUDA kernels need a driver for an NVIDIA GPU"


def test_the_cache_is_described(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    cache.store("key", bytes(2**20))
    assert describe()["cuda cache"] == f"{tmp_path}, 1 kernels, 1.0 MiB"
    monkeypatch.setenv(cache.VARIABLE, os.devnull)
    assert describe()["cuda cache"].endswith("not writable")
    monkeypatch.setattr(cache, "folder", lambda: None)
    assert "TORCH_RADON_CACHE_DIR" in describe()["cuda cache"]


def test_the_backend_is_imported_without_any_of_it() -> None:
    program = """
import sys
sys.modules["cuda"] = None
import torch_radon, torch_radon.backends.cuda.runtime
print(*[name for name in sys.modules if name.startswith("cuda.")])
print(torch_radon.backends.cuda.runtime.Module("none.cu", {"f": "P"}).kernels)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.splitlines() == ["", "{'f': 'P'}"]
