"""``scgm measure --longitudinal``: two scans of one person, or a table of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from scgm.cli.console import Failures, Messages, cell, counted
from scgm.errors import UsageError

if TYPE_CHECKING:
    from scgm.measurement.change import ChangeTable
    from scgm.measurement.options import MeasureOptions
    from scgm.segmentation.follow_up import Pair

T = TypeVar("T")

_TABLES = (".csv", ".tsv")
# What is shown on the screen; the file has every column.
_SHOWN = {
    "label": "label",
    "first_mm2": "first",
    "second_mm2": "second",
    "change_mm2": "change mm2",
    "change_percent": "change %",
    "mdc_percent": "MDC %",
    "beyond_mdc": "beyond MDC",
    "match": "match",
}


@dataclass(frozen=True, slots=True)
class Given:
    """What was named on the command line, the first scan first."""

    results: Sequence[Path]
    gm: Sequence[Path]
    cord: Sequence[Path]
    levels_from: Sequence[Path]
    level_at: Sequence[tuple[int, str]]


def compare(
    given: Given,
    options: MeasureOptions,
    messages: Messages,
    output: Path | None,
    *,
    overwrite: bool,
) -> None:
    """Compare each pair; one that fails does not end the others."""
    from scgm.measurement.change import ChangeTable
    from scgm.measurement.row_files import check_file

    if output is not None:
        check_file(output, overwrite=overwrite)
    pairs = _pairs(given)
    tables, statuses = _compare_all(pairs, options, messages)
    table = ChangeTable(
        tuple(row for one in tables for row in one.rows),
        tuple(dict.fromkeys(note for one in tables for note in one.warnings)),
    )
    for warning in table.warnings:
        messages.warning(warning)
    if tables:
        _show(table, messages)
        if output is not None:
            table.write(output, overwrite=overwrite)
            messages.result(f"{output}: {counted(len(table.rows), 'row')}")
    if statuses:
        if len(pairs) > 1:
            messages.error(f"{len(statuses)} of {len(pairs)} pairs could not be compared")
        raise typer.Exit(max(statuses))


def _compare_all(
    pairs: Sequence[Pair], options: MeasureOptions, messages: Messages
) -> tuple[list[ChangeTable], list[int]]:
    from scgm.segmentation.follow_up import compared

    failures = Failures(messages)
    tables = []
    with messages.progress(len(pairs), "Comparing") as advance:
        for pair in pairs:
            with failures.of(pair.first.path):
                tables.append(compared(pair, options))
            advance()
    return tables, failures.statuses


def _pairs(given: Given) -> list[Pair]:
    from scgm.segmentation.follow_up import Pair, TimePoint, read_pairs

    if len(given.results) == 1 and given.results[0].suffix.lower() in _TABLES:
        if given.gm or given.cord or given.levels_from or given.level_at:
            msg = "with a table of pairs, name levels in its columns levels_first and levels_second"
            raise UsageError(msg)
        return read_pairs(given.results[0])
    _check(given)

    def point(number: int) -> TimePoint:
        return TimePoint(
            result=_at(given.results, number),
            gm=_at(given.gm, number),
            cord=_at(given.cord, number),
            levels_from=_at(given.levels_from, number),
            level_at=_at(given.level_at, number),
        )

    return [Pair(point(0), point(1))]


def _check(given: Given) -> None:
    if bool(given.results) == bool(given.gm or given.cord):
        msg = (
            "--longitudinal compares two results, the masks of two scans (--gm and --cord, each "
            "twice), or the scans of a table of pairs (.csv or .tsv); give one of these"
        )
        raise UsageError(msg)
    for name, values in (("RESULT", given.results), ("--gm", given.gm), ("--cord", given.cord)):
        if values and len(values) != 2:
            times = "once" if len(values) == 1 else f"{len(values)} times"
            msg = f"{name} is given {times}; give it twice, for the first and the second scan"
            raise UsageError(msg)
    levels = [len(values) for values in (given.levels_from, given.level_at) if values]
    if len(levels) > 1 or any(count > 2 for count in levels):
        msg = "give --levels-from or --level-at, for the first scan and perhaps for the second"
        raise UsageError(msg)


def _at(values: Sequence[T], number: int) -> T | None:
    return values[number] if number < len(values) else None


def _show(table: ChangeTable, messages: Messages) -> None:
    from scgm.measurement.repeatability import repeatability

    # The area by probability is the steadier one.
    soft = {(row["first"], row["label"]) for row in table.rows if row["measure"] == "area_soft_mm2"}
    shown = [
        row
        for row in table.rows
        if row["measure"] == "area_soft_mm2" or (row["first"], row["label"]) not in soft
    ]
    several = len({(row["first"], row["second"]) for row in shown}) > 1
    named = ["subject", "first"] if several else []
    head = [*named, "place", *_SHOWN.values()]
    rows = [
        [
            *(cell(row[name]) for name in named),
            _place(row),
            *(cell(row[name]) for name in _SHOWN),
        ]
        for row in shown
    ]
    messages.table([head, *rows])
    known = repeatability()
    messages.result(
        f"MDC: minimal detectable change, from {known.people} people scanned twice in one session; "
        "after positioning anew, or with another scanner, it is larger"
    )


def _place(row: dict[str, str | int | float | None]) -> str:
    if row["by"] == "mm":
        low, high = (round(float(row[name] or 0)) for name in ("from_mm", "to_mm"))
        return f"{low} to {high} mm"
    return str(row["level"] or row["by"])
