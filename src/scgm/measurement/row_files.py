"""Rows of any table as a file: .csv, .tsv, .json or .parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from scgm.errors import OutputError, UsageError, missing_library
from scgm.io.atomic import write_bytes, write_text
from scgm.io.tables import table_text
from scgm.measurement.columns import kind_of

ENDINGS = (".csv", ".tsv", ".json", ".parquet")
Cell = str | int | float | None


def check_file(file: Path, *, overwrite: bool = False, endings: Sequence[str] = ENDINGS) -> None:
    """Make sure, before any work, that a file can be written.

    Raises
    ------
    UsageError
        If its name ends otherwise, or a library is missing.
    OutputError
        If it exists and may not be replaced, or its folder does not exist.
    """
    if file.suffix.lower() not in endings:
        known = " or ".join((", ".join(endings[:-1]), endings[-1]) if endings[1:] else endings)
        msg = f"{file}: give a name that ends with {known}"
        raise UsageError(msg)
    if file.is_dir() or ((file.exists() or file.is_symlink()) and not overwrite):
        msg = f"{file}: it exists already; give another name, or use --overwrite for a file"
        raise OutputError(msg)
    if not file.absolute().parent.is_dir():
        msg = f"{file}: there is no folder {file.parent}; make it first"
        raise OutputError(msg)
    if file.suffix.lower() == ".parquet":
        library("pyarrow", "a .parquet file")


def write_rows(file: Path, names: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> None:
    """Write rows whole or not at all; the ending of the name says how."""
    ending = file.suffix.lower()
    if ending == ".parquet":
        write_bytes(file, _parquet(names, rows))
    elif ending == ".json":
        write_text(file, json.dumps({"rows": list(rows)}, indent=1, allow_nan=False) + "\n")
    else:
        separator = "\t" if ending == ".tsv" else ","
        cells = ([row[name] for name in names] for row in rows)
        write_text(file, table_text(names, cells, separator=separator))


def library(name: str, what: str) -> Any:
    """Return a library that only some tables need.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(missing_library(what, name, "tables")) from error


def _parquet(names: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> bytes:
    arrow, parquet = library("pyarrow", "a .parquet file"), import_module("pyarrow.parquet")
    buffer = io.BytesIO()
    types = {"text": arrow.string(), "count": arrow.int64(), "number": arrow.float64()}
    content = {
        name: arrow.array([row[name] for row in rows], types[kind_of(name)]) for name in names
    }
    parquet.write_table(arrow.table(content), buffer)
    return buffer.getvalue()
