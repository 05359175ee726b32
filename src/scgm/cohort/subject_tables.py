"""The tables of one subject, made of the files of its images."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from statistics import fmean
from typing import Any

from scgm.cohort.derivatives import FAILED, read_failure
from scgm.io.atomic import unsynced, write_text
from scgm.io.locks import locked
from scgm.io.tables import table_text
from scgm.io.text import printable
from scgm.io.transaction import FOLDER_LOCK, repair
from scgm.segmentation.measurements import NOT_FLAGGED, SliceMeasurement
from scgm.segmentation.outputs import record_file

MEASUREMENTS, IMAGES = "_measurements.tsv", "_images.tsv"
_RECORD = record_file("")
_WHO = ("subject", "session")
MEASUREMENT_COLUMNS = (*_WHO, *(field.name for field in fields(SliceMeasurement)))
_AREAS = ("GM", "WM", "SC")
IMAGE_COLUMNS = (
    *(*_WHO, "image", "result", "state", "reason", "slices", "slices_ok"),
    *(f"{label}_area_mm2" for label in _AREAS),
)

Row = dict[str, Any]


def write_subject_tables(folder: Path) -> None:
    """Write what is known of a subject: a row for each image, and one for each slice and label.

    Both are made of the files of its images alone, so that they are right after any interruption;
    a table that is right already is not touched.

    Parameters
    ----------
    folder : Path
        Of the subject, in the folder of results.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    repair(folder)
    with locked(folder / FOLDER_LOCK), unsynced(folder):
        images, slices = [], []
        for place in sorted({folder / "anat", *folder.glob("ses-*/anat")}):
            for row, lines in _images(place):
                images.append(row)
                slices += lines
        name = folder.name
        _update(folder / f"{name}{IMAGES}", IMAGE_COLUMNS, images)
        _update(folder / f"{name}{MEASUREMENTS}", MEASUREMENT_COLUMNS, slices)


def _update(file: Path, head: tuple[str, ...], rows: list[Row]) -> None:
    cells = ([row.get(name) for name in head] for row in rows)
    text = table_text(head, cells, separator="\t", digits=".4f")
    try:
        if file.read_text(encoding="utf-8") == text:
            return
    except (OSError, ValueError):
        pass
    write_text(file, text)


def _images(place: Path) -> Iterator[tuple[Row, list[Row]]]:
    """Yield the images of a folder, sorted by name, each with its slices."""
    if not place.is_dir():
        return
    for path in sorted(place.iterdir()):
        if path.name.endswith(FAILED):
            failure = read_failure(path)
            if failure is not None:
                who = _who(path.name.removesuffix(FAILED))
                shown = {"image": failure["source"], "reason": failure["reason"]}
                yield {**who, **_on_one_line(shown), "state": "failed"}, []
        elif path.name.endswith(_RECORD):
            row = _image(path)
            if row is not None:
                yield row


def _image(path: Path) -> tuple[Row, list[Row]] | None:
    name = path.name.removesuffix(_RECORD)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        statuses = [each["status"] for each in record["slices"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # no record of ours
    who = _who(name)
    table = path.with_name(f"{name}_measurements.csv")
    slices: list[Row] = []
    reason, areas = "", {}
    try:
        lines = csv.DictReader(io.StringIO(table.read_text(encoding="utf-8")))
        slices = [{**who, **line} for line in lines]
        areas = {f"{label}_area_mm2": _mean_area(slices, label) for label in _AREAS}
    except (OSError, ValueError, KeyError, csv.Error):
        slices = []
        reason = (
            f"{table.name}: it was changed or is missing, and cannot be read; restore it, or "
            "remove this result and run again"
        )
    row = {
        **who,
        **_on_one_line({"image": str(record.get("source", ""))}),
        "result": path.relative_to(path.parents[2 if not who["session"] else 3]).as_posix(),
        "state": "done",
        "reason": printable(reason),
        "slices": len(statuses),
        "slices_ok": statuses.count("ok"),
        **areas,
    }
    return row, slices


def _mean_area(slices: list[Row], label: str) -> float | None:
    """Return the mean area over the slices that need no look; None if there are none."""
    areas = [
        float(row["area_mm2"])
        for row in slices
        if row["label"] == label and row["status"] in NOT_FLAGGED and row["area_mm2"]
    ]
    return fmean(areas) if areas else None


def _on_one_line(cells: Mapping[str, str]) -> Row:
    """Escape what does not print, so that each row is one line."""
    return {name: printable(text) for name, text in cells.items()}


def _who(name: str) -> Row:
    labels = {key: label for key, _, label in (part.partition("-") for part in name.split("_"))}
    return {"subject": labels.get("sub", ""), "session": labels.get("ses", "")}
