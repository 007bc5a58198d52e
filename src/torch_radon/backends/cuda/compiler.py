"""From a kernel's source to machine code for one architecture, through the cache."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from torch_radon.backends.cuda import cache, toolkit
from torch_radon.backends.cuda.errors import CompilationError, ToolkitError
from torch_radon.backends.cuda.toolkit import Nvrtc

# Line numbers cost no speed and let profilers and the sanitizer point into the source.
_OPTIONS: dict[str, Any] = {"std": "c++17", "lineinfo": True}

# Changes when entries made by older versions of this file can no longer be read.
_FORMAT = "1"

_INCLUDE = re.compile(rb"""^[ \t]*\#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]""", re.MULTILINE)


class Cubin(NamedTuple):
    """Machine code of some kernels for one architecture.

    Attributes
    ----------
    code : bytes
        An ELF image for the driver.
    symbols : dict of str to str
        The names in the image by the names that they were asked for with.
    log : str
        What the compiler said; empty if the code comes from the cache.
    """

    code: bytes
    symbols: dict[str, str]
    log: str = ""


def load_or_compile(source: Path, names: Sequence[str], architecture: str) -> Cubin:
    """Take kernels from the cache, or compile them and put them there.

    Parameters
    ----------
    source : Path
        A ``.cu`` file.
    names : sequence of str
        C++ expressions that name the kernels, for example ``"forward<float, 4>"``.
    architecture : str
        For example ``"sm_90"``.

    Returns
    -------
    Cubin

    Raises
    ------
    CompilationError
        With the compiler's log, if it rejects the source.
    ToolkitError
        If there is no compiler, or it does not know the architecture.
    """
    key = cache_key(source, names, architecture, toolkit.nvrtc())
    content = cache.load(key)
    if content is not None:
        symbols, _, code = content.partition(b"\n")
        return Cubin(code, json.loads(symbols))
    cubin = compile_kernels(source, names, architecture)
    cache.store(key, json.dumps(cubin.symbols).encode() + b"\n" + cubin.code)
    return cubin


def compile_kernels(
    source: Path, names: Sequence[str], architecture: str, ptxas: Sequence[str] = ()
) -> Cubin:
    """Compile kernels. No GPU is needed for this.

    Parameters
    ----------
    source, names, architecture
        See `load_or_compile`.
    ptxas : sequence of str, optional
        Options of the assembler; ``"-v"`` puts registers and spills in the log.

    Returns
    -------
    Cubin

    Raises
    ------
    CompilationError, ToolkitError
        See `load_or_compile`.
    """
    nvrtc = toolkit.nvrtc()
    if architecture not in nvrtc.architectures:
        known = ", ".join(sorted(nvrtc.architectures, key=lambda name: int(name[3:])))
        raise ToolkitError(
            f"{nvrtc.name} cannot compile for {architecture}, only for {known}: a newer device "
            "needs a newer PyTorch, an older one a PyTorch built for an earlier CUDA version"
        )
    core = toolkit.core()
    options = core.ProgramOptions(
        # An absolute name, or NVRTC looks for quoted headers in the working folder.
        name=str(source.resolve()),
        arch=architecture,
        include_path=[str(nvrtc.headers)],
        ptxas_options=list(ptxas) or None,
        **_OPTIONS,
    )
    log = io.StringIO()
    try:
        program = core.Program(source.read_text(encoding="utf-8"), "c++", options)
        binary = program.compile("cubin", name_expressions=tuple(names), logs=log)
    except Exception as error:
        # cuda-core keeps the class of its errors private. Their text holds the log.
        raise CompilationError(
            f"{source.name}: {nvrtc.name} failed on {', '.join(names)} for {architecture}",
            f"{error}\n{log.getvalue()}".strip(),
        ) from error
    symbols = {name: symbol.decode() for name, symbol in binary.symbol_mapping.items()}
    return Cubin(binary.code, symbols, log.getvalue())


def cache_key(source: Path, names: Sequence[str], architecture: str, nvrtc: Nvrtc) -> str:
    """Digest everything that the machine code depends on.

    Parameters
    ----------
    source, names, architecture
        See `load_or_compile`.
    nvrtc : Nvrtc
        The compiler.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    identity = [_FORMAT, nvrtc.version, nvrtc.build, architecture, _OPTIONS, list(names)]
    digest = sha256(json.dumps(identity).encode())
    for content in _digests(source, nvrtc.headers):
        digest.update(content)
    return digest.hexdigest()


def _digests(source: Path, system: Path) -> Iterator[bytes]:
    """Digest a file and all that it includes, directly or not, whatever the preprocessor skips.

    Headers that are in no folder are part of the compiler.
    """
    pending, seen = [source], {source}
    while pending:
        path = pending.pop()
        content, includes = _read(path, path.stat().st_mtime_ns)
        yield content
        for quote, name in includes:
            places = [path.parent, system] if quote == '"' else [system]
            header = next((place / name for place in places if (place / name).is_file()), None)
            if header is not None and header not in seen:
                seen.add(header)
                pending.append(header)


@lru_cache(maxsize=256)
def _read(path: Path, modified: int) -> tuple[bytes, list[tuple[str, str]]]:
    """Digest a file and list what it includes, once for the many kernels that share a header."""
    content = path.read_bytes()
    includes = [(quote.decode(), name.decode()) for quote, name in _INCLUDE.findall(content)]
    return sha256(content).digest(), includes
