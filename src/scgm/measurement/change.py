"""What changed between two scans of one person, place by place along the cord."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.io.text import name_text
from scgm.measurement.columns import Column
from scgm.measurement.levels import Levels, level_names, parsed_range
from scgm.measurement.profile import AREAS, Profile, Values
from scgm.measurement.profile_match import Match, match
from scgm.measurement.repeatability import Over, repeatability
from scgm.measurement.row_files import Cell, check_file, write_rows

# Length of a row where no level is known, and distance of the places that are compared.
BIN_MM = 5.0
_STEP_MM = 0.5
# The errors of scans and levels were measured over more than this.
_SCAN_FROM_MM, _LEVEL_FROM_MM = 45.0, 12.0

COLUMNS = (
    Column("subject", "", "who it is, from the table of pairs or the name of the file"),
    Column("first", "", "name of the first image"),
    Column("second", "", "name of the second image"),
    Column("by", "", "what a row stands for: `level`, `mm` (5 mm of cord) or `whole`"),
    Column("level", "", "level, as `C3`"),
    Column("level_kind", "", "`vertebral` or `spinal`"),
    Column("level_from", "", "where the level is known from"),
    Column(
        "from_mm", "mm", "lower end, along the cord from the middle of the lowest slice of `first`"
    ),
    Column("to_mm", "mm", "upper end"),
    Column("covered_mm", "mm", "length of cord that both scans show there: all that is compared"),
    Column("label", "", "`GM` gray matter, `WM` white matter, `SC` whole cord"),
    Column("measure", "", "`area_mm2` of the mask, or `area_soft_mm2` by probability"),
    Column("first_mm2", "mm²", "mean area in the first scan"),
    Column("second_mm2", "mm²", "mean area in the second scan"),
    Column("change_mm2", "mm²", "second less first"),
    Column("change_percent", "%", "the same, of the first"),
    Column("mdc_mm2", "mm²", "minimal detectable change"),
    Column("mdc_percent", "%", "the same, of the mean of both areas"),
    Column("mdc_of", "", "what that is the error of: `slice`, `level` (17 mm) or `scan`"),
    Column("mdc_people", "", "number of people that it was measured on"),
    Column("beyond_mdc", "", "`yes` if the change is larger than `mdc_mm2`, up or down, else `no`"),
    Column("matched_by", "", "`levels` or `profile` (area and shape along the cord)"),
    Column("match", "", "`sure` or `unsure`: whether both scans show the same place in a row"),
    Column("match_correlation", "-1 to 1", "how alike both profiles are (matched by `profile`)"),
    Column("match_within_mm", "mm", "how far off the match may be"),
    Column("shift_mm", "mm", "place in `first` = stretch times place in `second` + this"),
    Column("stretch", "", "1 unless levels give it"),
)
NAMES = tuple(column.name for column in COLUMNS)


@dataclass(frozen=True, slots=True, eq=False)
class ChangeTable:
    """What `changes` returns.

    Parameters
    ----------
    rows : tuple of dict
        By column; None where a value is missing.
    warnings : tuple of str
        What was odd, one sentence each.
    """

    rows: tuple[dict[str, Cell], ...]
    warnings: tuple[str, ...] = ()

    def write(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the table whole or not at all; as `scgm.measurement.table.Table.write`."""
        file = Path(path)
        check_file(file, overwrite=overwrite)
        names = ("first", "second")
        rows = [row | {name: name_text(str(row[name])) for name in names} for row in self.rows]
        write_rows(file, NAMES, rows)
        return file


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Places that share a row."""

    over: Over
    level: str | None
    inside: NDArray[np.bool_]


def changes(
    first: Profile, second: Profile, *, subject: str | None = None, levels: str | None = None
) -> ChangeTable:
    """Compare two scans of one person.

    Parameters
    ----------
    first, second : Profile
        Both scans, in the order of time.
    subject : str, optional
        Who it is.
    levels : str, optional
        Levels to keep, as "C2:C5".

    Raises
    ------
    GeometryError, UsageError
        If they cannot be matched, show no common part of the cord, or no such level.
    """
    found = match(first, second)
    at = _places(first)
    places = found.in_second(at)
    seen = _seen(first, at) & _seen(second, places)
    if not seen.any():
        msg = f"{first.name} and {second.name}: they show no common part of the cord"
        raise GeometryError(msg)
    named = first if first.levels is not None else second
    of_place = named.level_at(at if named is first else places)
    rows = []
    for part in _parts(at, seen, of_place, named.levels, levels):
        head = _head(first, second, named.levels if part.level else None, found)
        head |= {"subject": subject, "level": part.level, "by": _BY[part.over]}
        rows += list(_rows(head, part, (first, at), (second, places)))
    if not rows:
        msg = (
            f"{first.name} and {second.name}: no slice of both shows {levels}; choose other levels"
        )
        raise GeometryError(msg)
    return ChangeTable(tuple(rows), _warnings(first, second, found))


_BY = {Over.LEVEL: "level", Over.SLICE: "mm", Over.SCAN: "whole"}


def _places(first: Profile) -> NDArray[np.float64]:
    """Return the middles of short pieces of the cord; one begins in the middle of the lowest slice.

    So rows do not begin below the lowest slice, of which nothing is known.
    """
    low, high = first.ends_mm
    begin = float(first.positions_mm[first.usable][0])
    pieces = np.arange(np.floor((low - begin) / _STEP_MM), np.ceil((high - begin) / _STEP_MM))
    return np.asarray(begin + (pieces + 0.5) * _STEP_MM, np.float64)


def _seen(profile: Profile, at: Values) -> NDArray[np.bool_]:
    known = [profile.sampled(values, at) for values in profile.areas.values()]
    return np.asarray(np.isfinite(known).any(axis=0))


def _parts(
    at: Values,
    seen: NDArray[np.bool_],
    of_place: list[str | None],
    levels: Levels | None,
    wanted: str | None,
) -> Iterator[_Part]:
    """Yield levels from the head down, then what has no level, 5 mm each, then all together."""
    names = np.array([name or "" for name in of_place])
    if levels is not None:
        kept = level_names(levels.kind) if wanted is None else parsed_range(wanted, levels.kind)
        for name in kept:
            yield _Part(Over.LEVEL, name, seen & (names == name))
    if wanted is not None:
        return
    rest = seen & (names == "")
    if rest.any():
        bins = np.floor((at - at[seen][0]) / BIN_MM).astype(int)
        for number in np.unique(bins[rest]):
            yield _Part(Over.SLICE, None, rest & (bins == number))
    yield _Part(Over.SCAN, None, seen)


def _head(first: Profile, second: Profile, levels: Levels | None, found: Match) -> dict[str, Cell]:
    return dict.fromkeys(NAMES) | {
        "first": first.name,
        "second": second.name,
        "level_kind": str(levels.kind) if levels else None,
        "level_from": levels.source if levels else None,
        "mdc_people": repeatability().people,
        "matched_by": found.by,
        "match": "sure" if found.sure else "unsure",
        "match_correlation": found.correlation,
        "match_within_mm": found.uncertainty_mm,
        "shift_mm": found.shift_mm,
        "stretch": found.stretch,
    }


def _rows(
    head: dict[str, Cell], part: _Part, one: tuple[Profile, Values], other: tuple[Profile, Values]
) -> Iterator[dict[str, Cell]]:
    """Yield a row for each label and way to count, from the places where both are known."""
    (first, at), (second, places) = one, other
    for label in ("GM", "WM", "SC"):
        for column in AREAS:
            what = (label, column)
            if what not in first.areas or what not in second.areas:
                continue
            before = first.sampled(first.areas[what], at)
            after = second.sampled(second.areas[what], places)
            both = part.inside & np.isfinite(before) & np.isfinite(after)
            if both.any():
                covered = float(both.sum()) * _STEP_MM
                numbers = _numbers(float(before[both].mean()), float(after[both].mean()))
                yield (
                    head
                    | numbers
                    | _detectable(_error_of(part.over, covered), what, numbers)
                    | {
                        "label": label,
                        "measure": column,
                        "from_mm": float(at[both][0]) - _STEP_MM / 2,
                        "to_mm": float(at[both][-1]) + _STEP_MM / 2,
                        "covered_mm": covered,
                    }
                )


def _numbers(before: float, after: float) -> dict[str, float]:
    change = after - before
    return {
        "first_mm2": before,
        "second_mm2": after,
        "change_mm2": change,
        "change_percent": 100 * change / before,
    }


def _error_of(over: Over, covered_mm: float) -> Over:
    """Return which error holds: a mean over a short part is no steadier than that of a level."""
    if over is Over.SCAN and covered_mm < _SCAN_FROM_MM:
        over = Over.LEVEL
    return Over.SLICE if over is Over.LEVEL and covered_mm < _LEVEL_FROM_MM else over


def _detectable(over: Over, what: tuple[str, str], numbers: dict[str, float]) -> dict[str, Cell]:
    limit = repeatability().of(over, *what)
    if limit is None:
        return {}
    limit_mm2 = limit / 100 * (numbers["first_mm2"] + numbers["second_mm2"]) / 2
    return {
        "mdc_percent": limit,
        "mdc_of": str(over),
        "mdc_mm2": limit_mm2,
        "beyond_mdc": "yes" if abs(numbers["change_mm2"]) > limit_mm2 else "no",
    }


def _warnings(first: Profile, second: Profile, found: Match) -> tuple[str, ...]:
    both = f"{first.name} and {second.name}"
    notes = [*first.warnings, *second.warnings]
    if not found.sure:
        alike = "" if found.correlation is None else f"correlation {found.correlation:.2f}, "
        notes.append(
            f"{both}: matched by {found.by}, but not surely ({alike}perhaps "
            f"{found.uncertainty_mm:.0f} mm off): rows may compare different places of the cord; "
            "give exact levels of both"
        )
    sizes = (first.pixel_area_mm2, second.pixel_area_mm2)
    if max(sizes) > 1.1 * min(sizes):
        notes.append(
            f"{both}: pixels of {sizes[0]:.3g} and {sizes[1]:.3g} mm2: the minimal detectable "
            "change holds for two scans of one protocol"
        )
    if _equal(first, second):
        notes.append(f"{both}: all areas are the same; check that these are two scans")
    return tuple(dict.fromkeys(notes))


def _equal(first: Profile, second: Profile) -> bool:
    return first.areas.keys() == second.areas.keys() and all(
        np.array_equal(first.areas[what], second.areas[what], equal_nan=True)
        for what in first.areas
    )
