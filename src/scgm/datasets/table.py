"""A table of paths: the layout for data that follow no other.

A CSV or TSV file with a row for each image and rater, and the columns ``image`` and ``gm``, and if
wanted ``wm``, ``cord``, ``rater``, ``site``, ``subject``, ``levels``. Where a file holds several
labels, ``gm_value``, ``wm_value`` and ``cord_value`` name the one that means the tissue. Paths
start from the table's folder. An empty cell means that there is none.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from scgm.datasets.case import (
    ONLY_RATER,
    DataCase,
    DataSet,
    Reference,
    problem_of,
    read_cells,
    read_text,
    site_key,
    stem,
)
from scgm.errors import DataSetError

ENDINGS = (".csv", ".tsv")
REQUIRED = ("image", "gm")
VALUES = ("gm_value", "wm_value", "cord_value")
COLUMNS = (*REQUIRED, "wm", "cord", "rater", "site", "subject", "levels", *VALUES)

_MOST_LABEL = 65535
_OF_THE_IMAGE = ("site", "subject", "levels")


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the rows of one image say: the first row, and what each rater drew."""

    image: Path
    first_line: int
    about: Mapping[str, str]
    references: dict[str, Reference] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def read_table(path: Path) -> DataSet:
    """Read a table of paths.

    Parameters
    ----------
    path : Path
        The table; CSV with commas or semicolons, or TSV with tabs, in UTF-8.

    Returns
    -------
    DataSet
        A case for each image, in the order of the table. A case is named by its file or, where
        two files have one name, by its path. Without a column ``subject`` every image counts as
        a subject of its own.

    Raises
    ------
    DataSetError
        If a column is unknown or missing, a row has too few or too many cells, a file is not
        there, or two rows are of one image and rater or contradict each other; the sentence
        names the line.
    """
    root = path.parent
    images: dict[Path, _Rows] = {}
    for line, row in _rows(path):
        _add(images, line, row, path)
    names = _names(path, [rows.image for rows in images.values()])
    cases = tuple(
        _case(name, rows, root) for name, rows in zip(names, images.values(), strict=True)
    )
    return DataSet(path.stem, "table", root, cases)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of each line and its cells by column."""
    text = read_text(path)
    head = text.partition("\n")[0]
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ";" if ";" in head else ","
    lines = read_cells(path, text, delimiter)
    columns = _columns(path, next(lines, (1, []))[1])
    for number, cells in lines:
        if not any(cells):
            continue
        if len(cells) != len(columns):
            msg = (
                f"{path}, line {number}: it has {len(cells)} cells, but the first line "
                f"names {len(columns)} columns; add or remove cells"
            )
            raise DataSetError(msg)
        yield number, dict(zip(columns, cells, strict=True))


def _columns(path: Path, head: Sequence[str]) -> list[str]:
    """Check the first line of a table."""
    columns = [cell.lower() for cell in head]
    unknown = [column for column in columns if column not in COLUMNS]
    missing = [column for column in REQUIRED if column not in columns]
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if unknown:
        problem = f"there is no column {unknown[0]!r}"
    elif missing:
        problem = f"the column {missing[0]!r} is missing"
    elif twice:
        problem = f"the column {twice[0]!r} is there twice"
    else:
        return columns
    msg = (
        f"{path}, line 1: {problem}; a table of images has the columns {', '.join(REQUIRED)} and "
        f"may have {', '.join(COLUMNS[len(REQUIRED) :])}"
    )
    raise DataSetError(msg)


def _add(images: dict[Path, _Rows], line: int, row: Mapping[str, str], table: Path) -> None:
    """Add what one row says to what is known of its image."""
    if not row["image"]:
        msg = f"{table}, line {line}: the cell 'image' is empty; give the path of an image"
        raise DataSetError(msg)
    where = f"{table}, line {line}"
    files = {
        column: _file(table.parent, row[column], f"{where}, column {column}")
        for column in ("image", "gm", "wm", "cord", "levels")
        if row.get(column)
    }
    image = files["image"]
    about = {column: row.get(column, "") for column in _OF_THE_IMAGE}
    # By the file itself: "a", "./a", its absolute path and a link to it are one image.
    rows = images.setdefault(image.resolve(), _Rows(image, line, about))
    differing = [column for column in _OF_THE_IMAGE if _differ(column, rows.about, about)]
    if differing:
        column = differing[0]
        msg = (
            f"{where}: {column} is {about[column]!r} here, but {rows.about[column]!r} in line "
            f"{rows.first_line}, which is the same image; correct one of the two"
        )
        raise DataSetError(msg)
    rater = row.get("rater") or ONLY_RATER
    other = rows.lines.setdefault(rater, line)
    if other != line:
        msg = (
            f"{where}: it is of the same image and rater as line {other}; remove one of the two, "
            "or name two raters"
        )
        raise DataSetError(msg)
    if files.keys() & {"gm", "wm", "cord"}:
        rows.references[rater] = Reference(
            gm=files.get("gm"),
            wm=files.get("wm"),
            cord=files.get("cord"),
            **{
                column: _value(row.get(column, ""), f"{where}, column {column}")
                for column in VALUES
            },
        )


def _differ(column: str, first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    """Tell whether two rows say different things; a site can be spelled in several ways."""
    same = site_key if column == "site" else str
    return same(first[column]) != same(second[column])


def _value(cell: str, where: str) -> int | None:
    """Return the label that a cell names, if any."""
    if not cell:
        return None
    if not (cell.isascii() and cell.isdigit() and 0 < int(cell) <= _MOST_LABEL):
        msg = f"{where}: {cell!r} is no label; give a whole number from 1 to {_MOST_LABEL}"
        raise DataSetError(msg)
    return int(cell)


def _file(root: Path, cell: str, where: str) -> Path:
    """Return the absolute path that a cell names, if there is a file; a link keeps its name."""
    try:
        file = Path(os.path.abspath(root / Path(cell).expanduser()))  # noqa: PTH100  (not resolved)
    except RuntimeError as error:
        msg = f"{where}: {cell}: there is no such home folder; give the whole path"
        raise DataSetError(msg) from error
    problem = problem_of(file)
    if problem:
        msg = f"{where}: {file}: {problem}; paths start from the folder of the table"
        raise DataSetError(msg)
    return file


def _names(table: Path, images: Sequence[Path]) -> list[str]:
    """Name each image by its file or, where that is not enough, by its path."""
    names = [stem(image) for image in images]
    if len(set(names)) < len(names):
        paths = [image.with_name(stem(image)).parts for image in images]
        columns = zip(*paths, strict=False)
        shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
        names = ["-".join(parts[shared:]) for parts in paths]
    if len(set(names)) < len(names):
        name = Counter(names).most_common(1)[0][0]
        msg = f"{table}: two images would both be called {name!r}; rename one of the files"
        raise DataSetError(msg)
    return names


def _case(name: str, rows: _Rows, root: Path) -> DataCase:
    about = rows.about
    levels = _file(root, about["levels"], "levels") if about["levels"] else None
    return DataCase(
        name, rows.image, about["site"] or None, about["subject"] or name, rows.references, levels
    )
