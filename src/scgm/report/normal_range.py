"""The normal range of areas, from tables of ``scgm measure --by slice --norms``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scgm.errors import RecordError
from scgm.io.tables import number_of, read_table
from scgm.io.text import name_text
from scgm.report.records import Record
from scgm.report.table import HIGH, LOW, SliceRow

_NEEDED = {"file", "by", "slice_is", "label", "area_mm2", "area_uncorrected_mm2", LOW, HIGH}
# Numbers in tables have six digits.
_SAME = 1e-4


@dataclass(frozen=True, slots=True)
class RangeRow:
    """The normal range of one structure in one slice, and its measured area, in mm2."""

    low: float
    high: float
    area: float | None
    uncorrected: float | None

    @property
    def in_slice(self) -> tuple[float, float]:
        """The range of the area in the slice as it was acquired, as the report shows areas."""
        if not self.area or self.uncorrected is None:
            return self.low, self.high
        return self.low * self.uncorrected / self.area, self.high * self.uncorrected / self.area


Ranges = Mapping[tuple[int, str], RangeRow]


@dataclass(frozen=True, slots=True)
class NormalRanges:
    """The ranges of images, by table and the name of the image."""

    tables: Mapping[Path, Mapping[str, Ranges]]

    def fill(self, record: Record, rows: Sequence[SliceRow]) -> list[str]:
        """Add the ranges of an image to its slices; return what to look at, one sentence each."""
        name = name_text(record.input.file or record.name)
        notes = []
        for table, by_image in self.tables.items():
            ranges = by_image.get(name)
            if ranges is None:
                continue
            if _fits(ranges, rows):
                _fill(ranges, rows)
            else:
                notes.append(
                    f"{table.name}: its areas of {name} are not those of this result, so no normal "
                    "range is shown; measure the result again"
                )
        return notes

    def without_image(self, records: Sequence[Record]) -> list[str]:
        """Name the tables that belong to none of these results."""
        shown = {name_text(record.input.file or record.name) for record in records}
        return [
            f"{table}: no image of it is in the report ({', '.join(list(by_image)[:3])})"
            for table, by_image in self.tables.items()
            if not shown & by_image.keys()
        ]


def read_ranges(tables: Sequence[Path]) -> NormalRanges:
    """Read the normal ranges of slices.

    Raises
    ------
    DataSetError
        If a file is no table.
    RecordError
        If it has no normal range of slices.
    """
    return NormalRanges({table: _read(table) for table in tables})


def _read(table: Path) -> dict[str, dict[tuple[int, str], RangeRow]]:
    names, rows = read_table(table)
    found: dict[str, dict[tuple[int, str], RangeRow]] = {}
    if set(names) >= _NEEDED:
        for row in rows:
            low, high = number_of(row[LOW]), number_of(row[HIGH])
            if row["by"] == "slice" and low is not None and high is not None and low <= high:
                own = RangeRow(
                    low, high, number_of(row["area_mm2"]), number_of(row["area_uncorrected_mm2"])
                )
                place = (int(number_of(row["slice_is"]) or 0), row["label"] or "")
                found.setdefault((row["file"] or "").removeprefix("'"), {})[place] = own
    if not found:
        msg = f"{table}: it has no normal range of slices; use scgm measure --by slice --norms"
        raise RecordError(msg)
    return found


def _fits(ranges: Ranges, rows: Sequence[SliceRow]) -> bool:
    """Tell whether areas of a table are those of a result, wherever both are known."""
    known = {(row.slice_is, label): area for row in rows for label, area in row.areas.items()}
    pairs = [(known.get(place), one.uncorrected) for place, one in ranges.items()]
    both = [(own, other) for own, other in pairs if own is not None and other is not None]
    same = [math.isclose(own, other, rel_tol=_SAME) for own, other in both]
    return bool(same) and all(same)


def _fill(ranges: Ranges, rows: Sequence[SliceRow]) -> None:
    for row in rows:
        for label in row.areas:
            one = ranges.get((row.slice_is, label))
            if one is not None:
                row.normal[label] = one.in_slice
