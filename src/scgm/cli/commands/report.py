"""``scgm report``: results as one HTML file to look through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scgm.cli.console import EXIT_FAILED, Messages, counted
from scgm.cli.options import Log, Quiet, Verbose

if TYPE_CHECKING:
    from scgm.report.write import Beside


def report(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS...", help="Records (*_seg.json) of 'scgm segment', or their folders."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.html", help="The report.")
    ] = Path("report.html"),
    images: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder with the images, or an image, where they do not lie beside their "
            "results; can be given several times.",
        ),
    ] = None,
    normal_range: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="TABLE",
            readable=False,
            help="Table of 'scgm measure --by slice --norms': draws the normal range of areas; "
            "can be given several times.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier report.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Make one HTML file of results, to look through and judge them.

    It opens in any browser, needs no network, and holds the images.

    For example:

      scgm report results/ --images data/ --output report.html

      scgm report results/sub-01_T2starw_seg.json --normal-range sub-01_normal.csv
    """
    from scgm.report.write import Beside

    messages = Messages(verbose, quiet, log)
    check_report(output, overwrite=overwrite)
    beside, places = Beside(normal_ranges=normal_range or ()), images or ()
    if not make_report(
        results, output, messages, images=places, overwrite=overwrite, beside=beside
    ):
        raise typer.Exit(EXIT_FAILED)


def check_report(output: Path, *, overwrite: bool, to_come: Iterable[Path] = ()) -> None:
    """Refuse a name for a report before any work is done; *to_come* are folders that it makes."""
    from scgm.report.write import check_target

    check_target(output, overwrite=overwrite, to_come=to_come)


def make_report(
    results: Sequence[Path],
    output: Path,
    messages: Messages,
    *,
    images: Sequence[Path],
    overwrite: bool,
    beside: Beside | None = None,
) -> bool:
    """Write a report, and say what is wrong with results; return whether all are shown."""
    from scgm.report.records import find_records
    from scgm.report.write import NOTHING_BESIDE, write_report

    with messages.progress(len(find_records(results)), "Reading results") as advance:
        made = write_report(
            results,
            output,
            images=images,
            beside=beside or NOTHING_BESIDE,
            overwrite=overwrite,
            done=advance,
        )
    for notice in made.notices:
        messages.warning(notice)
    for sentence in made.left_out:
        messages.error(sentence)
    size = made.path.stat().st_size / 1e6
    messages.result(
        f"{made.path}: {counted(made.shown, 'image')}, {size:.1f} MB; open it in a browser"
    )
    return not made.left_out
