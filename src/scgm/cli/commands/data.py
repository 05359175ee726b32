"""``scgm data``: public data sets, listed and fetched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose
from scgm.errors import UsageError

if TYPE_CHECKING:
    from scgm.datasets.download import Plan, PublicSet

data = typer.Typer(no_args_is_help=True)


@data.callback()
def about() -> None:
    """List public data sets, or fetch one.

    For example:

      scgm data list

      scgm data get gm-challenge-data --output data
    """


@data.command("list")
def list_sets(verbose: Verbose = False, quiet: Quiet = False, log: Log = None) -> None:
    """List the public data sets: what they are and are needed for, and where they were fetched to.

    For example:

      scgm data list
    """
    from scgm.datasets.download import public_sets

    messages = Messages(verbose, quiet, log)
    messages.result("\n\n".join(map(_described, public_sets())))


@data.command("get")
def get(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A data set; 'scgm data list' lists them.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="The set goes to DIR/NAME; by default your data folder ($SCGM_HOME/data).",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Start without asking.")] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Fetch a public data set, file by file, each checked by its sha256.

    Files that are there already are not fetched again. If it was interrupted, the same command
    resumes it.

    For example:

      scgm data get gm-challenge-data

      scgm data get sct_testing_data --output data --yes
    """
    from scgm.datasets.download import data_home, fetch, plan_download, public_set

    messages = Messages(verbose, quiet, log)
    dataset = public_set(name)
    plan = plan_download(dataset, (output or data_home()) / dataset.name)
    if not plan.missing:
        messages.result(f"{plan.folder}: complete, nothing to fetch")
        return
    messages.result(_announcement(plan))
    if not dataset.verified:
        messages.detail(f"{dataset.base_url}: not tried when this version was made")
    if not yes:
        _ask()
    with messages.progress(len(plan.missing), "Fetching") as advance:
        fetch(plan, fetched=advance)
    messages.result(f"{plan.folder}: complete, {len(dataset.files)} files, every checksum is right")


def _described(dataset: PublicSet) -> str:
    from scgm.datasets.download import data_home, present_files

    folder = data_home() / dataset.name
    present, count = present_files(dataset, folder), len(dataset.files)
    lines = [
        f"{dataset.name}: {count} {'file' if count == 1 else 'files'}, "
        f"{_megabytes(dataset.bytes)}, license {dataset.license}",
        f"  {dataset.title}",
        f"  needed for {dataset.needed_for}",
    ]
    if present:
        part = f" ({present} of {count} files)" if present < count else ""
        lines.append(f"  fetched to {folder}{part}")
    return "\n".join(lines)


def _announcement(plan: Plan) -> str:
    """Say what is going to happen."""
    dataset = plan.dataset
    present = len(dataset.files) - len(plan.missing)
    already = f" ({present} of {len(dataset.files)} are there already)" if present else ""
    return (
        f"{dataset.name}: {dataset.title}\n"
        f"  {len(plan.missing)} files{already}, {_megabytes(plan.bytes)}, license "
        f"{dataset.license}\n"
        f"  from {dataset.source}\n"
        f"  to   {plan.folder}"
    )


def _ask() -> None:
    """Let a person decide; a script has to say --yes."""
    if not sys.stdin.isatty():
        msg = "this is no terminal, so nobody can confirm; add --yes to fetch the set"
        raise UsageError(msg)
    if not typer.confirm("Fetch it?", default=True, err=True):
        raise typer.Exit(1)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
