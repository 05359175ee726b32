"""Tables as text, comma- or tab-separated: written safe to open in a spreadsheet, and read."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from scgm.errors import DataSetError
from scgm.io.text import printable

Row = dict[str, str | None]

# A spreadsheet runs a cell that starts with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table_text(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    separator: str = ",",
    digits: str = ".6g",
) -> str:
    """Return a table as text, one line for each row.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : iterable of sequences
        The cells of each row, formatted by `cell`.
    separator : str
        Between cells: "," for CSV, tab for TSV.
    digits : str
        How numbers with a fraction are written, as `format` takes it.
    """
    text = io.StringIO()
    table = csv.writer(text, delimiter=separator, lineterminator="\n")
    table.writerow(head)
    table.writerows([cell(value, digits) for value in row] for row in rows)
    return text.getvalue()


def cell(value: object, digits: str = ".6g") -> str:
    """Return a value as the text of a cell: empty where it is missing (None or NaN).

    Characters that do not print, and bytes of a name that are no text, are written as escapes.

    >>> cell(0.5), cell(None), cell("=cmd()")
    ('0.5', '', "'=cmd()")
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else format(value, digits)
    text = printable(str(value), keep="\t\r\n")
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_table(path: Path) -> tuple[list[str], list[Row]]:
    """Read the names of the columns and the rows of a .csv or .tsv file.

    Raises
    ------
    DataSetError
        If it is none.
    """
    if path.suffix.lower() not in {".csv", ".tsv"}:
        msg = f"{path}: it is no .csv or .tsv file; write the table as one"
        raise DataSetError(msg)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        msg = f"{path}: there is no such file"
        raise DataSetError(msg) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: it cannot be read as text in UTF-8"
        raise DataSetError(msg) from error
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        reader = csv.DictReader(io.StringIO(text), delimiter=separator)
        names = reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        return names, list(reader)
    except csv.Error as error:
        msg = f"{path}: it is no table ({error})"
        raise DataSetError(msg) from error


def number_of(text: str | None) -> float | None:
    """Return the number in a cell; None if there is none, or none that is finite."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
