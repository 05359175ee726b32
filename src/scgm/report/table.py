"""The measurements of a result, one value for each slice."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scgm.errors import RecordError
from scgm.report.records import Record

LABELS = ("GM", "WM", "SC")
_NEEDED = {"slice_is", "label", "area_mm2", "confidence"}
# A table that has these two columns gives the normal range of each area.
LOW, HIGH = "normal_low_mm2", "normal_high_mm2"
_MOST_BYTES = 1 << 28


@dataclass(slots=True)
class SliceRow:
    """What is known of a slice. None is 'not measured', never zero.

    *normal* holds the lowest and the highest normal area of a label, where the table has them.
    """

    slice: int
    slice_is: int
    status: str
    confidence: float | None = None
    distance_mm: float | None = None
    areas: dict[str, float | None] = field(default_factory=dict)
    soft_areas: dict[str, float | None] = field(default_factory=dict)
    normal: dict[str, tuple[float, float]] = field(default_factory=dict)
    contrast: float | None = None
    cord_shape: float | None = None
    gm_spread: float | None = None

    @property
    def ok(self) -> bool:
        """Whether its numbers can be used without a look."""
        return self.status == "ok"


def empty_rows(record: Record) -> list[SliceRow]:
    """Return the slices of a record, from inferior to superior, with nothing measured."""
    ordered = sorted(record.slices, key=lambda each: each.slice_is)
    if [each.slice_is for each in ordered] != list(range(len(ordered))):
        msg = f"{record.path}: its slices are not numbered one by one; segment the image again"
        raise RecordError(msg)
    return [SliceRow(each.slice, each.slice_is, each.status) for each in ordered]


def fill_rows(record: Record, rows: list[SliceRow]) -> None:
    """Add what the table of measurements beside a record says.

    Raises
    ------
    RecordError
        If it is missing or is no such table; nothing is added then.
    """
    path = record.path.with_name(f"{record.name}_measurements.csv")
    lines = _lines(path)
    try:
        places = [int(line["slice_is"]) for line in lines]
        values = [_numbers(line) for line in lines]
    except ValueError as error:
        msg = f"{path}: a cell is no number ({str(error)[:80]}); segment the image again"
        raise RecordError(msg) from error
    if set(places) != set(range(len(rows))):
        msg = f"{path}: its slices are not those of the record; segment the image again"
        raise RecordError(msg)
    for line, place, numbers in zip(lines, places, values, strict=True):
        _fill(rows[place], line["label"], numbers)


def _fill(row: SliceRow, label: str, numbers: Mapping[str, float | None]) -> None:
    row.confidence = numbers["confidence"]
    row.areas[label] = numbers["area_mm2"]
    row.soft_areas[label] = numbers.get("area_soft_mm2")
    thickness = numbers.get("slice_mm")
    row.distance_mm = None if thickness is None else row.slice_is * thickness
    low, high = numbers.get(LOW), numbers.get(HIGH)
    if low is not None and high is not None:
        row.normal[label] = (low, high)


def _lines(path: Path) -> list[dict[str, str]]:
    try:
        if not path.is_file():  # reading a pipe would wait for its other end
            msg = f"{path}: there is no such table, so there are no areas; segment the image again"
            raise RecordError(msg)
        if path.stat().st_size > _MOST_BYTES:
            msg = f"{path}: it is too large for a table of measurements; segment the image again"
            raise RecordError(msg)
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        msg = f"{path}: it cannot be read, so there are no areas; segment the image again"
        raise RecordError(msg) from error
    try:
        table = csv.DictReader(io.StringIO(text))
        lines, names = list(table), set(table.fieldnames or ())
    except csv.Error:
        lines, names = [], set()
    if not names >= _NEEDED:
        msg = f"{path}: this is no table of measurements of scgm; segment the image again"
        raise RecordError(msg)
    return lines


def _numbers(line: Mapping[str, str]) -> dict[str, float | None]:
    wanted = ("area_mm2", "area_soft_mm2", "confidence", "slice_mm", LOW, HIGH)
    return {name: _number(line.get(name)) for name in wanted}


def _number(text: str | None) -> float | None:
    if not text:
        return None
    value = float(text)
    if not math.isfinite(value):
        msg = f"{text!r} is not finite"
        raise ValueError(msg)
    return value
