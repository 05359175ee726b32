"""Rows put together by level and range; files and their columns."""

import csv
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scgm.errors import GeometryError, OutputError, UsageError
from scgm.measurement.columns import COLUMNS, NAMES
from scgm.measurement.levels import LevelKind, Levels
from scgm.measurement.masks import structures_from_masks
from scgm.measurement.measure import measure
from scgm.measurement.options import MeasureOptions
from scgm.measurement.sct import SCT_NAMES
from scgm.measurement.structures import Structures
from scgm.measurement.table import Table
from tests.helpers.drawn_shapes import CORD, Grid

DOCS = Path(__file__).parents[2] / "docs" / "measurements.md"
LEVELS = Levels(("C4", "C4", "C3", "C3", None), LevelKind.VERTEBRAL, "text file")


def structures() -> Structures:
    """Return a cord of 4 x 4, 4 x 6, 4 x 8, 4 x 10 and 4 x 12 pixels of 1 mm2, 5 mm apart."""
    mask = np.zeros((24, 12, 5), np.uint8)
    for z in range(5):
        mask[10 - z : 14 + z, 4:8, z] = 1
    return structures_from_masks("=cord", None, Grid((24, 12, 5), (1, 1, 5)).volume(mask))


def table(**choices: object) -> Table:
    return measure(structures(), LEVELS, MeasureOptions(**choices))  # type: ignore[arg-type]


def test_slices_have_their_level() -> None:
    rows = table().rows

    assert [row["level"] for row in rows] == ["C4", "C4", "C3", "C3", None]
    assert [row["level_kind"] for row in rows] == ["vertebral"] * 4 + [None]
    assert [row["area_mm2"] for row in rows] == pytest.approx([16, 24, 32, 40, 48])


def test_levels_are_means_of_their_slices_from_the_head_down() -> None:
    upper, lower = table(by="level").rows

    assert (upper["level"], lower["level"]) == ("C3", "C4")
    assert (upper["slices"], upper["slices_left_out"]) == (2, 0)
    assert upper["area_mm2"] == pytest.approx(36)
    assert upper["area_sd_mm2"] == pytest.approx(np.sqrt(32))
    assert upper["volume_mm3"] == pytest.approx(5 * 72)
    assert (upper["slice"], upper["status"]) == (None, None)


def test_a_range_is_one_row() -> None:
    (row,) = table(levels="C2:C4").rows

    assert (row["by"], row["level"], row["slices"]) == ("range", "C3:C4", 4)
    assert row["area_mm2"] == pytest.approx(28)


def test_levels_of_a_range_that_no_slice_shows_are_named() -> None:
    assert table(levels="C1:C4").warnings == ("=cord: no slice shows C1:C2: not in the table",)
    assert table(levels="C3:C4").warnings == ()


def test_a_range_by_slice_or_level_keeps_only_its_slices() -> None:
    assert [row["slice_is"] for row in table(levels="C3", by="slice")] == [2, 3]
    assert [row["level"] for row in table(levels="C3:C7", by="level")] == ["C3", "C4"]


def test_the_whole_volume_uses_every_slice() -> None:
    (row,) = table(by="whole").rows

    assert (row["slices"], row["level"]) == (5, None)
    assert row["area_mm2"] == pytest.approx(32)
    assert row["volume_mm3"] == pytest.approx(5 * 160)


def test_flagged_slices_are_left_out_of_means_unless_asked_for() -> None:
    doubtful = replace(structures(), flagged=np.array([False, False, True, False, False]))
    options = MeasureOptions(by="level")
    (upper, _) = measure(doubtful, LEVELS, options).rows
    (asked, _) = measure(doubtful, LEVELS, replace(options, include_flagged=True)).rows

    assert upper["area_mm2"] == pytest.approx(40)
    assert (upper["slices"], upper["slices_left_out"]) == (1, 1)
    assert upper["area_sd_mm2"] is None
    assert (asked["slices"], asked["slices_left_out"]) == (2, 0)


def test_a_level_without_a_usable_slice_is_missing_and_not_zero() -> None:
    doubtful = replace(structures(), flagged=np.array([False, False, True, True, False]))
    upper, _ = measure(doubtful, LEVELS, MeasureOptions(by="level")).rows

    assert (upper["slices"], upper["area_mm2"], upper["volume_mm3"]) == (0, None, None)


def test_a_range_that_is_not_shown_is_refused() -> None:
    with pytest.raises(GeometryError) as refused:
        table(levels="T1:T3")

    assert "its slices show C3:C4" in str(refused.value)


@pytest.mark.parametrize("choices", [{"by": "level"}, {"levels": "C3"}])
def test_levels_that_nobody_gave_are_asked_for(choices: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="no levels to choose from"):
        measure(structures(), None, MeasureOptions(**choices))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "choices",
    [
        {"by": "vertebra"},
        {"by": "range"},
        {"by": "whole", "levels": "C3"},
        {"level_kind": "discus"},
        {"levels_from": "a.txt", "level_at": (3, "C3")},
    ],
)
def test_choices_that_make_no_sense_are_refused(choices: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        MeasureOptions(**choices)  # type: ignore[arg-type]


@pytest.mark.parametrize(("ending", "separator"), [(".csv", ","), (".TSV", "\t")])
def test_a_table_as_text_has_all_columns_and_empty_cells(
    tmp_path: Path, ending: str, separator: str
) -> None:
    path = table().write(tmp_path / f"t{ending}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=separator))

    assert tuple(rows[0]) == NAMES
    assert rows[0]["file"] == "'=cord"  # no formula for a spreadsheet
    assert float(rows[1]["area_mm2"]) == pytest.approx(24)
    assert (rows[0]["mean"], rows[0]["area_sd_mm2"]) == ("", "")


def test_json_has_null_where_a_value_is_missing(tmp_path: Path) -> None:
    path = table().write(tmp_path / "t.json")
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]

    assert tuple(rows[0]) == NAMES
    assert rows[0]["mean"] is None
    assert rows[4]["area_mm2"] == pytest.approx(48)


def test_parquet_comes_back_with_its_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = table().write(tmp_path / "t.parquet")
    found = parquet.read_table(path)
    rows = found.to_pylist()

    assert str(found.schema.field("mean").type) == "double"
    assert str(found.schema.field("slices").type) == "int64"
    assert tuple(rows[0]) == NAMES
    assert (rows[0]["slice_is"], rows[0]["mean"]) == (0, None)
    assert rows[4]["area_mm2"] == pytest.approx(48)


@pytest.mark.parametrize(
    ("library", "act"),
    [
        ("pyarrow", lambda folder: table().write(folder / "t.parquet")),
        ("pandas", lambda folder: table().to_pandas()),
    ],
)
def test_a_missing_library_is_named_with_what_to_do(
    tmp_path: Path,
    library: str,
    act: Callable[[Path], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError) as refused:
        act(tmp_path)

    assert library in str(refused.value)
    assert "pip install" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_table_becomes_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = table().to_pandas()

    assert tuple(frame.columns) == NAMES
    assert frame.area_mm2.sum() == pytest.approx(160)
    assert pandas.DataFrame(table().rows).equals(frame)


def test_a_file_is_not_replaced_unless_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="exists already"):
        table().write(path)
    assert path.read_text(encoding="utf-8") == "mine"

    table().write(path, overwrite=True)
    assert path.read_text(encoding="utf-8").startswith("file,")


@pytest.mark.parametrize(
    ("name", "columns", "error"),
    [
        ("t.xlsx", "scgm", UsageError),
        ("t", "scgm", UsageError),
        ("t.csv", "fsl", UsageError),
        ("no/t.csv", "scgm", OutputError),
    ],
)
def test_a_name_that_cannot_be_written_is_refused(
    tmp_path: Path, name: str, columns: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        table().write(tmp_path / name, columns=columns)


def test_the_names_of_sct_are_there(tmp_path: Path) -> None:
    """Levels C3 and C4: numbers 3 and 4, slices 0 to 3; population SD, as there."""
    path = table(levels="C3:C4").write(tmp_path / "t.csv", columns="sct")
    with path.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)

    assert tuple(row) == SCT_NAMES
    assert (row["Slice (I->S)"], row["VertLevel"]) == ("0:3", "3:4")
    assert float(row["MEAN(area)"]) == pytest.approx(28)
    assert float(row["STD(area)"]) == pytest.approx(np.std([16, 24, 32, 40]), rel=1e-4)
    assert float(row["SUM(length)"]) == pytest.approx(20)
    assert row["SCT Version"].startswith("scgm ")
    assert row["DistancePMJ"] == ""


def test_angles_have_the_sign_they_have_there(tmp_path: Path) -> None:
    """Here and there, to the front is positive; there, to the left, too; here, to the right."""
    grid = Grid((60, 60, 6), (0.5, 0.5, 3), lean=(0.3, 0.2))
    leaning = measure(structures_from_masks("a", None, grid.volume(grid.mask([CORD]))))
    path = leaning.write(tmp_path / "t.csv", columns="sct")
    with path.open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))

    steep = np.arctan(np.hypot(0.3, 0.2))
    assert float(row["SUM(length)"]) == pytest.approx(3 / np.cos(steep), rel=0.01)
    assert float(row["MEAN(angle_AP)"]) == pytest.approx(-np.degrees(np.arctan(0.3)), abs=0.5)
    assert float(row["MEAN(angle_RL)"]) == pytest.approx(np.degrees(np.arctan(0.2)), abs=0.5)


def test_the_orientation_has_no_sign_there(tmp_path: Path) -> None:
    grid = Grid((80, 80, 1), turn_deg=-20)
    turned = measure(structures_from_masks("a", None, grid.volume(grid.mask([CORD]))))
    path = turned.write(tmp_path / "t.csv", columns="sct")
    with path.open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))

    assert turned.rows[0]["orientation_deg"] == pytest.approx(-20, abs=0.5)
    assert float(row["MEAN(orientation)"]) == pytest.approx(20, abs=0.5)


def test_a_name_that_is_no_text_is_written_as_everywhere(tmp_path: Path) -> None:
    odd = replace(structures(), name=os.fsdecode(b"caf\xe9.nii"))
    path = measure(odd).write(tmp_path / "t.json")

    assert json.loads(path.read_text(encoding="utf-8"))["rows"][0]["file"] == "caf\\xe9.nii"


def test_sct_names_of_single_slices(tmp_path: Path) -> None:
    path = table().write(tmp_path / "t.csv", columns="sct")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["Slice (I->S)"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert [row["VertLevel"] for row in rows] == ["4", "4", "3", "3", ""]
    assert rows[0]["STD(area)"] == "0"


def test_the_documentation_lists_every_column() -> None:
    text = DOCS.read_text(encoding="utf-8")
    lines = [f"| `{one.name}` | {one.unit} | {one.meaning} |" for one in COLUMNS]

    assert [line for line in lines if line not in text] == []
