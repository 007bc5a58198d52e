"""The benchmark that repeats the paper: every part runs, failures are reported, verdicts judge."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
PARTS = {
    "speed",
    "filtered backprojection",
    "half precision",
    "iterative",
    "shearlet errors",
    "shearlet speed",
    "limited angle",
}


def run(*arguments: str) -> str:
    """What a script prints, run in the folder of the benchmarks.

    A process of its own, because some of its modules have the names of test folders.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a quick run wrote."""
    folder = tmp_path_factory.mktemp("paper")
    run("paper.py", "--quick", "--output", str(folder))
    return folder


def test_every_part_is_measured_and_none_is_missing(quick: Path) -> None:
    content = json.loads((quick / "paper_cpu_quick.json").read_text())
    assert content["missing"] == []
    assert set(content["parts"]) == PARTS
    assert all(part["rows"] for part in content["parts"].values())
    names = {row["library"] for row in content["parts"]["speed"]["rows"]}
    assert {"torch_radon", "torch_radon, clipped", "ASTRA linear"} <= names


def test_tiny_problems_are_solved_as_well_as_they_can_be(quick: Path) -> None:
    parts = json.loads((quick / "paper_cpu_quick.json").read_text())["parts"]
    for row in parts["speed"]["rows"]:
        assert row["forward error"] < 1e-3, row
        assert row["adjoint error"] < 1e-3, row
    for row in parts["shearlet errors"]["rows"]:
        most = 1e-6 if row["dtype"] == "float32" else 1e-14
        assert row["reconstruction"] < most, row
    single, half, bfloat = parts["half precision"]["rows"]
    assert single["sinogram, from float32"] == 0
    assert half["sinogram, from float32"] < 5e-4 < bfloat["sinogram, from float32"] < 4e-3


def test_no_verdict_is_given_on_a_smaller_problem(quick: Path) -> None:
    content = json.loads((quick / "paper_cpu_quick.json").read_text())
    assert len(content["accuracy"]) == 13
    assert {row["met or beaten"] for row in content["accuracy"]} == {"not comparable: smaller"}


def test_the_page_shows_the_figures_that_were_drawn(quick: Path) -> None:
    page = (quick / "paper_cpu_quick.md").read_text()
    shown = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert sorted(shown) == sorted(path.name for path in quick.glob("*.png"))
    assert len(shown) == 3


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that judges; unlike the scripts it imports nothing named as a test folder is."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("reproduction.verdicts")


def test_verdicts_compare_as_many_digits_as_the_paper_gives(verdicts: ModuleType) -> None:
    rows = [
        {"solver": "CGNE, fp16 projections", "library": "torch_radon", "MSE": 1e-9},
        {"solver": "CGNE", "library": "torch_radon", "MSE": 4.4224e-5},
        {"solver": "CGNE", "library": "ASTRA CGLS, cuda", "MSE": 5e-5},
        {"solver": "SIRT", "library": "ASTRA SIRT, cuda", "MSE": 1e-9},
        {"solver": "Landweber", "library": "torch_radon", "MSE": 1.3946e-4},
    ]

    def verdict(name: str, scale: Any = verdicts.PAPER, is_papers_image: bool = True) -> Any:
        judged = verdicts.judge_accuracy({"iterative": rows}, scale, is_papers_image)
        return next(row for row in judged if row["figure"] == name)

    met = verdict("CGNE, MSE")
    assert met["met or beaten"] == "yes"
    assert (float(met["ours"]), float(met["TorchRadon"]), float(met["ASTRA"])) == (
        4.422e-5,
        4.422e-5,
        5e-5,
    )
    assert verdict("Landweber, MSE")["met or beaten"] == "no"
    assert verdict("FBP, MSE")["met or beaten"] == "not measured"
    shorter = replace(verdicts.PAPER, iterations=499)
    assert verdict("CGNE, MSE", shorter)["met or beaten"] == "not comparable: smaller"
    other = verdict("CGNE, MSE", is_papers_image=False)
    assert other["met or beaten"] == "not comparable: another image"


def test_speeds_are_judged_by_their_ratios(verdicts: ModuleType) -> None:
    def timed(library: str, dtype: str, forward: float, adjoint: float) -> dict[str, Any]:
        case = f"parallel-512x32-{dtype}"
        times = {"forward [ms]": forward, "adjoint [ms]": adjoint}
        # Far below TorchRadon's on an H200.
        return {
            "library": library,
            "case": case,
            "forward [Gs/s]": 1.0,
            "adjoint [Gs/s]": 1.0,
        } | times

    rows = [
        timed("torch_radon", "float16", 1.0, 2.0),
        timed("ASTRA, linked", "float32", 9.9, 20.1),
        timed("ASTRA, from the host", "float32", 100.0, 100.0),
    ]
    found = [
        (row["times faster"], row["met or beaten"])
        for row in verdicts.judge_speed(rows, "NVIDIA A100")
    ]
    assert found == [(9.9, "no"), (10.05, "yes"), (100.0, "yes"), (50.0, "no")]
    on_h200 = list(verdicts.judge_speed(rows, "NVIDIA H200"))
    assert [row["met or beaten"] for row in on_h200[4:]] == ["no", "no"]


CHECK_FAILURES = """
import os

from reproduction.job import Job, Outcome


def work(what):
    if what == "raises":
        raise RuntimeError("it did not work")
    if what == "dies":
        os._exit(7)
    return Outcome([{"library": what}])


if __name__ == "__main__":
    from pathlib import Path

    from paper import Run
    from reproduction.scale import SCALES

    settings = {"device": "cpu", "scale": "quick", "image": "none", "options": ""}
    run = Run(Path(os.environ["FOLDER"]), "paper", SCALES["quick"], settings, False)
    jobs = [
        Job("first", work, [("good",), ("raises",), ("better",), ("dies",), ("late",)]),
        Job("second", work, [("best",)]),
    ]
    run.measure("iterative", jobs, isolated=True)
"""


def test_what_fails_is_listed_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDER", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(BENCHMARKS))
    script = tmp_path / "failures.py"
    script.write_text(CHECK_FAILURES)
    run(str(script))
    content = json.loads((tmp_path / "paper.json").read_text())
    rows = content["parts"]["iterative"]["rows"]
    assert [row["library"] for row in rows] == ["good", "better", "best"]
    reasons = [entry["reason"] for entry in content["missing"]]
    assert reasons == ["RuntimeError: it did not work", "its process ended with exit code 7"]
    assert "it did not work" in (tmp_path / "paper.md").read_text()
