"""Running the command line inside the test process."""

from __future__ import annotations

from click.testing import CliRunner, Result

from torch_radon.cli import main


def run(*arguments: object) -> Result:
    """Run ``torch-radon`` with these arguments; standard error is kept apart."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def fails(code: int, *arguments: object) -> str:
    """Run a command that must fail with one line and without a traceback; return the line."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "Traceback" not in result.output
    return line
