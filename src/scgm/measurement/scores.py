"""How usual numbers are: z-scores and centiles among healthy people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scgm.errors import UsageError
from scgm.measurement.norms import Distribution, Norm, Norms
from scgm.measurement.options import By
from scgm.measurement.rows import Cell, Row
from scgm.measurement.table import Table

# Area between which 95 of 100 healthy people are, if areas are distributed normally.
RANGE = ("normal_low_mm2", "normal_high_mm2")
_RANGE_OF, _RANGE_SD = "area_mm2", 1.96


@dataclass(frozen=True, slots=True)
class Asked:
    """Age in years and sex ("M" or "F") of the person who is measured, where they are given."""

    age: float | None = None
    sex: str | None = None

    def __bool__(self) -> bool:
        return self.age is not None or self.sex is not None


def scored(table: Table, norms: Norms, person: Asked) -> Table:
    """Add the normal range of the area, and NAME_z and NAME_centile for each column with norms.

    Parameters
    ----------
    table : Table
        With a row for each level; or for each slice, which gets the range of its level alone: a
        single slice varies more than the mean over a level.
    norms : Norms
        Normal values.
    person : Asked
        Who it is; without that, age and sex are not allowed for.

    Raises
    ------
    UsageError
        If the norms do not know the age or sex that is given, need the other one too, or have
        levels of another kind.
    """
    _check(table, norms, person)
    by_place = {(norm.level, norm.label, norm.column): norm for norm in norms.norms}
    by_level = any(row.values["by"] == By.LEVEL for row in table.made_of)
    scores = tuple(f"{name}_{what}" for name in norms.columns for what in ("z", "centile"))
    more = (*(RANGE if _RANGE_OF in norms.columns else ()), *(scores if by_level else ()))
    rows = tuple(
        replace(row, values=row.values | {name: found[name] for name in more})
        for row in table.made_of
        for found in [_range(row, norms, by_place, person) | _scores(row, norms, by_place, person)]
    )
    return Table(rows, (*table.warnings, *_notes(table, norms, person)), more)


def _check(table: Table, norms: Norms, person: Asked) -> None:
    kinds = {row.values["level_kind"] for row in table.made_of} - {None}
    if kinds - {str(norms.level_kind)}:
        msg = f"the norms are by {norms.level_kind} levels, the levels here are of another kind"
        raise UsageError(msg)
    given = {"age": person.age, "sex": person.sex}
    if not person:
        return
    unknown = [name for name, value in given.items() if value is not None]
    unknown = [name for name in unknown if name not in norms.fitted_by]
    missing = [name for name in norms.fitted_by if given[name] is None]
    if unknown:
        msg = f"the norms do not allow for {' and '.join(unknown)}; leave --{unknown[0]} out"
        raise UsageError(msg)
    if missing:
        msg = f"the norms allow for {' and '.join(norms.fitted_by)}: give --{missing[0]}, too"
        raise UsageError(msg)


def _scores(
    row: Row, norms: Norms, by_place: dict[tuple[str, str, str], Norm], person: Asked
) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for name in norms.columns:
        z, centile = None, None
        norm = by_place.get((str(row.values["level"]), str(row.values["label"]), name))
        value = row.values[name]
        if norm is not None and isinstance(value, int | float):
            known = norm.fitted if person else norm.plain
            if known is not None:
                away = value - _expected(known, norms, person)
                z, centile = away / known.sd, _centile(known, away)
        found |= {f"{name}_z": z, f"{name}_centile": centile}
    return found


def _range(
    row: Row, norms: Norms, by_place: dict[tuple[str, str, str], Norm], person: Asked
) -> dict[str, Cell]:
    norm = by_place.get((str(row.values["level"]), str(row.values["label"]), _RANGE_OF))
    known = None if norm is None else norm.fitted if person else norm.plain
    if known is None:
        return dict.fromkeys(RANGE)
    middle, half = _expected(known, norms, person), _RANGE_SD * known.sd
    return dict(zip(RANGE, (max(0.0, middle - half), middle + half), strict=True))


def _expected(known: Distribution, norms: Norms, person: Asked) -> float:
    expected = known.mean
    if person.age is not None:
        expected += known.age_slope * (person.age - (norms.mean_age or 0.0))
    if person.sex is not None:
        expected += known.male_less_female * (0.5 if person.sex == "M" else -0.5)
    return expected


def _centile(known: Distribution, away: float) -> float | None:
    """Return the centile; beyond the outermost known one, that."""
    if not known.centiles:
        return None
    offsets = list(known.centiles.values())
    return float(np.interp(away, offsets, [float(p) for p in known.centiles]))


def _notes(table: Table, norms: Norms, person: Asked) -> Sequence[str]:
    notes = []
    if norms.fitted_by and not person:
        options = " and ".join(f"--{name}" for name in norms.fitted_by)
        notes.append(f"the norms allow for {' and '.join(norms.fitted_by)}: give {options}")
    if person.age is not None and norms.ages is not None:
        low, high = norms.ages
        if not low <= person.age <= high:
            notes.append(f"nobody of {person.age:g} years is in the norms ({low:g} to {high:g})")
    if norms.other_program:
        notes.append("the norms are those of another program: a difference may be that of methods")
    there = {norm.level for norm in norms.norms if norm.fitted or not person}
    shown = {str(level) for row in table.made_of if (level := row.values["level"]) is not None}
    if missing := shown - there:
        notes.append(f"there are no norms of {', '.join(sorted(missing))}")
    return notes
