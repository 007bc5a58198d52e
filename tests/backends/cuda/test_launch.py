"""Kernels run on a GPU: on the current stream, in graphs, in threads, on every device."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import backends_under_test
from nvrtc import KERNELS, REVERSE, SCALE, write_source
from torch_radon.backends.cuda import cache, toolkit
from torch_radon.backends.cuda.errors import CudaError
from torch_radon.backends.cuda.runtime import Kernel, Module, on_device

pytestmark = pytest.mark.cuda

N = 1000


@pytest.fixture(autouse=True)
def gpu() -> None:
    backends_under_test.skip_or_fail("cuda")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(Module, "declared", [])
    return Module(str(write_source(tmp_path / "kernels")), KERNELS)


@pytest.fixture
def x() -> Iterator[torch.Tensor]:
    yield torch.arange(N, dtype=torch.float32, device="cuda")
    torch.cuda.synchronize()


def _scale(kernel: Kernel, x: torch.Tensor, y: torch.Tensor) -> None:
    addresses = x.data_ptr(), y.data_ptr()
    with on_device(x.device) as stream:
        kernel.launch(((N + 127) // 128, 1, 1), (128, 1, 1), stream, *addresses, N, 0.5, -3, 0.25)


def _expected(x: torch.Tensor) -> torch.Tensor:
    return x.float() - 2.75


@pytest.mark.parametrize("name", [SCALE, "scale<__half, 2>"])
def test_the_numbers(module: Module, x: torch.Tensor, name: str) -> None:
    x = x.to(torch.float16 if "half" in name else torch.float32)
    y = torch.full((N,), torch.nan, device="cuda")
    _scale(module.get(name, x.device), x, y)
    torch.testing.assert_close(y, _expected(x), rtol=0, atol=0)


def test_from_the_disk_cache(module: Module, x: torch.Tensor) -> None:
    module.get(SCALE, x.device)
    again = Module(str(module.source), KERNELS)
    y = torch.empty_like(x)
    _scale(again.get(SCALE, x.device), x, y)
    torch.testing.assert_close(y, _expected(x), rtol=0, atol=0)


def test_much_shared_memory(module: Module, x: torch.Tensor) -> None:
    attribute = "CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN"
    driver = toolkit.driver()
    _, limit = driver.cuDeviceGetAttribute(
        getattr(driver.CUdevice_attribute, attribute), x.get_device()
    )
    x = torch.arange(limit // 4, dtype=torch.float32, device="cuda")
    expected = x.flip(0)
    kernel = module.get(REVERSE, x.device)
    with on_device(x.device) as stream:
        kernel.launch((1, 1, 1), (256, 1, 1), stream, x.data_ptr(), len(x), shared=limit)
        torch.testing.assert_close(x, expected, rtol=0, atol=0)
        with pytest.raises(CudaError, match=r"reverse.*INVALID_VALUE"):
            kernel.launch((1, 1, 1), (256, 1, 1), stream, x.data_ptr(), len(x), shared=limit + 4)


def test_arguments_that_do_not_fit(module: Module, x: torch.Tensor) -> None:
    kernel = module.get(REVERSE, x.device)
    with on_device(x.device) as stream:
        for wrong in [(0,), (0, 1, 2), (0, 1.5), ("x", 1), (x, 1)]:
            with pytest.raises(TypeError):
                kernel.launch((1, 1, 1), (1, 1, 1), stream, *wrong)  # type: ignore[arg-type]
        with pytest.raises(CudaError, match="INVALID_VALUE"):
            kernel.launch((0, 1, 1), (1, 1, 1), stream, 0, 1)


def test_a_side_stream(module: Module, x: torch.Tensor) -> None:
    kernel = module.get(SCALE, x.device)
    side = torch.cuda.Stream()
    y = torch.zeros_like(x)
    # The first time takes longer: code is loaded, and waits for what runs.
    x += 0
    _scale(kernel, x, y)
    torch.cuda.synchronize()
    with torch.cuda.stream(side):
        # About 0.1 s. A launch on another stream would read x before it is set.
        torch.cuda._sleep(200_000_000)
        x += 1
        _scale(kernel, x, y)
        done = side.record_event()
    assert not done.query()
    side.synchronize()
    torch.testing.assert_close(y, _expected(x), rtol=0, atol=0)


@pytest.mark.parametrize("prepared", [True, False])
def test_graph_capture(module: Module, x: torch.Tensor, prepared: bool) -> None:
    if prepared:
        module.prepare(x.device, SCALE)
    y = torch.zeros_like(x)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        _scale(module.get(SCALE, x.device), x, y)
    torch.cuda.synchronize()
    assert not y.any(), "captured work was run"
    for _ in range(2):
        x += 1
        graph.replay()
        torch.testing.assert_close(y, _expected(x), rtol=0, atol=0)


@pytest.mark.parametrize("streams", ["default stream", "side streams"])
def test_new_threads(module: Module, x: torch.Tensor, streams: str) -> None:
    kernel = module.get(SCALE, x.device)
    outputs = [torch.zeros_like(x) for _ in range(8)]
    sides = [torch.cuda.Stream() for _ in outputs]
    torch.cuda.synchronize()
    errors: list[BaseException] = []

    def work(y: torch.Tensor, side: torch.cuda.Stream) -> None:
        try:
            with torch.cuda.stream(side if streams == "side streams" else None):
                for _ in range(100):
                    _scale(kernel, x, y)
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(outputs, sides, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    torch.cuda.synchronize()
    for y in outputs:
        torch.testing.assert_close(y, _expected(x), rtol=0, atol=0)


def test_every_device(module: Module) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("one CUDA device")
    for index in reversed(range(torch.cuda.device_count())):
        device = torch.device("cuda", index)
        x = torch.arange(N, dtype=torch.float32, device=device)
        y = torch.zeros_like(x)
        _scale(module.get(SCALE, device), x, y)
        torch.testing.assert_close(y, _expected(x), rtol=0, atol=0)
        assert torch.cuda.current_device() == 0


def test_host_time_of_a_launch(module: Module, x: torch.Tensor) -> None:
    y = torch.zeros_like(x)

    def call() -> None:
        _scale(module.get(SCALE, x.device), x, y)

    times = []
    for _ in range(20):
        call()
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(100):
            call()
        times.append((time.perf_counter() - start) / 100)
    print(f"\none launch, device and stream included: {1e6 * min(times):.2f} us")
    # Far from what it takes, near enough to notice a launch that synchronises or compiles.
    assert min(times) < 30e-6
