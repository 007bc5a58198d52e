"""Shared fixtures. Everything random in this suite is seeded, hypothesis included."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

import backends_under_test

ROOT = Path(__file__).parent.parent


def _kernel_cache() -> Path:
    """A folder for compiled kernels that is another one whenever a kernel changes.

    numba looks for changes only in the file of the function that is called, not in those of the
    functions that it calls in turn, and would let these tests run machine code of the past.
    """
    digest = hashlib.sha256()
    for source in sorted((ROOT / "src/torch_radon/backends/cpu").glob("*.py")):
        digest.update(source.read_bytes())
    return ROOT / ".pytest_cache" / f"kernels-{digest.hexdigest()[:16]}"


# Before numba is imported, which reads it once.
os.environ.setdefault("NUMBA_CACHE_DIR", str(_kernel_cache()))

settings.register_profile(
    "torch_radon",
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("torch_radon")


def pytest_configure(config: pytest.Config) -> None:
    # torch's own forward-mode derivatives and default compiler still use torch.jit inside.
    config.addinivalue_line("filterwarnings", "ignore:`torch.jit.:DeprecationWarning")


@pytest.fixture(params=backends_under_test.params())
def device(request: pytest.FixtureRequest) -> str:
    """Every backend in turn; see `backends_under_test`."""
    backends_under_test.skip_or_fail(request.param)
    return str(request.param)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A NumPy generator seeded by the test's own name."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture
def generator(request: pytest.FixtureRequest) -> torch.Generator:
    """A torch generator on the CPU seeded by the test's own name."""
    return torch.Generator().manual_seed(zlib.crc32(request.node.name.encode()))
