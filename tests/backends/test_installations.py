"""The CPU backend where it is installed oddly: no cache yet, read-only, without a home folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import torch_radon

PACKAGE = Path(torch_radon.__file__).parent

# Checks its own result, so that a process that computes rubbish fails too.
PROGRAM = """
import torch, torch_radon as tr
assert tr.__file__.startswith({where!r}), tr.__file__
A = tr.Projector(tr.Volume((9, 8)), tr.parallel_beam([0.0, 1.5707963267948966], 9))
y = A(torch.ones(9, 8))
assert torch.allclose(y[0, 1:-1], torch.full((7,), 9.0)), y
assert torch.allclose(y[1], torch.full((9,), 8.0)), y
x, z = torch.rand(9, 8), torch.rand(2, 9)
assert torch.allclose((A(x) * z).sum(), (x * A.T(z)).sum())
print("fine")
"""


def _environment(folder: Path, **changes: str | None) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_"))}
    inherited["PYTHONPATH"] = str(folder)
    inherited["OMP_NUM_THREADS"] = "1"
    for name, value in changes.items():
        if value is None:
            inherited.pop(name, None)
        else:
            inherited[name] = value
    return inherited


# Runs the rest of its command line without the superuser's right to write where the mode of a
# folder forbids it; anyone else has no such right in the first place.
OBEY_MODES = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
if sys.platform == "linux" and os.geteuid() == 0:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
        sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def _start(folder: Path, **environment: str | None) -> subprocess.Popen[str]:
    program = PROGRAM.format(where=str(folder))
    return subprocess.Popen(
        [sys.executable, "-c", OBEY_MODES, "-B", "-c", program],
        env=_environment(folder, **environment),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _assert_fine(process: subprocess.Popen[str]) -> None:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert out.strip() == "fine"
    assert "Warning" not in err


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """A copy of the package without any compiled kernel, importable from the returned folder."""
    folder = tmp_path / "site"
    shutil.copytree(PACKAGE, folder / "torch_radon", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_two_processes_that_compile_at_once(installation: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    both = [_start(installation, NUMBA_CACHE_DIR=str(cache)) for _ in range(2)]
    for process in both:
        _assert_fine(process)
    assert list(cache.rglob("*.nbc")), "nothing was cached"
    # What they left behind is usable.
    _assert_fine(_start(installation, NUMBA_CACHE_DIR=str(cache)))


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no read-only mode on Windows")
def test_a_read_only_installation_without_a_home(installation: Path) -> None:
    for path in installation.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    installation.chmod(0o555)
    try:
        _assert_fine(_start(installation, HOME=os.devnull, NUMBA_CACHE_DIR=None))
        assert not list(installation.rglob("__pycache__"))
    finally:
        for path in (installation, *installation.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_import_compiles_nothing(installation: Path, tmp_path: Path) -> None:
    program = "import torch_radon, sys; assert 'cuda.core' not in sys.modules"
    cache = tmp_path / "cache"
    subprocess.run(
        [sys.executable, "-B", "-c", program],
        env=_environment(installation, NUMBA_CACHE_DIR=str(cache)),
        cwd=installation,
        check=True,
        timeout=120,
    )
    assert not list(cache.rglob("*.nbc"))
