"""The backends that the conformance suite walks, and which of them this run must have.

A backend that is not there is skipped with its reason. `TORCH_RADON_REQUIRE=cpu,cuda` names those
that must be there: for these a missing backend is a failure, so that the others may skip safely.
"""

from __future__ import annotations

import importlib.util
import os

import pytest
import torch
from _pytest.mark.structures import ParameterSet

BACKENDS = ("cpu", "cuda")
REQUIRE = "TORCH_RADON_REQUIRE"


def required() -> set[str]:
    """Names in the environment variable, checked against `BACKENDS`."""
    names = {name.strip() for name in os.environ.get(REQUIRE, "cpu").split(",") if name.strip()}
    unknown = names - set(BACKENDS)
    if unknown:
        raise ValueError(f"{REQUIRE} names {sorted(unknown)}, known backends are {BACKENDS}")
    return names


def why_missing(backend: str) -> str | None:
    """The reason why a backend cannot run here, or None if it can."""
    if importlib.util.find_spec(f"torch_radon.backends.{backend}") is None:
        return f"this version of torch_radon has no {backend} backend"
    if backend == "cuda" and not torch.cuda.is_available():
        return "no CUDA device"
    return None


def skip_or_fail(backend: str) -> None:
    """Return if the backend is there, otherwise skip the test, or fail it if it is required."""
    reason = why_missing(backend)
    if reason is None:
        return
    if backend in required():
        pytest.fail(f"{backend} is required by {REQUIRE}: {reason}")
    pytest.skip(reason)


def params() -> list[ParameterSet]:
    """One pytest parameter a backend; those of CUDA carry the marker ``cuda``."""
    return [
        pytest.param(name, marks=pytest.mark.cuda if name == "cuda" else ()) for name in BACKENDS
    ]
