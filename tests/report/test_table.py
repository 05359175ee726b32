"""The measurements of a result."""

import os
from pathlib import Path

import pytest

from scgm.errors import RecordError
from scgm.report.records import read_record
from scgm.report.table import SliceRow, empty_rows, fill_rows
from tests.helpers.results import edit, save_result
from tests.helpers.standin import cord_voxels


def rows_of(path: Path) -> list[SliceRow]:
    record = read_record(path)
    rows = empty_rows(record)
    fill_rows(record, rows)
    return rows


def test_areas_are_those_of_the_table(tmp_path: Path) -> None:
    (row, *_) = rows_of(save_result(tmp_path))

    assert row.areas == {"GM": 8.0, "WM": 72.0, "SC": 80.0}
    assert row.confidence is None


def test_distances_are_counted_from_the_lowest_slice(tmp_path: Path) -> None:
    assert [row.distance_mm for row in rows_of(save_result(tmp_path))] == [0, 5, 10, 15, 20]


def test_what_was_not_measured_is_none(tmp_path: Path) -> None:
    voxels = cord_voxels()
    voxels[..., 1] = 0

    row = rows_of(save_result(tmp_path, voxels=voxels))[1]

    assert (row.status, row.ok, row.areas["GM"]) == ("no cord", False, None)


def test_a_normal_range_is_taken_where_the_table_has_one(tmp_path: Path) -> None:
    path = save_result(tmp_path)
    table = tmp_path / "t2s_measurements.csv"
    head, *lines = table.read_text().splitlines()
    ranged = [line + (",6,10" if ",GM," in line else ",,") for line in lines]
    table.write_text("\n".join([f"{head},normal_low_mm2,normal_high_mm2", *ranged]))

    assert rows_of(path)[0].normal == {"GM": (6.0, 10.0)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such table"),
        ("a,b\n1,2\n", "no table of measurements"),
        ("x" * 200_000, "no table of measurements"),
        ("slice_is,label,area_mm2,confidence\n0,GM,8,\n", "not those of the record"),
        ("slice_is,label,area_mm2,confidence\n0,GM,eight,\n", "no number"),
        ("slice_is,label,area_mm2,confidence\n0,GM,nan,\n", "no number"),
    ],
)
def test_a_table_that_is_not_right_is_told(tmp_path: Path, text: str | None, said: str) -> None:
    path = save_result(tmp_path)
    table = tmp_path / "t2s_measurements.csv"
    table.unlink()
    if text is not None:
        table.write_text(text)

    with pytest.raises(RecordError, match=said):
        rows_of(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = save_result(tmp_path)
    (tmp_path / "t2s_measurements.csv").unlink()
    os.mkfifo(tmp_path / "t2s_measurements.csv")
    os.mkfifo(tmp_path / "pipe_seg.json")

    with pytest.raises(RecordError, match="no such table"):
        rows_of(path)
    with pytest.raises(RecordError, match="no regular file"):
        read_record(tmp_path / "pipe_seg.json")


def test_slices_that_are_numbered_twice_are_told(tmp_path: Path) -> None:
    path = edit(save_result(tmp_path), lambda record: record["slices"][0].update(slice_is=1))

    with pytest.raises(RecordError, match="numbered"):
        empty_rows(read_record(path))
