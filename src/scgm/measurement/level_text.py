"""Levels from a text file: that of the challenge (``site1-sc01-levels.txt``), or a table."""

from __future__ import annotations

import re
from pathlib import Path

from scgm.errors import ImageReadError
from scgm.measurement.levels import LevelKind, Levels, parsed_level, require_order

_MOST_BYTES = 1_000_000
_NONE = ("", "0", "NA", "N/A", "NAN", "NONE", "-")


def read_level_text(path: Path, native_of_slice: tuple[int, ...], kind: LevelKind) -> Levels:
    """Read which level each slice shows.

    Parameters
    ----------
    path : Path
        One line for each slice: its number in the image (from 0) and its level, separated by
        space, tab, comma, semicolon or colon; or the levels alone, for all slices in the order of
        the image. A level is a name (C3) or a number (3; 8 is T1). Lines that start with # are
        comments, a first line of names is left out.
    native_of_slice : tuple of int
        Number in the image of each slice, from inferior to superior.
    kind : LevelKind
        What the levels mean.

    Raises
    ------
    ImageReadError
        If it cannot be read, or does not say that for slices of this image.
    GeometryError
        If the levels are not in order from the head down.
    """
    lines = _lines(path)
    cells = [[cell for cell in re.split(r"[\s,;:]+", line) if cell] for line in lines]
    if cells and cells[0][0].lower() in ("slice", "level"):
        cells = cells[1:]
    widths = {len(row) for row in cells}
    if widths == {1}:
        if len(cells) != len(native_of_slice):
            msg = (
                f"{path}: it has {len(cells)} lines with a level, but the image has "
                f"{len(native_of_slice)} slices; give one line a slice, or 'SLICE LEVEL'"
            )
            raise ImageReadError(msg)
        cells = [[str(index), row[0]] for index, row in enumerate(cells)]
    elif widths != {2}:
        msg = f"{path}: its lines are not of the form 'SLICE LEVEL', for example '4 C3'"
        raise ImageReadError(msg)
    found = _by_slice(path, cells, native_of_slice, kind)
    of_slice = tuple(found.get(index) for index in native_of_slice)
    if not any(of_slice):
        msg = f"{path}: it names no level of any slice; write for example '4 C3'"
        raise ImageReadError(msg)
    require_order(of_slice, kind, str(path))
    return Levels(of_slice, kind, "text file")


def _lines(path: Path) -> list[str]:
    try:
        if not path.is_file():
            msg = f"{path}: there is no such file; check the name"
            raise ImageReadError(msg)
        if path.stat().st_size > _MOST_BYTES:
            msg = f"{path}: it is too large for a list of levels; give a text file"
            raise ImageReadError(msg)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: it cannot be read as text ({error}); give a text file of levels"
        raise ImageReadError(msg) from error
    return [line for line in map(str.strip, text.splitlines()) if line and line[0] != "#"]


def _by_slice(
    path: Path, cells: list[list[str]], native_of_slice: tuple[int, ...], kind: LevelKind
) -> dict[int, str | None]:
    found: dict[int, str | None] = {}
    for index, word in cells:
        number = int(index) if re.fullmatch("[0-9]{1,6}", index) else None
        if number not in native_of_slice:
            msg = (
                f"{path}: it names slice {index[:20]}, which the image does not have (slices 0 to "
                f"{len(native_of_slice) - 1}); give the levels of this image"
            )
            raise ImageReadError(msg)
        level = parsed_level(word, kind)
        if level is None and word.upper() not in _NONE:
            msg = f"{path}: {word[:20]!r} (slice {index}) is no {kind} level; write for example C3"
            raise ImageReadError(msg)
        if number in found and found[number] != level:
            msg = f"{path}: slice {index} has two levels; give one for each slice"
            raise ImageReadError(msg)
        found[number] = level
    return found
