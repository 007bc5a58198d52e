"""Real data that some tests need, which the project does not contain."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "TORCH_RADON_DATA"
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def dataset(name: str) -> Path:
    """Path of a data file; skips the test with the reason where there is none.

    The folder is the one that the environment variable TORCH_RADON_DATA names, else
    ``../shared/data`` beside the checkout. A folder that was named and lacks the file fails the
    test, so that a typing error does not pass as a skip.
    """
    named = os.environ.get(VARIABLE)
    path = (Path(named) if named else BESIDE) / name
    if path.is_file():
        return path
    if named:
        pytest.fail(f"{VARIABLE}={named} has no file {name}")
    pytest.skip(f"{name} is neither in ../shared/data nor in a folder named by {VARIABLE}")
