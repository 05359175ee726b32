"""A table of measurements: its rows, and the files and frames that it becomes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from scgm.errors import OutputError, UsageError, missing_library
from scgm.io.atomic import write_bytes, write_text
from scgm.io.tables import table_text
from scgm.io.text import name_text
from scgm.measurement.columns import NAMES, kind_of
from scgm.measurement.rows import Cell, Row
from scgm.measurement.sct import SCT_NAMES, sct_rows

ENDINGS = (".csv", ".tsv", ".json", ".parquet")
COLUMN_SETS = ("scgm", "sct")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What `scgm.measure` returns. ``pandas.DataFrame(table.rows)`` makes a frame of it.

    Parameters
    ----------
    made_of : tuple of Row
        The rows with the slices behind them.
    warnings : tuple of str
        What was odd, one sentence each.
    """

    made_of: tuple[Row, ...]
    warnings: tuple[str, ...] = ()

    @property
    def rows(self) -> list[dict[str, Cell]]:
        """The rows as dicts, by column; None where a value is missing, never zero."""
        return [dict(row.values) for row in self.made_of]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; `docs/measurements.md` has their units and meaning."""
        return NAMES

    def __len__(self) -> int:
        return len(self.made_of)

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"<Table of measurements: {len(self)} rows, {len(NAMES)} columns>"

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame; missing values are NaN.

        Raises
        ------
        UsageError
            If pandas is not installed.
        """
        pandas = _library("pandas", "a data frame")
        return pandas.DataFrame(self.rows, columns=list(NAMES))

    def write(self, path: str | Path, *, columns: str = "scgm", overwrite: bool = False) -> Path:
        """Write the table whole or not at all; the ending of the name says how.

        Parameters
        ----------
        path : str or Path
            A name that ends with .csv, .tsv, .json or .parquet.
        columns : {"scgm", "sct"}
            "sct": with the names that scripts for `sct_process_segmentation` expect.
        overwrite : bool
            Replace a file of that name.

        Raises
        ------
        UsageError
            If the ending is another one, or a library is missing.
        OutputError
            If the file exists and may not be replaced, or cannot be written.
        """
        file = Path(path)
        check_target(file, columns, overwrite=overwrite)
        names, rows = self._content(columns)
        ending = file.suffix.lower()
        if ending == ".parquet":
            write_bytes(file, _parquet(names, rows))
        elif ending == ".json":
            write_text(file, _json(rows))
        else:
            separator = "\t" if ending == ".tsv" else ","
            cells = ([row[name] for name in names] for row in rows)
            write_text(file, table_text(names, cells, separator=separator))
        return file

    def _content(self, columns: str) -> tuple[Sequence[str], list[dict[str, Cell]]]:
        if columns == "sct":
            return SCT_NAMES, sct_rows(self.made_of)
        return NAMES, [row | {"file": name_text(str(row["file"]))} for row in self.rows]


def joined(tables: Sequence[Table]) -> Table:
    """Return the rows of several images as one table."""
    return Table(
        tuple(row for table in tables for row in table.made_of),
        tuple(warning for table in tables for warning in table.warnings),
    )


def check_target(file: Path, columns: str = "scgm", *, overwrite: bool = False) -> None:
    """Make sure, before any work, that a table can be written.

    Raises
    ------
    UsageError, OutputError
        As from `Table.write`.
    """
    if columns not in COLUMN_SETS:
        msg = f"columns {columns!r} are not known; choose one of {', '.join(COLUMN_SETS)}"
        raise UsageError(msg)
    if file.suffix.lower() not in ENDINGS:
        msg = f"{file}: give a name that ends with {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        raise UsageError(msg)
    if file.is_dir() or ((file.exists() or file.is_symlink()) and not overwrite):
        msg = f"{file}: it exists already; give another name, or use --overwrite for a file"
        raise OutputError(msg)
    if not file.absolute().parent.is_dir():
        msg = f"{file}: there is no folder {file.parent}; make it first"
        raise OutputError(msg)
    if file.suffix.lower() == ".parquet":
        _library("pyarrow", "a .parquet file")


def _json(rows: Sequence[dict[str, Cell]]) -> str:
    return json.dumps({"rows": rows}, indent=1, allow_nan=False) + "\n"


def _parquet(names: Sequence[str], rows: Sequence[dict[str, Cell]]) -> bytes:
    arrow, parquet = _library("pyarrow", "a .parquet file"), import_module("pyarrow.parquet")
    buffer = io.BytesIO()
    types = {"text": arrow.string(), "count": arrow.int64(), "number": arrow.float64()}
    content = {
        name: arrow.array([row[name] for row in rows], types[kind_of(name)]) for name in names
    }
    parquet.write_table(arrow.table(content), buffer)
    return buffer.getvalue()


def _library(name: str, what: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(missing_library(what, name, "tables")) from error
