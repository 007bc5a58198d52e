"""Kernels are compiled and loaded once, and launched with what their parameters are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import fake_driver
from fake_driver import FakeDriver
from nvrtc import KERNELS, REVERSE, SCALE, SOURCE, needs_nvrtc, write_source
from torch_radon.backends.cuda import cache, compiler, runtime
from torch_radon.backends.cuda.errors import CompilationError, CudaError
from torch_radon.backends.cuda.runtime import Module

pytestmark = needs_nvrtc

DEVICE = torch.device("cuda", 0)
GRID, BLOCK = (4, 2, 1), (32, 1, 1)


@pytest.fixture
def driver() -> Iterator[FakeDriver]:
    with fake_driver.installed() as driver:
        yield driver


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_source(tmp_path / "kernels")


@pytest.fixture
def module(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: FakeDriver
) -> Module:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(Module, "declared", [])
    return Module(str(source), KERNELS)


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names looked up or compiled so far, in order."""
    done: list[str] = []
    actual = compiler.load_or_compile

    def note(source, names, architecture):
        done.extend(names)
        return actual(source, names, architecture)

    monkeypatch.setattr(runtime, "load_or_compile", note)
    return done


def test_a_declaration_does_nothing(module: Module, driver: FakeDriver, tmp_path: Path) -> None:
    assert not driver.loads
    assert not (tmp_path / "cache").exists()
    assert Module.declared == [module]


def test_a_kernel_is_loaded_once(
    module: Module, driver: FakeDriver, compilations: list[str]
) -> None:
    kernel = module.get(SCALE, DEVICE)
    assert module.get(SCALE, DEVICE) is kernel
    assert module.get(SCALE, torch.device("cuda")) is kernel, "the current device is device 0"
    assert compilations == [SCALE]
    ((context, code),) = driver.loads
    assert context == 1000
    assert code.startswith(b"\x7fELF")
    assert driver.contexts == [1000], "the context was not restored"
    assert driver.shared_limits == [fake_driver.SHARED_LIMIT - fake_driver.STATIC_SHARED]


def test_loading_is_allowed_during_a_capture(module: Module, driver: FakeDriver) -> None:
    module.get(SCALE, DEVICE)
    relaxed = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
    assert driver.modes == [relaxed, "the mode before"]


def test_devices_share_code_but_not_kernels(
    module: Module, driver: FakeDriver, compilations: list[str]
) -> None:
    kernels = [module.get(SCALE, torch.device("cuda", index)) for index in (0, 1)]
    assert kernels[0] is not kernels[1]
    assert compilations == [SCALE]
    assert [context for context, _ in driver.loads] == [1000, 1001]


def test_prepare(module: Module, compilations: list[str]) -> None:
    module.prepare(DEVICE, REVERSE)
    assert compilations == [REVERSE]
    module.prepare(DEVICE)
    assert sorted(compilations) == sorted(KERNELS)


def test_threads_that_ask_at_once(
    module: Module, driver: FakeDriver, compilations: list[str]
) -> None:
    barrier = threading.Barrier(8)
    kernels = []

    def ask() -> None:
        barrier.wait()
        kernels.append(module.get(SCALE, DEVICE))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kernels) == 8
    assert len(set(map(id, kernels))) == 1
    assert compilations == [SCALE]


def test_a_launch(module: Module, driver: FakeDriver) -> None:
    x, y = torch.ones(3), torch.ones(4)
    driver.letters = KERNELS[SCALE]
    values = [x.data_ptr(), y.data_ptr(), -3, 0.5, 2**40, 1e300]
    for stream in (0, 77, 2**40):
        module.get(SCALE, DEVICE).launch(GRID, BLOCK, stream, *values, shared=100_000)
        launch = driver.launches.pop()
        assert launch.function == "_Z5scaleIfLi2EEvPKT_Pfifxd of module in 1000"
        assert launch.numbers == [*GRID, *BLOCK, 100_000, stream]
        assert launch.values == values


def test_threads_do_not_share_parameters(module: Module, driver: FakeDriver) -> None:
    kernel = module.get(REVERSE, DEVICE)
    driver.letters = KERNELS[REVERSE]
    barrier = threading.Barrier(2)
    launch_kernel = kernel._launch

    def slow_launch(*arguments: int) -> int:
        barrier.wait()
        return launch_kernel(*arguments)

    def launch(number: int) -> None:
        driver.contexts.append(1000)
        kernel.launch(GRID, BLOCK, 0, 0, number)

    kernel._launch = slow_launch
    threads = [threading.Thread(target=launch, args=(number,)) for number in (5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(launch.values for launch in driver.launches) == [[0, 5], [0, 6]]


@pytest.mark.parametrize("arguments", [(0,), (0, 5, 5), (0, 2.5), (0, 2**40), ("x", 5)])
def test_arguments_that_do_not_fit(
    module: Module, driver: FakeDriver, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(TypeError, match="arguments do not fit the kernel's parameters"):
        module.get(REVERSE, DEVICE).launch(GRID, BLOCK, 0, *arguments)
    assert not driver.launches


def test_a_launch_in_a_thread_without_a_context(module: Module, driver: FakeDriver) -> None:
    kernel = module.get(REVERSE, torch.device("cuda", 1))
    driver.letters = KERNELS[REVERSE]
    found = []

    def launch() -> None:
        kernel.launch(GRID, BLOCK, 0, 0, 5)
        found.extend(driver.contexts)

    thread = threading.Thread(target=launch)
    thread.start()
    thread.join()
    assert found == [1001]
    assert len(driver.launches) == 1


def test_a_refused_launch(module: Module, driver: FakeDriver) -> None:
    kernel = module.get(REVERSE, DEVICE)
    driver.letters = KERNELS[REVERSE]
    driver.failures["cuLaunchKernel"] = driver.CUresult.CUDA_ERROR_INVALID_VALUE
    with pytest.raises(CudaError) as caught:
        kernel.launch(GRID, BLOCK, 0, 0, 5, shared=3)
    assert str(caught.value) == (
        "reverse, grid (4, 2, 1), block (32, 1, 1), 3 B shared: "
        "CUDA_ERROR_INVALID_VALUE (words about it)"
    )


def test_code_that_the_driver_refuses(module: Module, driver: FakeDriver) -> None:
    driver.failures["cuModuleLoadData"] = driver.CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU
    for _ in range(2):
        with pytest.raises(CudaError, match="cuModuleLoadData: CUDA_ERROR_NO_BINARY_FOR_GPU"):
            module.get(REVERSE, DEVICE)
    assert driver.contexts == [1000]
    assert len(driver.modes) == 4


def test_a_failure_is_remembered(module: Module, source: Path, compilations: list[str]) -> None:
    source.write_text(SOURCE.replace("kFactor", "kUnknown"))
    errors = []
    for _ in range(3):
        with pytest.raises(CompilationError, match='identifier "kUnknown" is undefined') as caught:
            module.get(SCALE, DEVICE)
        errors.append(caught.value)
    assert compilations == [SCALE]
    assert len({str(error) for error in errors}) == 1
    assert errors[2] is not errors[1], "tracebacks pile up on one exception"


def test_an_undeclared_kernel(module: Module) -> None:
    with pytest.raises(KeyError, match=r"scale.cu has no kernel 'shrink', only .*reverse"):
        module.get("shrink", DEVICE)


def test_an_unknown_letter() -> None:
    with pytest.raises(ValueError, match=r"parameters of 'f' are 'Pz'.*one of P, i, I"):
        Module("none.cu", {"f": "Pz"})
