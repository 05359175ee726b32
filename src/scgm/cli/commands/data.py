"""``scgm data``: public data sets, listed and fetched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scgm.cli.console import Messages, counted
from scgm.cli.options import Log, Quiet, Verbose
from scgm.errors import UsageError

if TYPE_CHECKING:
    from scgm.datasets.archive import PublicArchive
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
    from scgm.datasets.archive import public_archives
    from scgm.datasets.download import public_sets

    messages = Messages(verbose, quiet, log)
    sets = [*map(_described, public_sets()), *map(_described_archive, public_archives())]
    messages.result("\n\n".join(sets))


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

    Norms come as one archive, whose sha256 is recorded when it is fetched.
    Files that are there already are not fetched again. If it was interrupted, the same command
    resumes it.

    For example:

      scgm data get gm-challenge-data

      scgm data get sct_testing_data --output data --yes

      scgm data get pam50-norms
    """
    from scgm.datasets.archive import public_archives
    from scgm.datasets.download import data_home, fetch, plan_download, public_set

    messages = Messages(verbose, quiet, log)
    archive = next((one for one in public_archives() if one.name == name), None)
    if archive is not None:
        _get_archive(archive, (output or data_home()) / name, messages, yes=yes)
        return
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
        f"{dataset.name}: {counted(count, 'file')}, {_megabytes(dataset.bytes)}, "
        f"license {dataset.license}",
        f"  {dataset.title}",
        f"  needed for {dataset.needed_for}",
    ]
    if present:
        part = f" ({present} of {count} files)" if present < count else ""
        lines.append(f"  fetched to {folder}{part}")
    return "\n".join(lines)


def _described_archive(archive: PublicArchive) -> str:
    from scgm.datasets.download import data_home

    folder = data_home() / archive.name
    lines = [
        f"{archive.name}: one archive, size and checksum not listed, license {archive.license}",
        f"  {archive.title}",
        f"  needed for {archive.needed_for}",
    ]
    return "\n".join([*lines, *[f"  fetched to {folder}"] * folder.is_dir()])


def _get_archive(archive: PublicArchive, folder: Path, messages: Messages, *, yes: bool) -> None:
    """Fetch an archive of tables, and say that its checksum was not known before."""
    from scgm.datasets.archive import RECORD, fetch_archive, fetched_before

    if earlier := fetched_before(archive, folder):
        messages.result(
            f"{folder}: complete and unchanged, nothing to fetch; archive sha256 {earlier.sha256}"
        )
        return
    messages.result(
        f"{archive.name}: {archive.title}\n"
        f"  one archive of unknown size, license {archive.license}\n"
        f"  from {archive.url}\n"
        f"  to   {folder}"
    )
    messages.detail(f"{archive.url}: not tried when this version was made")
    if not yes:
        _ask()
    with messages.progress(1, "Fetching") as advance:
        found = fetch_archive(archive, folder)
        advance()
    messages.result(
        f"{folder}: complete, {len(found.files)} files of an archive of {_megabytes(found.bytes)}"
    )
    messages.warning(
        "the checksum of this archive was not known when this version was made; it is recorded in "
        f"{folder / RECORD} (sha256 {found.sha256}): compare it where numbers must be the same"
    )


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
