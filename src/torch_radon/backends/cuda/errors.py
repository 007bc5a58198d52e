"""What can go wrong between a kernel's source and its launch."""

from __future__ import annotations


class CudaError(RuntimeError):
    """A kernel could not be compiled, loaded or launched."""


class ToolkitError(CudaError):
    """A package or driver that CUDA kernels need is missing or does not fit; says what to do."""


class CompilationError(CudaError):
    """A kernel's source was rejected by the compiler.

    Parameters
    ----------
    message : str
        What was compiled, for which architecture and by what.
    log : str
        Everything that the compiler said.
    """

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message, log)
        self.log = log

    def __str__(self) -> str:
        return f"{self.args[0]}\n{self.log}"
