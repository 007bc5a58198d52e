"""A CUDA driver that notes what it is told and does nothing, for machines without a GPU."""

from __future__ import annotations

import ctypes
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import torch

from torch_radon.backends.cuda import toolkit

SHARED_LIMIT, STATIC_SHARED = 200_000, 1000


class Launch(NamedTuple):
    """What a launch was told: grid, block, shared memory and stream, and the values it got."""

    function: str
    numbers: list[int]
    values: list[float]


class FakeDriver:
    """Stands in for `cuda.bindings.driver`, with its enumerations."""

    def __init__(self) -> None:
        from cuda.bindings import driver

        self.real: Any = driver
        self.ok: Any = driver.CUresult.CUDA_SUCCESS
        self.loads: list[tuple[int, bytes]] = []
        self.functions: list[str] = []
        self.launches: list[Launch] = []
        # What the parameters of a launch are, for whoever wants to read them: they are bare memory.
        self.letters = ""
        self.shared_limits: list[int] = []
        self.modes: list[Any] = []
        self.failures: dict[str, Any] = {}
        # Like CUDA's, a context is current in one thread and in no other.
        self.local = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    @property
    def contexts(self) -> list[int]:
        if not hasattr(self.local, "contexts"):
            self.local.contexts = []
        return self.local.contexts

    def cuGetErrorString(self, status):
        return self.ok, b"words about it"

    def cuDriverGetVersion(self):
        return self.ok, 99000

    def cuDeviceGet(self, index):
        return self.ok, index

    def cuDevicePrimaryCtxRetain(self, device):
        return self.ok, 1000 + device

    def cuCtxPushCurrent(self, context):
        self.contexts.append(context)
        return (self.ok,)

    def cuCtxPopCurrent(self):
        return self.ok, self.contexts.pop()

    def cuCtxSetCurrent(self, context):
        self.contexts[-1:] = [context]
        return (self.ok,)

    def cuCtxGetCurrent(self):
        return self.ok, self.contexts[-1] if self.contexts else 0

    def cuThreadExchangeStreamCaptureMode(self, mode):
        self.modes.append(mode)
        return self.ok, "the mode before"

    def cuModuleLoadData(self, code):
        if "cuModuleLoadData" in self.failures:
            return self.failures["cuModuleLoadData"], None
        self.loads.append((self.contexts[-1], code))
        return self.ok, f"module in {self.contexts[-1]}"

    def cuModuleGetFunction(self, module, symbol):
        self.functions.append(f"{symbol.decode()} of {module}")
        return self.ok, len(self.functions)

    def cuDeviceGetAttribute(self, attribute, device):
        return self.ok, SHARED_LIMIT

    def cuFuncGetAttribute(self, attribute, function):
        return self.ok, STATIC_SHARED

    def cuFuncSetAttribute(self, function, attribute, value):
        self.shared_limits.append(value)
        return (self.ok,)

    def launch_kernel(self, function, *arguments):
        """`cuLaunchKernel` as the library of the driver has it."""
        *numbers, parameters, extra = arguments
        if not self.contexts:
            return int(self.real.CUresult.CUDA_ERROR_INVALID_CONTEXT)
        assert extra is None
        numbers[-1] = numbers[-1].value or 0
        addresses = (ctypes.c_void_p * len(self.letters)).from_address(parameters.value)
        values = [
            struct.unpack(f"@{letter}", ctypes.string_at(address, struct.calcsize(f"@{letter}")))[0]
            for letter, address in zip(self.letters, addresses, strict=True)
        ]
        self.launches.append(Launch(self.functions[function.value - 1], numbers, values))
        return int(self.failures.get("cuLaunchKernel", self.ok))


@contextmanager
def installed(architecture: tuple[int, int] = (9, 0)) -> Iterator[FakeDriver]:
    """Let the runtime find this driver and devices of an architecture."""
    driver = FakeDriver()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toolkit, "driver", lambda: driver)
        patch.setattr(toolkit, "launcher", lambda: driver.launch_kernel)
        patch.setattr(torch.cuda, "get_device_capability", lambda device: architecture)
        patch.setattr(torch.cuda, "current_device", lambda: 0)
        driver.contexts.append(1000)
        yield driver
