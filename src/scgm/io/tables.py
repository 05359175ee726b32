"""Tables as text for programs: comma- or tab-separated, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

from scgm.io.text import printable

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
