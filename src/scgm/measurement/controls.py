"""Tables of healthy controls, as `scgm measure` or `sct_process_segmentation` writes them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scgm.errors import DataSetError
from scgm.io.tables import Row, number_of, read_table
from scgm.measurement.columns import COLUMNS
from scgm.measurement.levels import LevelKind, parsed_level
from scgm.measurement.sct import METRICS

_SUBJECT = re.compile(r"(?:^|[_/])(sub-[A-Za-z0-9]+)")
_NO_NORM = {
    *("area_uncorrected_mm2", "angle_deg", "angle_ap_deg", "angle_rl_deg", "orientation_deg"),
    *("axis_deg", "mean", "sd", "contrast_percent", "cnr"),
}
# What norms are made of: sizes and shapes, not gray values or angles.
NORMED = tuple(
    column.name for column in COLUMNS if column.together == "mean" and column.name not in _NO_NORM
)
_USED_STATUS = ("", "ok", "confidence not available")
_SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}
_UNKNOWN = ("", "n/a", "na", "nan")
_OTHER_SEXES = (*_UNKNOWN, "o", "other")
_HEALTHY = (*_UNKNOWN, "hc", "healthy", "control")
_PARTICIPANTS = "participants.tsv"

Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Person:
    """Age in years and sex ("M" or "F"), where they are known."""

    age: float | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    """Healthy people: their numbers by place (level, label, column), one for each person."""

    kind: LevelKind
    values: Mapping[Place, Mapping[str, float]]
    people: Mapping[str, Person]
    other_program: bool
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    values: dict[Place, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    people: dict[str, Person] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    approximate: bool = False
    other_program: bool = False


def read_controls(tables: Sequence[Path], people: Path | None = None) -> Controls:
    """Read tables of controls. Slices of a level, and scans of a person, are put together.

    Parameters
    ----------
    tables : sequence of Path
        .csv or .tsv files by level or slice, with levels; or folders that hold such, and maybe a
        participants.tsv.
    people : Path, optional
        A table with the columns participant_id, age and sex, as in BIDS, which goes before those in
        folders. People whose `pathology` is another than HC in one of them are left out.

    Raises
    ------
    DataSetError
        If a file is no such table, kinds of levels are mixed, or a list names nobody of the tables.
    """
    found = _Found()
    files = [file for place in tables for file in _files(place)]
    lists = [*_people_beside(tables), *([people] if people is not None else [])]
    for table in files:
        _read_table(table, found)
    if len(found.kinds) > 1:
        msg = "the tables have vertebral and spinal levels; give tables with levels of one kind"
        raise DataSetError(msg)
    patients: set[str] = set()
    measured = {name for one in found.values.values() for name in one}
    listed: set[str] = set()
    for file in lists:
        of_file = dict(_people(file, measured, patients))
        _require_common(file, of_file, measured)
        found.people |= of_file
        listed |= of_file.keys()
    notes = ["levels of some tables are approximate: so are the norms"] * found.approximate
    notes += _not_listed(measured, listed) if lists else []
    notes += _without_patients(found, patients)
    names = {name for one in found.values.values() for name in one}
    return Controls(
        LevelKind(next(iter(found.kinds))),
        {
            place: {name: float(np.mean(numbers)) for name, numbers in one.items()}
            for place, one in found.values.items()
        },
        {name: found.people.get(name, Person()) for name in sorted(names)},
        found.other_program,
        tuple(notes),
    )


def _files(place: Path) -> list[Path]:
    """Return a table, or the tables in a folder.

    Raises
    ------
    DataSetError
        If there is none in the folder.
    """
    if not place.is_dir():
        return [place]
    files = [file for file in sorted(place.iterdir()) if file.suffix.lower() in {".csv", ".tsv"}]
    files = [file for file in files if file.name != _PARTICIPANTS]
    if not files:
        below = [one.relative_to(place) for one in sorted(place.rglob(_PARTICIPANTS))]
        where = ", ".join(str(one.parent) for one in below[:8])
        choose = f"choose one of its folders: {where}" if where else "give a folder that has some"
        msg = f"{place}: there is no .csv or .tsv table in it; {choose}"
        raise DataSetError(msg)
    return files


def _people_beside(places: Sequence[Path]) -> list[Path]:
    """Return the lists of people in the folders among the tables."""
    return [file for place in places if (file := place / _PARTICIPANTS).is_file()]


def _require_common(file: Path, listed: Iterable[str], measured: set[str]) -> None:
    if measured.isdisjoint(listed):
        msg = (
            f"{file}: it lists none of the people of the tables ({min(measured)}, ...); write "
            "their names alike in both"
        )
        raise DataSetError(msg)


def _not_listed(measured: set[str], listed: set[str]) -> list[str]:
    """Say whether people are in no list: nothing tells whether these are healthy."""
    missing = sorted(measured - listed)
    if not missing:
        return []
    return [
        f"{len(missing)} of {len(measured)} people are in no list of people ({missing[0]}, ...): "
        "they are taken as healthy"
    ]


def _without_patients(found: _Found, patients: set[str]) -> list[str]:
    """Leave out those who are not healthy; say how many."""
    everybody = {name for one in found.values.values() for name in one}
    left = everybody & patients
    for place, of_place in list(found.values.items()):
        for name in left & of_place.keys():
            del of_place[name]
        if not of_place:
            del found.values[place]
    if not left:
        return []
    return [
        f"left out, since not healthy (pathology other than HC): {len(left)} of {len(everybody)}"
    ]


def _read_table(table: Path, found: _Found) -> None:
    names, rows = read_table(table)
    if {"VertLevel", "Filename", "MEAN(area)"} <= set(names):
        read, found.other_program = _sct_rows, True
    elif {"file", "level", "level_kind", "label", "by"} <= set(names):
        read = _own_rows
    else:
        msg = (
            f"{table}: it has neither the columns of scgm measure (file, by, level, label) nor "
            "those of sct_process_segmentation (Filename, VertLevel); give a table of measurements"
        )
        raise DataSetError(msg)
    count = 0
    for name, place, value in read(table, rows, found):
        found.values[place][name].append(value)
        count += 1
    if not count:
        msg = f"{table}: none of its rows has a level and a number; measure with --by level"
        raise DataSetError(msg)


def _own_rows(
    table: Path, rows: Sequence[Row], found: _Found
) -> Iterator[tuple[str, Place, float]]:
    used = [
        row
        for row in rows
        if row["by"] in {"slice", "level"} and (row.get("status") or "") in _USED_STATUS
    ]
    for row in used:
        kind, written = row["level_kind"] or "", row["level"] or ""
        if not written or kind not in tuple(LevelKind):
            continue
        level = parsed_level(written, LevelKind(kind))
        if level is None:
            continue
        found.kinds.add(kind)
        found.approximate |= row.get("level_from") == "approximate"
        name = row.get("participant_id") or row.get("subject") or _subject(row["file"] or "", table)
        if row.get("age") or row.get("sex"):
            found.people[name] = _person(row, table)
        for column in NORMED:
            value = number_of(row.get(column))
            if value is not None:
                yield name, (level, row["label"] or "", column), value


def _sct_rows(
    table: Path, rows: Sequence[Row], found: _Found
) -> Iterator[tuple[str, Place, float]]:
    """Yield what is known of the cord; its levels are vertebral."""
    found.kinds.add(str(LevelKind.VERTEBRAL))
    for row in rows:
        level = parsed_level(row["VertLevel"] or "", LevelKind.VERTEBRAL)
        if level is None:
            continue
        name = _subject(row["Filename"] or "", table)
        for there, column in METRICS.items():
            value = number_of(row.get(f"MEAN({there})"))
            if column in NORMED and value is not None:
                yield name, (level, "SC", column), value


def _subject(file: str, table: Path) -> str:
    """Return whose row it is: by BIDS, else by the name of the image, else of the table."""
    names = _SUBJECT.findall(file) or _SUBJECT.findall(table.name)
    return str(names[-1]) if names else file or table.name


def _people(table: Path, measured: set[str], patients: set[str]) -> Iterator[tuple[str, Person]]:
    """Yield whom a list names; add to *patients* who is not healthy.

    Lists are common that name "01" whom BIDS calls "sub-01", and tables, too.
    """
    names, rows = read_table(table)
    if "participant_id" not in names or not {"age", "sex"} & set(names):
        msg = f"{table}: it must have the columns participant_id, and age or sex"
        raise DataSetError(msg)
    called = {_without_sub(name): name for name in measured}
    for row in rows:
        written = (row["participant_id"] or "").strip()
        name = written if written in measured else called.get(_without_sub(written), written)
        if (row.get("pathology") or "").strip().lower() not in _HEALTHY:
            patients.add(name)
        yield name, _person(row, table)


def _without_sub(name: str) -> str:
    return name.lower().removeprefix("sub-")


def _person(row: Row, table: Path) -> Person:
    age, sex = ((row.get(name) or "").strip() for name in ("age", "sex"))
    years = number_of(age)
    if age.lower() not in _UNKNOWN and (years is None or not 0 <= years <= 120):
        msg = f"{table}: age {age[:20]!r} is no number of years"
        raise DataSetError(msg)
    known = _SEXES.get(sex.lower())
    if known is None and sex.lower() not in _OTHER_SEXES:
        msg = f"{table}: sex {sex[:20]!r} is neither F nor M; write F, M, O or n/a"
        raise DataSetError(msg)
    return Person(years, known)
