"""``scgm norms``: normal values, made of a user's own controls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scgm.cli.console import Messages
from scgm.cli.options import Log, Quiet, Verbose

norms = typer.Typer(no_args_is_help=True, help="Make normal values of healthy controls.")


@norms.callback()
def group() -> None:
    """Make normal values of healthy controls."""


@norms.command("build")
def build(
    tables: Annotated[
        list[Path],
        typer.Argument(
            metavar="TABLE",
            readable=False,
            help="Tables of scgm measure or sct_process_segmentation (.csv, .tsv) with levels, or "
            "folders of them with their participants.tsv.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The norms (.json).")
    ],
    people: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Age and sex: a table with participant_id, age, sex, as participants.tsv of BIDS.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace earlier norms of the same name.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Make normal values by level: mean, SD and centiles, smoothly along the cord.

    For example:

      scgm norms build controls/*.csv --people participants.tsv -o norms.json

      scgm measure t2s_seg.json --levels-from levels.nii.gz --norms norms.json
    """
    from scgm.io.atomic import write_text
    from scgm.measurement.controls import read_controls
    from scgm.measurement.norms import build_norms
    from scgm.measurement.row_files import check_file

    messages = Messages(verbose, quiet, log)
    check_file(output, overwrite=overwrite, endings=(".json",))
    made, notes = build_norms(read_controls(tables, people))
    for note in notes:
        messages.warning(note)
    write_text(output, made.text())
    levels = dict.fromkeys(norm.level for norm in made.norms)
    allows = " and ".join(made.fitted_by) or "neither age nor sex"
    messages.result(
        f"{output}: {made.people} people, levels {', '.join(levels)}, {len(made.columns)} columns, "
        f"allows for {allows}"
    )
