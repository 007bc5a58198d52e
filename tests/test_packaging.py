"""What a user and their type checker rely on in the package as installed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path

import torch_radon

ROOT = Path(__file__).parent.parent


def dependencies() -> set[str]:
    """Names of the run-time dependencies in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {re.split(r"[<>=~!; ]", line)[0] for line in project["dependencies"]}


def test_version_has_one_source() -> None:
    assert torch_radon.__version__ == version("torch-radon")
    released = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released is not None
    assert released[1] == torch_radon.__version__


def test_is_typed() -> None:
    assert files("torch_radon").joinpath("py.typed").is_file()


def test_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="torch-radon")
    assert callable(command.load())


def test_every_dependency_has_a_reason() -> None:
    """CONTRIBUTING.md lists each run-time dependency."""
    names = dependencies()
    listed = set(re.findall(r"^\| (\S+) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    assert names <= listed, f"without a reason: {sorted(names - listed)}"


def test_imported_packages_are_declared() -> None:
    """Nothing is imported in src that an installation does not bring."""
    declared = dependencies()
    imported = set()
    for source in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(str(node.module).split(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"torch_radon"}
    # The one package whose import has another name.
    foreign = {"cuda-core" if name == "cuda" else name for name in foreign}
    assert foreign <= declared, f"not declared: {sorted(foreign - declared)}"


def test_import_is_quiet_and_leaves_matplotlib_alone() -> None:
    code = "import sys, torch_radon; assert 'matplotlib' not in sys.modules; print('done')"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")
