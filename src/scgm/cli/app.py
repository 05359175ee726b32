"""The commands of the program ``scgm``, and how they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from scgm.cli.console import EXIT_USAGE, exit_statuses, plain

# One module and one function of this name each, in the order in which the help lists them.
COMMANDS = (
    "segment",
    "cohort",
    "demo",
    "measure",
    "template",
    "norms",
    "models",
    "report",
    "serve",
    "evaluate",
    "benchmark",
    "phantom",
    "data",
    "atlas",
    "train",
    "crossvalidate",
    "export",
)

HELP_NAMES = ["-h", "--help"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": HELP_NAMES},
)


def _leave_out_types(command: Any) -> None:
    """Leave out of the help what only programmers read, as <bool> and <list[Path]>."""
    context = typer.Context(command, help_option_names=HELP_NAMES)
    for parameter in [*command.params, command.get_help_option(context)]:
        if parameter.param_type_name == "argument" or parameter.is_bool_flag:
            parameter.display_type_rich = lambda **_: None
    for inner in getattr(command, "commands", {}).values():
        _leave_out_types(inner)


def _print_version(value: bool) -> None:
    if value:
        from scgm.version import __version__

        plain(f"scgm {__version__}")
        raise typer.Exit


@app.callback()
def scgm(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_print_version, is_eager=True, help="Print and exit."
        ),
    ] = False,
) -> None:
    """Find the gray matter of the human spinal cord on MRI.

    First steps: 'scgm demo', then 'scgm segment IMAGE.nii.gz --qc'.
    """


for _name in COMMANDS:
    _module = import_module(f"scgm.cli.commands.{_name}")
    _command = getattr(_module, _name)
    if isinstance(_command, typer.Typer):  # a command with commands of its own
        app.add_typer(_command, name=_name)
    else:
        app.command(_name, cls=getattr(_module, "COMMAND_CLASS", None))(_command)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; end the process with an exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    # No command opens a window, and matplotlib fails where the user's choice is none that it knows.
    os.environ["MPLBACKEND"] = "agg"
    command = typer.main.get_command(app)
    _leave_out_types(command)
    with exit_statuses():
        try:
            command(args=given, prog_name="scgm")
        except SystemExit as end:
            if end.code == EXIT_USAGE:
                _explain_dashes(given)
            raise


def _explain_dashes(arguments: Sequence[str]) -> None:
    """Say how a file is named that begins with a dash, if one may be meant."""
    for text in arguments:
        if text.startswith("-") and (text.endswith((".nii", ".nii.gz")) or os.path.lexists(text)):
            plain(f"If {text} is a file: write ./{text}, or '--' before all files.", stderr=True)
