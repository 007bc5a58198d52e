"""``torch-radon benchmark``: a table of speeds with an error beside each."""

from __future__ import annotations

import pytest
import torch

from cli.commands import fails, run


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 3e-6), ("float64", 1e-12)])
def test_table(monkeypatch: pytest.MonkeyPatch, dtype: str, limit: float) -> None:
    from torch_radon.cli import benchmark

    monkeypatch.setattr(benchmark, "_SECONDS", 0.0)
    options = ("--size", "48", "--views", "12", "--batch", "2", "--dtype", dtype, "--device", "cpu")
    result = run("benchmark", *options)
    assert result.exit_code == 0, result.output
    title, header, *rows = result.stdout.splitlines()
    assert f"2 x 48 x 48 {dtype}, 48 columns, 12 views" in title
    assert header.split() == ["geometry", "what", "ms", "Gsamples/s", "error"]
    assert [row.split()[-4] for row in rows] == ["forward", "adjoint", "fbp"] * 3
    for row in rows:
        milliseconds, samples, error = (float(word) for word in row.split()[-3:])
        assert milliseconds > 0
        assert samples == pytest.approx(2 * 48 * 48 * 12 / milliseconds / 1e6, rel=0.05)
        assert 0 <= error < limit


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    result = run("benchmark", "--size", "16", "--views", "2", "--threads", "1", "--device", "cpu")
    assert "CPU, 1 threads" in result.stdout
    assert torch.get_num_threads() == before


def test_bad_options() -> None:
    assert "'--size': 2 is not in the range" in fails(2, "benchmark", "--size", "2")
    assert "'int8' is not one of" in fails(2, "benchmark", "--dtype", "int8")
