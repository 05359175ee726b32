"""A table of measurements: its rows, and the files and frames that it becomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scgm.errors import UsageError
from scgm.io.text import name_text
from scgm.measurement.columns import NAMES
from scgm.measurement.row_files import check_file, library, write_rows
from scgm.measurement.rows import Cell, Row
from scgm.measurement.sct import SCT_NAMES, sct_rows

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
    more_columns : tuple of str
        Columns after the usual ones: scores against norms.
    """

    made_of: tuple[Row, ...]
    warnings: tuple[str, ...] = ()
    more_columns: tuple[str, ...] = ()

    @property
    def rows(self) -> list[dict[str, Cell]]:
        """The rows as dicts, by column; None where a value is missing, never zero."""
        return [dict(row.values) for row in self.made_of]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; `docs/measurements.md` has their units and meaning."""
        return (*NAMES, *self.more_columns)

    def __len__(self) -> int:
        return len(self.made_of)

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"<Table of measurements: {len(self)} rows, {len(self.columns)} columns>"

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame; missing values are NaN.

        Raises
        ------
        UsageError
            If pandas is not installed.
        """
        pandas = library("pandas", "a data frame")
        return pandas.DataFrame(self.rows, columns=list(self.columns))

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
        write_rows(file, names, rows)
        return file

    def _content(self, columns: str) -> tuple[Sequence[str], list[dict[str, Cell]]]:
        if columns == "sct":
            return SCT_NAMES, sct_rows(self.made_of)
        return self.columns, [row | {"file": name_text(str(row["file"]))} for row in self.rows]


def joined(tables: Sequence[Table]) -> Table:
    """Return the rows of several images as one table; what holds for several is said once."""
    return Table(
        tuple(row for table in tables for row in table.made_of),
        tuple(dict.fromkeys(warning for table in tables for warning in table.warnings)),
        tuple(dict.fromkeys(name for table in tables for name in table.more_columns)),
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
    check_file(file, overwrite=overwrite)
