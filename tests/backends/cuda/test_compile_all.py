"""Every packaged kernel compiles for every architecture, without a GPU and without spills."""

from __future__ import annotations

import pkgutil
import struct
from importlib import import_module
from pathlib import Path

import pytest

import torch_radon.backends.cuda
from cubins import parameter_sizes, resources
from nvrtc import KERNELS, SCALE, needs_nvrtc, write_source
from torch_radon.backends.cuda import runtime, toolkit
from torch_radon.backends.cuda.compiler import compile_kernels
from torch_radon.backends.cuda.runtime import Module

pytestmark = needs_nvrtc

ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")


def _packaged() -> list[Module]:
    package = torch_radon.backends.cuda
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        import_module(module.name)
    return [module for module in Module.declared if module.source.parent == runtime.KERNELS]


PACKAGED = _packaged()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("module", PACKAGED, ids=lambda module: module.source.name)
def test_compiles_without_spills(module: Module, architecture: str) -> None:
    if architecture not in toolkit.nvrtc().architectures:
        pytest.skip(f"{toolkit.nvrtc().name} does not compile for {architecture}")
    _check(module, architecture)


def _check(module: Module, architecture: str) -> None:
    cubin = compile_kernels(module.source, list(module.kernels), architecture, ["-v"])
    found, sizes = resources(cubin.log), parameter_sizes(cubin.code)
    assert "warning" not in cubin.log, cubin.log
    spilled = {}
    for name, letters in module.kernels.items():
        symbol = cubin.symbols[name]
        taken = found[symbol]
        if taken.spill_stores or taken.spill_loads:
            spilled[name] = taken
        expected = [struct.calcsize(letter) for letter in letters]
        assert sizes[symbol] == expected, f"the parameters of {name} are not {letters!r}"
    assert not spilled


def test_every_packaged_source_is_declared() -> None:
    declared = {module.source for module in PACKAGED}
    assert declared == set(runtime.KERNELS.glob("*.cu"))


# These checks fail where they should.

SPILLING = """
__global__ void __launch_bounds__(1024, 2) hoard(float* x) {
    float values[128];
    #pragma unroll
    for (int i = 0; i < 128; ++i) values[i] = x[i * 1024 + threadIdx.x];
    __syncthreads();
    #pragma unroll
    for (int i = 0; i < 128; ++i) x[(127 - i) * 1024 + threadIdx.x] = values[i] * values[5];
}
"""


def _module(source: Path, kernels: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Module:
    monkeypatch.setattr(Module, "declared", [])
    return Module(str(source), kernels)


def test_a_sound_kernel_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _check(_module(write_source(tmp_path), KERNELS, monkeypatch), "sm_90")


def test_a_spill_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "hoard.cu"
    source.write_text(SPILLING)
    with pytest.raises(AssertionError, match="spill_stores"):
        _check(_module(source, {"hoard": "P"}, monkeypatch), "sm_90")


@pytest.mark.parametrize("letters", ["PPifq", "PPifqf", "PPqfqd", "PPifqdi"])
def test_wrong_parameters_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, letters: str
) -> None:
    with pytest.raises(AssertionError, match="parameters of scale"):
        _check(_module(write_source(tmp_path), {SCALE: letters}, monkeypatch), "sm_90")
