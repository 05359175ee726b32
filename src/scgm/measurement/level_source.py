"""Which level each slice shows, from whatever the user gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scgm.errors import UsageError
from scgm.image.volume import Volume
from scgm.io.read import labels_from_nibabel, read_labels
from scgm.measurement.level_image import LevelMeaning, levels_from_image
from scgm.measurement.level_lengths import approximate_levels
from scgm.measurement.level_text import read_level_text
from scgm.measurement.levels import LevelKind, Levels
from scgm.measurement.options import MeasureOptions
from scgm.measurement.plane import plane_of
from scgm.measurement.structures import Structures

LEVEL_TEXT = (".txt", ".csv", ".tsv")


def levels_for(structures: Structures, options: MeasureOptions) -> Levels | None:
    """Return the levels of the slices; None if the options give none.

    Raises
    ------
    ImageReadError, GeometryError, UsageError
        If what is given is no list or image of levels of these slices.
    """
    meaning = None if options.level_kind is None else LevelMeaning(options.level_kind)
    kind = LevelKind.VERTEBRAL if meaning is None else meaning.kind
    given = options.levels_from
    if options.level_at is not None:
        return _counted(structures, options.level_at, kind)
    if given is None:
        return None
    if isinstance(given, str | Path) and Path(given).suffix.lower() in LEVEL_TEXT:
        return read_level_text(Path(given), _native(structures), kind)
    outline = structures.masks[structures.outline]
    return levels_from_image(_as_labels(given), structures.stack, outline, meaning)


def _as_labels(given: Any) -> Volume:
    if isinstance(given, Volume):
        return given
    return read_labels(given) if isinstance(given, str | Path) else labels_from_nibabel(given)


def _native(structures: Structures) -> tuple[int, ...]:
    return tuple(map(structures.stack.native_index, range(len(structures.status))))


def _counted(structures: Structures, known: tuple[int, str], kind: LevelKind) -> Levels:
    native, level = known
    numbers = _native(structures)
    if native not in numbers:
        msg = (
            f"there is no slice {native} to put {level[:20]} at; the slices of {structures.name} "
            f"are {min(numbers)} to {max(numbers)}"
        )
        raise UsageError(msg)
    slice_is = numbers.index(native)
    step = plane_of(structures.stack).distance_mm
    return approximate_levels(level, slice_is, tuple(z * step for z in range(len(numbers))), kind)
