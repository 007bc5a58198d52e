"""What this installation has for CUDA, for people."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from torch_radon.backends.cuda import cache, toolkit
from torch_radon.backends.cuda.errors import ToolkitError


def describe() -> dict[str, str]:
    """Say which driver, compiler and cache the CUDA backend finds. Never raises.

    Returns
    -------
    dict of str to str
        A line each, by its title.

    Examples
    --------
    >>> from torch_radon.backends.cuda.describe import describe
    >>> list(describe())
    ['cuda driver', 'cuda compiler', 'cuda packages', 'cuda cache']
    """
    return {
        "cuda driver": _or_why_not(_driver),
        "cuda compiler": _or_why_not(_compiler),
        "cuda packages": ", ".join(map(_package, ("cuda-core", "cuda-bindings"))),
        "cuda cache": _cache(),
    }


def _or_why_not(line: Callable[[], str]) -> str:
    try:
        return line()
    except ToolkitError as error:
        return str(error).partition("\n")[0]


def _driver() -> str:
    serves = f"for CUDA {toolkit.dotted(toolkit.driver_version())}"
    toolkit.check_driver()
    return serves


def _compiler() -> str:
    nvrtc = toolkit.nvrtc()
    return f"{nvrtc.name}, headers in {nvrtc.headers}"


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"no {name}"


def _cache() -> str:
    folder = cache.folder()
    if folder is None:
        return f"none (no home folder; set {cache.VARIABLE})"
    sizes = cache.sizes()
    text = f"{folder}, {len(sizes)} kernels, {sum(sizes) / 2**20:.1f} MiB"
    return text if cache.is_writable() else f"{text}, not writable"
