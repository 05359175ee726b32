"""Two scans of one person compared, from results, their files or masks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scgm.errors import DataSetError, ImageReadError, UsageError
from scgm.io.read import DEFAULT_READING
from scgm.io.tables import read_table
from scgm.measurement.change import ChangeTable, changes
from scgm.measurement.level_source import levels_for
from scgm.measurement.masks import structures_from_masks
from scgm.measurement.options import MeasureOptions
from scgm.measurement.profile import Profile, profile_of
from scgm.measurement.structures import Structures
from scgm.segmentation.inputs import as_labels
from scgm.segmentation.saved import record_paths, saved_result, structures_of_saved

_ENTITY = re.compile(r"(?:^|[_/])(sub|acq|ce)-([A-Za-z0-9]+)")
_COLUMNS = ("subject", "first", "second")
_MORE_COLUMNS = ("levels_first", "levels_second")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePoint:
    """One scan: a saved result, or masks; and the levels of its slices, if they are known.

    Parameters
    ----------
    result : Path, optional
        Record, mask or folder of one result.
    gm, cord : Path, optional
        Masks in place of a result.
    levels_from : Path, optional
        Label image or text file of levels.
    level_at : (int, str), optional
        A slice and its level.
    """

    result: Path | None = None
    gm: Path | None = None
    cord: Path | None = None
    levels_from: Path | None = None
    level_at: tuple[int, str] | None = None

    @property
    def path(self) -> Path:
        """The file that messages name."""
        return self.result or self.cord or self.gm or Path()

    @property
    def entities(self) -> dict[str, str]:
        """The entities of BIDS in the names of its files, the innermost counts."""
        files = [path for path in (self.gm, self.cord, self.result) if path is not None]
        return {key: value for path in files for key, value in _ENTITY.findall(path.as_posix())}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two scans of one person, in the order of time."""

    first: TimePoint
    second: TimePoint
    subject: str | None = None


def compared(pair: Pair, options: MeasureOptions) -> ChangeTable:
    """Compare two scans of one person; *options* without levels of slices.

    Raises
    ------
    ImageReadError, GeometryError, UsageError
        If a file cannot be used, or the scans cannot be matched.
    """
    first, second = (_measured(one, options) for one in (pair.first, pair.second))
    (one, name), (other, other_name) = first, second
    names = (one.name, other.name)
    entities = [
        dict(_ENTITY.findall(scan)) | point.entities
        for scan, point in zip(names, (pair.first, pair.second), strict=True)
    ]
    subject = pair.subject or (f"sub-{entities[0]['sub']}" if "sub" in entities[0] else None)
    table = changes(one, other, subject=subject, levels=options.levels)
    notes = (*_differences(names, entities), *_methods(names, (name, other_name)))
    return replace(table, warnings=(*notes, *table.warnings))


def read_pairs(table: Path) -> list[Pair]:
    """Read a table of pairs: subject, first, second; perhaps levels_first, levels_second.

    Paths start from the folder of the table.

    Raises
    ------
    DataSetError
        If it cannot be read, or a column or cell is missing.
    """
    names, rows = read_table(table)
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        msg = (
            f"{table}: it has no column {', '.join(missing)}; its first line must name "
            f"{', '.join(_COLUMNS)}"
        )
        raise DataSetError(msg)
    pairs = [_pair(table, number, row) for number, row in enumerate(rows, 2)]
    if not pairs:
        msg = f"{table}: it has no pairs; give a line for each person"
        raise DataSetError(msg)
    return pairs


def _pair(table: Path, line: int, row: Mapping[str, str | None]) -> Pair:
    cells = {name: (row.get(name) or "").strip() for name in (*_COLUMNS, *_MORE_COLUMNS)}
    empty = [name for name in _COLUMNS if not cells[name]]
    if empty:
        msg = f"{table}, line {line}: {', '.join(empty)} is empty; fill it in or remove the line"
        raise DataSetError(msg)

    def point(which: str) -> TimePoint:
        levels = cells[f"levels_{which}"]
        return TimePoint(
            result=table.parent / cells[which],
            levels_from=table.parent / levels if levels else None,
        )

    return Pair(point("first"), point("second"), cells["subject"])


def _measured(point: TimePoint, options: MeasureOptions) -> tuple[Profile, str | None]:
    """Return the profile of a scan, and by which method it was segmented."""
    structures, method = _structures(point)
    asked = replace(
        options, levels=None, by=None, levels_from=point.levels_from, level_at=point.level_at
    )
    return profile_of(structures, levels_for(structures, asked), asked), method


def _structures(point: TimePoint) -> tuple[Structures, str | None]:
    if point.result is None:
        masks = [
            None if one is None else as_labels(one, DEFAULT_READING)
            for one in (point.gm, point.cord)
        ]
        named = point.cord or point.gm
        if named is None:
            msg = "give two results, or masks of two scans with --gm and --cord"
            raise UsageError(msg)
        return structures_from_masks(named.name, masks[0], masks[1]), None
    records = record_paths(point.result)
    if len(records) > 1:
        msg = (
            f"{point.result}: it holds {len(records)} results; name one of them, as "
            f"{records[0].name}"
        )
        raise ImageReadError(msg)
    saved = saved_result(records[0])
    return structures_of_saved(saved), _method(saved.record)


def _method(record: Mapping[str, Any]) -> str:
    """Return the name of the method and the start of its model's checksum."""
    model = record.get("model")
    checksum = model.get("sha256") if isinstance(model, dict) else None
    return f"{record['method']} {str(checksum)[:8]}" if checksum else str(record["method"])


def _differences(names: tuple[str, str], entities: list[dict[str, str]]) -> tuple[str, ...]:
    """Name what the names of two files say of different people or acquisitions."""
    one, other = entities
    both = f"{names[0]} and {names[1]}"
    notes = []
    if "sub" in one and "sub" in other and one["sub"] != other["sub"]:
        notes.append(
            f"{both}: of two people by their names (sub-{one['sub']} and sub-{other['sub']}); the "
            "differences are then between people, not over time"
        )
    for key in ("acq", "ce"):
        if one.get(key) != other.get(key):
            told = [f"{key}-{each[key]}" if key in each else f"no {key}-" for each in entities]
            notes.append(
                f"{both}: acquired differently by their names ({told[0]} and {told[1]}); the "
                "minimal detectable change holds for one protocol"
            )
    return tuple(notes)


def _methods(names: tuple[str, str], methods: tuple[str | None, str | None]) -> tuple[str, ...]:
    one, other = methods
    if one is None or other is None or one == other:
        return ()
    return (
        f"{names[0]} and {names[1]}: segmented by {one} and {other}; segment both by the same "
        "method, else the difference is also that of the methods",
    )
