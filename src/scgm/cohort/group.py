"""What all subjects have in common: long tables, and a report."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import BinaryIO

from scgm.cohort.subject_tables import (
    IMAGE_COLUMNS,
    IMAGES,
    MEASUREMENT_COLUMNS,
    MEASUREMENTS,
    write_subject_tables,
)
from scgm.errors import RecordError
from scgm.io.atomic import writing
from scgm.io.tables import table_text
from scgm.report.page import LeftOut
from scgm.report.write import Beside, Report, write_report

IMAGE_TABLE, FAILURE_TABLE, LONG_TABLE = "images.tsv", "failures.tsv", "measurements.tsv"
REPORT = "report.html"
_STATE = IMAGE_COLUMNS.index("state")


@dataclass(frozen=True, slots=True)
class Totals:
    """How many images have a result, and how many have none."""

    done: int
    failed: int


def write_group_tables(output: Path) -> Totals:
    """Put the tables of all subjects together: sorted, and with no more in memory than one of them.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    done = failed = 0
    images_path, failures_path = output / IMAGE_TABLE, output / FAILURE_TABLE
    with (
        writing(images_path) as images,
        writing(failures_path) as failures,
        writing(output / LONG_TABLE) as slices,
    ):
        for file, columns in ((images, IMAGE_COLUMNS), (failures, IMAGE_COLUMNS)):
            file.write(_line(columns))
        slices.write(_line(MEASUREMENT_COLUMNS))
        for subject in subject_folders(output):
            name = subject.name
            for line in _lines(subject / f"{name}{IMAGES}"):
                images.write(line)
                if line.split(b"\t")[_STATE] == b"failed":
                    failures.write(line)
                    failed += 1
                else:
                    done += 1
            _copy(subject / f"{name}{MEASUREMENTS}", slices)
    return Totals(done, failed)


def refresh_subjects(output: Path) -> None:
    """Make the tables of all subjects anew where their files changed, as by hand."""
    for subject in subject_folders(output):
        write_subject_tables(subject)


def subject_folders(output: Path) -> list[Path]:
    """Return the folders of all subjects, sorted."""
    return sorted(path for path in output.glob("sub-*") if path.is_dir())


def write_group_report(
    output: Path, data: Path, most: int, done: Callable[[], None] = lambda: None
) -> Report:
    """Write the report of a cohort, of those images first that need a look most.

    Parameters
    ----------
    output, data : Path
        Folders of the results and of the images.
    most : int
        How many images it shows at most.
    done : callable
        Called after each image.

    Raises
    ------
    RecordError
        If there is no result to show.
    OutputError
        If it cannot be written.
    """
    rows = report_rows(output, most)
    if not rows:
        msg = f"{output}: there is no result to show; run 'scgm cohort' at the level participant"
        raise RecordError(msg)
    return write_report(
        [output / row["result"] for row in rows],
        output / REPORT,
        images=[path for row in rows if (path := data / row["image"]).exists()],
        beside=Beside(refused=_refused(output, most)),
        overwrite=True,
        done=done,
    )


def _refused(output: Path, most: int) -> list[LeftOut]:
    """Return the first images without a result, and why."""
    with (output / FAILURE_TABLE).open(encoding="utf-8", newline="") as file:
        rows = islice(csv.DictReader(file, delimiter="\t"), most)
        return [LeftOut(Path(row["image"]), row["reason"]) for row in rows]


def report_rows(output: Path, most: int) -> list[dict[str, str]]:
    """Return the rows of the images that a report shows, in the order of the table.

    If there are more than *most*: those with the largest part of slices that need a look, then
    those whose gray-matter area is farthest from the median.
    """
    with (output / IMAGE_TABLE).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["state"] == "done"]
    if len(rows) <= most:
        return rows
    areas = [float(row["GM_area_mm2"]) for row in rows if row["GM_area_mm2"]]
    middle = median(areas) if areas else 0.0

    def oddness(row: dict[str, str]) -> tuple[float, float]:
        ok = int(row["slices_ok"]) / int(row["slices"])
        area = float(row["GM_area_mm2"] or middle)
        return ok, -abs(area - middle)

    chosen = {row["result"] for row in sorted(rows, key=oddness)[:most]}
    return [row for row in rows if row["result"] in chosen]


def _line(cells: tuple[str, ...]) -> bytes:
    return table_text(cells, (), separator="\t").encode()


def _lines(table: Path) -> Iterator[bytes]:
    """Yield the lines of a table but for its head; none if there is no such table."""
    if not table.is_file():
        return
    with table.open("rb") as file:
        file.readline()
        yield from file


def _copy(table: Path, target: BinaryIO) -> None:
    target.writelines(_lines(table))
