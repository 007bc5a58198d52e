"""A small scan as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scans import scan_arrays, write_arrays

Arrays = dict[str, NDArray[np.generic]]


@pytest.fixture
def arrays(rng: np.random.Generator) -> Arrays:
    """The datasets of a scan of 60 views, 3 rows and 64 columns with its axis at 33.3."""
    return scan_arrays(rng)


@pytest.fixture
def scan_file(tmp_path: Path, arrays: Arrays) -> Path:
    """These datasets in a file."""
    return write_arrays(tmp_path / "scan.h5", arrays)
