"""The command group: what is common to all commands, above all how errors end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click
import torch

from torch_radon._version import __version__
from torch_radon.cli.benchmark import benchmark
from torch_radon.cli.info import info
from torch_radon.cli.options import DEBUG
from torch_radon.cli.reconstruct import reconstruct
from torch_radon.cli.simulate import simulate
from torch_radon.data.errors import DataError

BAD_DATA = 1
BAD_USAGE = 2
INTERRUPTED = 130


class QuietErrors(click.Group):
    """A group whose errors are one line on standard error and an exit code.

    0: done; 1: a file or its content cannot be used, or something unforeseen; 2: a wrong option;
    130: interrupted. With ``--debug`` the traceback is shown instead.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and turn what it raises into a message."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.meta.get(DEBUG):
                raise
            raise click.ClickException(_describe(error)) from error

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line and exit."""
        try:
            result = super().main(
                args,
                prog_name or "torch-radon",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except click.Abort:
            _fail("interrupted", INTERRUPTED)
        except click.UsageError as error:
            where = error.ctx.command_path if error.ctx else "torch-radon"
            _fail(f"{error.format_message()} (see {where} --help)", BAD_USAGE)
        except click.ClickException as error:
            _fail(error.format_message(), BAD_DATA)
        if standalone_mode:
            sys.exit(result if isinstance(result, int) else 0)
        return result


def _fail(message: str, code: int) -> None:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    sys.exit(code)


def _describe(error: Exception) -> str:
    if isinstance(error, DataError):
        return str(error)
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return f"not enough memory ({error}); another --device may have more"
    return f"{type(error).__name__}: {error} (--debug shows the traceback)"


@click.group("torch-radon", cls=QuietErrors, invoke_without_command=True)
@click.version_option(__version__, prog_name="torch-radon")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Computed tomography: from a scan in a file to images."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


main.add_command(info)
main.add_command(simulate)
main.add_command(reconstruct)
main.add_command(benchmark)
