"""``scgm measure``: size, shape, parts and intensities of what was segmented."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from scgm.cli.console import Failures, Messages, cell, counted
from scgm.cli.follow_up import Given, compare
from scgm.cli.level_options import LevelKind
from scgm.cli.level_options import level_at as read_level_at
from scgm.cli.options import Log, Quiet, Verbose
from scgm.errors import UsageError

if TYPE_CHECKING:
    from scgm.measurement.options import MeasureOptions
    from scgm.measurement.table import Table

T = TypeVar("T")


class ByName(StrEnum):
    """What a row stands for."""

    slice = "slice"
    level = "level"
    range = "range"
    whole = "whole"


class SexName(StrEnum):
    """Sex, as tables have it."""

    M = "M"
    F = "F"


class ColumnsName(StrEnum):
    """Names of the columns."""

    scgm = "scgm"
    sct = "sct"


# What is shown on the screen; the file has every column.
_SHOWN = {
    "label": "label",
    "area_mm2": "mm2",
    "diameter_ap_mm": "AP mm",
    "diameter_rl_mm": "RL mm",
    "angle_deg": "angle",
    "gm_cord_ratio": "ratio",
    "asymmetry_percent": "asym. %",
}
_LESS_WANTED = ("gm_cord_ratio", "asymmetry_percent")
_SCORES = {"area_mm2_z": "area z", "area_mm2_centile": "centile"}


def measure(
    results: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RESULT",
            readable=False,
            help="Folders of results, or NAME_seg.json files; with --longitudinal two of them, or "
            "a table of pairs.",
        ),
    ] = None,
    gm: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", readable=False, help="In place of RESULT: a mask of the gray matter."
        ),
    ] = None,
    cord: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", readable=False, help="In place of RESULT: a mask of the cord."
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", readable=False, help="The scan, for intensities, if it lies elsewhere."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=".csv, .tsv, .json or .parquet."),
    ] = None,
    by: Annotated[
        ByName | None,
        typer.Option(help="What a row is; by default a slice, or with --levels their range."),
    ] = None,
    levels: Annotated[
        str | None, typer.Option(metavar="C2:C5", help="Only these levels; also C3, or C2,C4.")
    ] = None,
    levels_from: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", readable=False, help="Label image of levels or discs, or a text file."
        ),
    ] = None,
    level_at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SLICE=C3", help="Level of one slice; others approximately, by average lengths."
        ),
    ] = None,
    level_kind: LevelKind = None,
    longitudinal: Annotated[
        bool,
        typer.Option(
            "--longitudinal",
            help="What changed between two scans of one person; options of files twice, first "
            "scan first.",
        ),
    ] = False,
    no_angle_correction: Annotated[
        bool,
        typer.Option("--no-angle-correction", help="Areas and lengths of the slice as it is."),
    ] = False,
    include_flagged: Annotated[
        bool, typer.Option("--include-flagged", help="Means use slices that need a look, too.")
    ] = False,
    norms: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            readable=False,
            help="Normal values (scgm norms build, or pam50-norms once it was fetched): adds "
            "normal ranges, z-scores and centiles, by level; with --by slice the ranges alone.",
        ),
    ] = None,
    age: Annotated[
        float | None, typer.Option(metavar="YEARS", help="Of the person, if the norms know it.")
    ] = None,
    sex: Annotated[
        SexName | None, typer.Option(help="Of the person, if the norms know it.")
    ] = None,
    columns: Annotated[
        ColumnsName,
        typer.Option(help="sct: names that scripts for sct_process_segmentation expect."),
    ] = ColumnsName.scgm,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier table.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    log: Log = None,
) -> None:
    """Measure size, shape, parts and intensities, by slice or level.

    Areas are those across the cord, corrected for its angle to the slices.
    Left and right are the patient's.

    For example:

      scgm measure results/ -o table.csv

      scgm measure t2s_seg.json --levels-from t2s_levels.nii.gz --levels C2:C5

      scgm measure --gm GM.nii.gz --cord CORD.nii.gz --image t2s.nii.gz --by whole

      scgm measure first_seg.json second_seg.json --longitudinal -o change.csv
    """
    from scgm.measurement.options import MeasureOptions
    from scgm.measurement.table import check_target, joined

    messages = Messages(verbose, quiet, log)
    known = [read_level_at(text) for text in level_at or []]
    if longitudinal:
        _refuse({"--by": by, "--image": image}, "is not for --longitudinal")
        _refuse({"--columns sct": columns is ColumnsName.sct}, "is not for --longitudinal")
        _refuse({"--norms": norms, "--age": age, "--sex": sex}, "is not for --longitudinal")
        options = MeasureOptions(
            levels=levels,
            level_kind=None if level_kind is None else level_kind.value,
            angle_correction=not no_angle_correction,
            include_flagged=include_flagged,
        )
        given = Given(results or [], gm or [], cord or [], levels_from or [], known)
        compare(given, options, messages, output, overwrite=overwrite)
        return
    options = MeasureOptions(
        by=None if by is None else by.value,
        levels=levels,
        levels_from=_single(levels_from, "--levels-from"),
        level_at=_single(known, "--level-at"),
        level_kind=None if level_kind is None else level_kind.value,
        angle_correction=not no_angle_correction,
        include_flagged=include_flagged,
        norms=norms,
        age=age,
        sex=None if sex is None else sex.value,
    )
    if columns is ColumnsName.sct:
        _check_sct(output, norms)
    if output is not None:
        check_target(output, columns.value, overwrite=overwrite)
    both = {"gm": _single(gm, "--gm"), "cord": _single(cord, "--cord")}
    masks = {name: path for name, path in both.items() if path is not None}
    tables, statuses = _measure_all(results or [], masks, image, options, messages)
    table = joined(tables)
    for warning in table.warnings:
        messages.warning(warning)
    if tables:
        messages.table(_shown(table))
        if output is not None:
            table.write(output, columns=columns.value, overwrite=overwrite)
            messages.result(f"{output}: {counted(len(table), 'row')}")
    if statuses:
        messages.error(f"{len(statuses)} of {len(statuses) + len(tables)} could not be measured")
        raise typer.Exit(max(statuses))


def _check_sct(output: Path | None, norms: Path | None) -> None:
    if norms is not None:
        msg = "--columns sct has no columns for --norms; leave one of them out"
        raise UsageError(msg)
    if output is None:
        msg = "--columns sct is for a file; name it with --output"
        raise UsageError(msg)


def _refuse(options: dict[str, object], why: str) -> None:
    for name, value in options.items():
        if value:
            msg = f"{name} {why}"
            raise UsageError(msg)


def _single(values: Sequence[T] | None, name: str) -> T | None:
    """Return what was given once, or not at all."""
    if values and len(values) > 1:
        msg = f"{name} is for one scan; give it once, or compare two scans with --longitudinal"
        raise UsageError(msg)
    return values[0] if values else None


def _measure_all(
    results: Sequence[Path],
    masks: dict[str, Path],
    image: Path | None,
    options: MeasureOptions,
    messages: Messages,
) -> tuple[list[Table], list[int]]:
    """Measure one after the other; name those that fail and return their statuses."""
    from scgm.segmentation.measure import measured_table
    from scgm.segmentation.saved import record_paths

    if masks or not results:
        if results or not masks:
            msg = "give either results of scgm segment, or masks with --gm and --cord"
            raise UsageError(msg)
        return [measured_table(None, options, image=image, **masks)], []
    failures = Failures(messages)
    jobs: dict[Path, None] = {}
    for path in results:
        with failures.of(path):
            jobs |= dict.fromkeys(record_paths(path))
    if len(jobs) > 1 and (image or options.levels_from is not None or options.level_at):
        msg = "--image, --levels-from and --level-at are for a single result; give one at a time"
        raise UsageError(msg)
    tables = []
    with messages.progress(len(jobs), "Measuring") as advance:
        for record in jobs:
            with failures.of(record):
                messages.detail(f"{record}: measuring")
                tables.append(measured_table(record, options, image=image))
            advance()
    return tables, failures.statuses


def _shown(table: Table) -> list[list[str]]:
    """Return the most wanted columns of a table as text."""
    rows = table.rows
    files = {row["file"] for row in rows}
    names = ["slice" if rows and rows[0]["by"] == "slice" else "slices"]
    if any(row["level"] is not None for row in rows):
        names.append("level")
    scores = [name for name in _SCORES if name in table.more_columns]
    # Eleven columns would not fit into a terminal: numbers would lose their digits.
    shown = [name for name in _SHOWN if not (scores and name in _LESS_WANTED)]
    names = [*(["file"] if len(files) > 1 else []), *names, *shown, *scores]
    if "slice" in names:
        names.append("status")
    head = [(_SHOWN | _SCORES).get(name, name) for name in names]
    return [head, *([cell(row[name]) for name in names] for row in rows)]
