"""The program ``scgm``: its commands, and how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from scgm.cli.console import exit_statuses, plain

# One module and one function of this name each, in the order in which the help lists them.
COMMANDS = (
    "segment",
    "demo",
    "models",
    "evaluate",
    "benchmark",
    "phantom",
    "data",
    "atlas",
    "train",
    "crossvalidate",
    "export",
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        from scgm.version import __version__

        plain(f"scgm {__version__}")
        raise typer.Exit


@app.callback()
def scgm(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print and exit."),
    ] = False,
) -> None:
    """Find the gray matter of the human spinal cord on MRI.

    First steps: 'scgm demo', then 'scgm segment IMAGE.nii.gz --qc'.
    """


for _name in COMMANDS:
    _command = getattr(import_module(f"scgm.cli.commands.{_name}"), _name)
    if isinstance(_command, typer.Typer):  # a command with commands of its own
        app.add_typer(_command, name=_name)
    else:
        app.command(_name)(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; end the process with an exit status.

    0 done, 1 an input could not be processed, 2 wrong usage, 3 a fault of this program,
    130 interrupted.
    """
    with exit_statuses():
        app(args=None if arguments is None else list(arguments), prog_name="scgm")
