"""From the numbers of slices to rows: one slice, or several put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scgm.errors import GeometryError, UsageError
from scgm.measurement.columns import AVERAGED, AXES, NAMES
from scgm.measurement.levels import Levels, level_names, parsed_range, range_text
from scgm.measurement.options import By, MeasureOptions
from scgm.measurement.plane import plane_of
from scgm.measurement.slices import SliceNumbers, Values
from scgm.measurement.structures import Structures

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Parameters
    ----------
    values : dict
        By column, in their order; None where a value is missing.
    used : tuple of SliceNumbers
        The slices that it is the mean of.
    """

    values: dict[str, Cell]
    used: tuple[SliceNumbers, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Slices that share a row."""

    by: By
    slices: tuple[int, ...]
    level: str | None


def rows_of(
    structures: Structures,
    numbers: Sequence[SliceNumbers],
    levels: Levels | None,
    options: MeasureOptions,
) -> list[Row]:
    """Return the rows of one image.

    Raises
    ------
    UsageError
        If the rows need levels, and none are known.
    GeometryError
        If no slice shows a level that was asked for.
    """
    groups = _groups(structures, levels, options)
    by_place = {(one.z, one.label): one for one in numbers}
    rows = []
    for group in groups:
        for label in structures.labels:
            ones = [by_place[z, label] for z in group.slices]
            if group.by is By.SLICE:
                rows.append(_slice_row(structures, group, ones[0], levels))
            else:
                rows.append(_mean_row(structures, group, ones, levels, options))
    return rows


def _groups(structures: Structures, levels: Levels | None, options: MeasureOptions) -> list[_Group]:
    every = range(len(structures.status))
    by = options.rows_are
    if levels is None:
        if options.levels is not None or by is By.LEVEL:
            msg = (
                "there are no levels to choose from; give a label image or a text file of levels, "
                "or the level of one slice"
            )
            raise UsageError(msg)
        return _plain_groups(every, by, [None] * len(every))
    names = level_names(levels.kind)
    wanted = names if options.levels is None else parsed_range(options.levels, levels.kind)
    kept = [z for z in every if options.levels is None or levels.of_slice[z] in wanted]
    if not kept:
        msg = (
            f"{structures.name}: no slice shows {options.levels} (its slices show "
            f"{range_text(_shown(levels), levels.kind)}); choose other levels"
        )
        raise GeometryError(msg)
    if by is By.LEVEL:
        shown = [name for name in wanted if name in levels.of_slice]
        return [
            _Group(by, tuple(z for z in every if levels.of_slice[z] == name), name)
            for name in shown
        ]
    if by is By.RANGE:
        present = [name for name in wanted if name in levels.of_slice]
        return [_Group(by, tuple(kept), range_text(present, levels.kind))]
    return _plain_groups(kept, by, levels.of_slice)


def _plain_groups(slices: Sequence[int], by: By, of_slice: Sequence[str | None]) -> list[_Group]:
    if by is By.WHOLE:
        return [_Group(by, tuple(slices), None)]
    return [_Group(by, (z,), of_slice[z]) for z in slices]


def _shown(levels: Levels) -> tuple[str, ...]:
    return tuple({name for name in levels.of_slice if name is not None})


def _head(
    structures: Structures, group: _Group, label: str, levels: Levels | None
) -> dict[str, Cell]:
    """Return what a row starts with: all columns, most of them missing."""
    known = levels is not None and group.level is not None
    return dict.fromkeys(NAMES) | {
        "file": structures.name,
        "by": str(group.by),
        "level": group.level,
        "level_kind": str(levels.kind) if levels and known else None,
        "level_from": levels.source if levels and known else None,
        "label": label,
        "slice_mm": plane_of(structures.stack).distance_mm,
        "pixel_area_mm2": structures.stack.pixel_area_mm2,
    }


def _slice_row(
    structures: Structures, group: _Group, one: SliceNumbers, levels: Levels | None
) -> Row:
    values = _head(structures, group, one.label, levels) | one.values
    values |= {
        "slice": structures.stack.native_index(one.z),
        "slice_is": one.z,
        "status": structures.status[one.z],
    }
    return Row(values, (one,))


def _mean_row(
    structures: Structures,
    group: _Group,
    ones: Sequence[SliceNumbers],
    levels: Levels | None,
    options: MeasureOptions,
) -> Row:
    used = [
        one
        for one in ones
        if one.values and (options.include_flagged or not structures.flagged[one.z])
    ]
    values = _head(structures, group, ones[0].label, levels)
    values |= {name: _mean(name, used) for name in AVERAGED}
    values |= {name: _mean_axis(name, used) for name in AXES}
    values |= {
        "slices": len(used),
        "slices_left_out": len(ones) - len(used),
        "area_sd_mm2": _sd([one.values for one in used]),
        "volume_mm3": sum(one.values["volume_mm3"] or 0.0 for one in used) if used else None,
    }
    return Row(values, tuple(used))


def _mean(name: str, used: Sequence[SliceNumbers]) -> float | None:
    found = _known(name, used)
    return float(np.mean(found)) if found else None


def _mean_axis(name: str, used: Sequence[SliceNumbers]) -> float | None:
    """Return the mean direction of axes, in degrees from -90 to 90."""
    twice = 2 * np.radians(_known(name, used))
    if not twice.size:
        return None
    return float(np.degrees(np.arctan2(np.sin(twice).mean(), np.cos(twice).mean())) / 2)


def _known(name: str, used: Sequence[SliceNumbers]) -> list[float]:
    return [value for one in used if (value := one.values.get(name)) is not None]


def _sd(values: Sequence[Values]) -> float | None:
    areas = [area for one in values if (area := one["area_mm2"]) is not None]
    return float(np.std(areas, ddof=1)) if len(areas) > 1 else None
