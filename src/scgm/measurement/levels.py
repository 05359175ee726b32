"""Levels of the spine and of the cord: their names, and which slices show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from scgm.errors import GeometryError, UsageError


class LevelKind(StrEnum):
    """Two ways to say where along the cord: the vertebra beside it, or its own segment."""

    VERTEBRAL = "vertebral"
    SPINAL = "spinal"


def _names(cervical: int) -> tuple[str, ...]:
    regions = (("C", cervical), ("T", 12), ("L", 5), ("S", 5))
    names = [f"{letter}{n}" for letter, count in regions for n in range(1, count + 1)]
    return (*names, "Co")


_NAMES = {LevelKind.VERTEBRAL: _names(7), LevelKind.SPINAL: _names(8)}


@dataclass(frozen=True, slots=True)
class Levels:
    """Which level each slice shows.

    Parameters
    ----------
    of_slice : tuple of str or None
        Name for each slice, from inferior to superior; None where it is not known.
    kind : LevelKind
        What the names mean.
    source : str
        Where they are known from: "label image", "discs", "text file" or "approximate".
    warnings : tuple of str
        What was taken for granted, one sentence each.
    """

    of_slice: tuple[str | None, ...]
    kind: LevelKind
    source: str
    warnings: tuple[str, ...] = ()


def level_names(kind: LevelKind) -> tuple[str, ...]:
    """Return all names of a kind, from the head down; the first has the number 1."""
    return _NAMES[kind]


def level_number(name: str, kind: LevelKind) -> int:
    """Return the number of a level in label images: 1 for C1, 8 for T1 (spinal: 9)."""
    return _NAMES[kind].index(name) + 1


def require_order(of_slice: Sequence[str | None], kind: LevelKind, name: str) -> None:
    """Refuse levels of slices, from inferior to superior, that do not follow each other.

    Raises
    ------
    GeometryError
        If a level lies above one that is nearer to the head.
    """
    known = [level for level in of_slice if level is not None]
    for below, above in pairwise(known):
        if level_number(above, kind) > level_number(below, kind):
            msg = (
                f"{name}: {above} lies above {below}, so its levels are not in order from the head "
                "down; check which slices they are for"
            )
            raise GeometryError(msg)


def parsed_level(text: str, kind: LevelKind) -> str | None:
    """Return the name of a level that is written as a name, in any case, or as a number."""
    word = text.strip().upper()
    if re.fullmatch("[0-9]{1,2}(?:[.]0+)?", word):
        number = int(float(word))
        return _NAMES[kind][number - 1] if 1 <= number <= len(_NAMES[kind]) else None
    return {name.upper(): name for name in _NAMES[kind]}.get(word)


def parsed_range(text: str, kind: LevelKind) -> tuple[str, ...]:
    """Return the levels of a range, as "C2:C5", or of a list of them, as "C2,C4:C5".

    Raises
    ------
    UsageError
        If a level is unknown, or the range runs upwards.
    """
    chosen: list[str] = []
    names = _NAMES[kind]
    for part in text.split(","):
        ends = [parsed_level(end, kind) for end in part.split(":")]
        first, last = ends[0], ends[-1]
        if len(ends) > 2 or first is None or last is None:
            msg = (
                f"{text[:40]!r} is no range of {kind} levels; write for example C2:C5, or C3 "
                f"({names[0]} to {names[-1]} are known)"
            )
            raise UsageError(msg)
        between = names[names.index(first) : names.index(last) + 1]
        if not between:
            msg = f"{text[:40]!r} runs upwards; write the upper level first, as {last}:{first}"
            raise UsageError(msg)
        chosen += [name for name in between if name not in chosen]
    return tuple(sorted(chosen, key=names.index))


def range_text(levels: Sequence[str], kind: LevelKind) -> str:
    """Return levels as a range, as `parsed_range` takes it."""
    names = _NAMES[kind]
    runs: list[list[str]] = []
    for level in sorted(levels, key=names.index):
        if runs and names.index(level) == names.index(runs[-1][-1]) + 1:
            runs[-1].append(level)
        else:
            runs.append([level])
    return ",".join(run[0] if len(run) == 1 else f"{run[0]}:{run[-1]}" for run in runs)
