"""Kernels by name: compiled and loaded when first asked for, then launched at little cost.

Parameters are packed into one buffer a kernel and thread, and launches go straight to the driver:
that costs the host half of what the packages for Python do, which wrap each parameter.
"""

from __future__ import annotations

import ctypes
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import torch

from torch_radon.backends.cuda import toolkit
from torch_radon.backends.cuda.compiler import Cubin, load_or_compile
from torch_radon.backends.cuda.errors import CompilationError, CudaError

KERNELS = Path(__file__).parent / "kernels"

# Letters of parameters, of the module `struct` as well.
_LETTERS = "PiIqQfd"

# Loading is rare and short work beside compiling, so that one lock serves all modules.
_lock = threading.RLock()


class Module:
    """The kernels of one source file.

    Nothing is compiled until a kernel is asked for, and then that kernel only.

    Parameters
    ----------
    source : str
        A ``.cu`` file in the folder `KERNELS`, or an absolute path.
    kernels : mapping of str to str
        The types of a kernel's parameters, a letter each, by the C++ expression that names the
        kernel, for example ``{"forward<float, 4>": "PPif"}``. ``P`` is a pointer, ``i`` and ``I``
        are signed and unsigned 32-bit integers, ``q`` and ``Q`` 64-bit ones, ``f`` is float and
        ``d`` is double.

    Raises
    ------
    ValueError
        If a letter is unknown.
    """

    declared: ClassVar[list[Module]] = []

    def __init__(self, source: str, kernels: Mapping[str, str]) -> None:
        for name, letters in kernels.items():
            unknown = set(letters) - set(_LETTERS)
            if unknown:
                raise ValueError(
                    f"kernels: the parameters of {name!r} are {letters!r}, where each letter must "
                    f"be one of {', '.join(_LETTERS)}"
                )
        self.source = KERNELS / source
        self.kernels = dict(kernels)
        self._loaded: dict[tuple[str, int | None], Kernel] = {}
        self._cubins: dict[tuple[str, str], Cubin] = {}
        self._failures: dict[tuple[str, str], CompilationError] = {}
        Module.declared.append(self)

    def get(self, name: str, device: torch.device) -> Kernel:
        """Return a kernel, ready to be launched on a device.

        Parameters
        ----------
        name : str
            As declared.
        device : torch.device
            A CUDA device.

        Returns
        -------
        Kernel

        Raises
        ------
        CompilationError
            With the compiler's log, at every call, if the source was rejected.
        ToolkitError
            If something that CUDA needs is missing or does not fit.
        CudaError
            If the driver refuses to load the kernel.
        KeyError
            If no kernel of that name was declared.
        """
        kernel = self._loaded.get((name, device.index))
        return self._load(name, device) if kernel is None else kernel

    def prepare(self, device: torch.device, *names: str) -> None:
        """Compile and load kernels that will be needed, all that were declared if none is named.

        Parameters
        ----------
        device : torch.device
            A CUDA device.
        *names : str
            As declared.

        Raises
        ------
        CudaError, KeyError
            See `get`.
        """
        for name in names or self.kernels:
            self.get(name, device)

    def _load(self, name: str, device: torch.device) -> Kernel:
        if name not in self.kernels:
            raise KeyError(
                f"{self.source.name} has no kernel {name!r}, only {', '.join(self.kernels)}"
            )
        index = torch.cuda.current_device() if device.index is None else device.index
        with _lock:
            kernel = self._loaded.get((name, index))
            if kernel is None:
                toolkit.check_driver()
                major, minor = torch.cuda.get_device_capability(index)
                cubin = self._compile(name, f"sm_{major}{minor}")
                kernel = Kernel(cubin, name, self.kernels[name], index)
                self._loaded[name, index] = kernel
        return kernel

    def _compile(self, name: str, architecture: str) -> Cubin:
        key = name, architecture
        if key in self._failures:
            # A new exception, or each time would lengthen the traceback of the first.
            raise CompilationError(*self._failures[key].args)
        if key not in self._cubins:
            try:
                self._cubins[key] = load_or_compile(self.source, [name], architecture)
            except CompilationError as error:
                self._failures[key] = error
                raise
        return self._cubins[key]


class Kernel:
    """A function on one device. `Module.get` makes them.

    Parameters
    ----------
    cubin : Cubin
        Machine code for the device.
    name : str
        Which function of it.
    letters : str
        The types of its parameters, see `Module`.
    index : int
        Number of the device.

    Raises
    ------
    CudaError
        If the driver refuses the code.
    """

    __slots__ = ("_context", "_frames", "_function", "_launch", "_letters", "name")

    def __init__(self, cubin: Cubin, name: str, letters: str, index: int) -> None:
        self.name = name
        self._letters = letters
        self._frames = threading.local()
        self._launch = toolkit.launcher()
        # PyTorch works in the primary context too. It is kept as long as the process lives, as
        # is the code: unloading would have to wait for all work on the device.
        device = _call("cuDeviceGet", index)
        self._context = _call("cuDevicePrimaryCtxRetain", device)
        with _current(self._context), _any_time():
            module = _call("cuModuleLoadData", cubin.code)
            function = _call("cuModuleGetFunction", module, cubin.symbols[name].encode())
            _raise_shared_limit(function, device)
        self._function = ctypes.c_void_p(int(function))

    def launch(
        self,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        stream: int,
        *arguments: float,
        shared: int = 0,
    ) -> None:
        """Put a launch on a stream.

        Call this inside `on_device`.

        Parameters
        ----------
        grid, block : tuple of three int
            Blocks, and threads of a block, along x, y, z.
        stream : int
            As `on_device` gives it.
        *arguments : int or float
            An address (null is 0) for each pointer, ``tensor.data_ptr()`` for one, numbers for
            numbers.
        shared : int, optional
            Bytes of dynamic shared memory, up to all that a block of the device can have.

        Raises
        ------
        CudaError
            If the driver refuses the launch.
        TypeError
            If arguments do not fit the kernel's parameters.
        """
        try:
            frame = self._frames.frame
        except AttributeError:
            frame = self._frames.frame = _Frame(self._letters)
        try:
            frame.pack_into(frame.buffer, 0, *arguments)
        except struct.error as error:
            raise TypeError(f"arguments do not fit the kernel's parameters: {error}") from error
        address = ctypes.c_void_p(stream)
        launch = self._function, *grid, *block, shared, address, frame.parameters, None
        status = self._launch(*launch)
        if status and self._bind_context():
            status = self._launch(*launch)
        if status:
            what = f"{self.name}, grid {grid}, block {block}, {shared} B shared"
            raise _error(what, toolkit.driver().CUresult(status))

    def _bind_context(self) -> bool:
        """Give this thread the kernel's context if it has none; say whether it had none.

        A thread has none before its first call of CUDA that needs one, and PyTorch's allocator
        can serve a new thread without any.
        """
        if int(_call("cuCtxGetCurrent")):
            return False
        _call("cuCtxSetCurrent", self._context)
        return True


class _Frame:
    """Where one thread packs the parameters of a kernel, and the list of where each of them is."""

    __slots__ = ("_addresses", "buffer", "pack_into", "parameters")

    def __init__(self, letters: str) -> None:
        layout = struct.Struct(f"@{letters}")
        ends = [struct.calcsize(f"@{letters[: k + 1]}") for k in range(len(letters))]
        self.buffer = ctypes.create_string_buffer(layout.size)
        start = ctypes.addressof(self.buffer)
        places = [
            start + end - struct.calcsize(letter) for end, letter in zip(ends, letters, strict=True)
        ]
        self._addresses = (ctypes.c_void_p * len(letters))(*places)
        self.parameters = ctypes.c_void_p(ctypes.addressof(self._addresses))
        self.pack_into = layout.pack_into


class on_device:
    """Make a device current and give its current stream, once for all launches of a call.

    Parameters
    ----------
    device : torch.device
        Where the tensors are.

    Examples
    --------
    >>> from torch_radon.backends.cuda.runtime import on_device
    >>> def double(kernel, x):
    ...     with on_device(x.device) as stream:
    ...         kernel.launch((x.numel(), 1, 1), (1, 1, 1), stream, x.data_ptr())
    """

    __slots__ = ("_index", "_previous")

    def __init__(self, device: torch.device) -> None:
        self._index = device.index

    def __enter__(self) -> int:
        # What torch.cuda.device and torch.cuda.current_stream do, at less cost.
        self._previous = torch.cuda._exchange_device(self._index)
        # Not kept across calls: the user may have changed it.
        return torch._C._cuda_getCurrentRawStream(self._index)

    def __exit__(self, *exception: object) -> None:
        torch.cuda._maybe_exchange_device(self._previous)


def _raise_shared_limit(function: Any, device: Any) -> None:
    """Allow a kernel all the shared memory that a block of the device can have."""
    cuda = toolkit.driver()
    names, of = cuda.CUfunction_attribute, cuda.CUdevice_attribute
    most = _call(
        "cuDeviceGetAttribute",
        of.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
        device,
    )
    # Asking for an attribute also ends lazy loading, which could otherwise fall into a capture.
    static = _call("cuFuncGetAttribute", names.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function)
    _call(
        "cuFuncSetAttribute",
        function,
        names.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
        most - static,
    )


@contextmanager
def _current(context: Any) -> Iterator[None]:
    _call("cuCtxPushCurrent", context)
    try:
        yield
    finally:
        _call("cuCtxPopCurrent")


@contextmanager
def _any_time() -> Iterator[None]:
    """Let this thread load code while a graph is being captured, here or in another thread.

    Loading allocates memory, which the stricter modes forbid during a capture. It is no part of
    the graph.
    """
    relaxed = toolkit.driver().CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
    mode = _call("cuThreadExchangeStreamCaptureMode", relaxed)
    try:
        yield
    finally:
        _call("cuThreadExchangeStreamCaptureMode", mode)


def _call(name: str, *arguments: Any) -> Any:
    """Call the driver; return its result, raise its error."""
    status, *results = getattr(toolkit.driver(), name)(*arguments)
    if status != toolkit.driver().CUresult.CUDA_SUCCESS:
        raise _error(name, status)
    return results[0] if results else None


def _error(what: str, status: Any) -> CudaError:
    _, text = toolkit.driver().cuGetErrorString(status)
    return CudaError(f"{what}: {status.name}{f' ({text.decode()})' if text else ''}")
