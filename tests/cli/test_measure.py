"""``scgm measure`` from the command line."""

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.drawn_shapes import CORD, GRAY, Grid
from tests.helpers.standin import Ended, cord_voxels, run_scgm, save_scan, write_model

GRID = Grid(shape=(80, 60, 6))


def save(
    path: Path, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], shift: float = 0
) -> Path:
    affine = GRID.affine
    affine[2, 3] += shift
    nib.Nifti1Image(values, affine).to_filename(path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Write masks, a scan and levels (C4 and C3, three slices each) to a folder."""
    gm, cord = GRID.mask(GRAY), GRID.mask([CORD])
    save(tmp_path / "gm.nii.gz", gm)
    save(tmp_path / "cord.nii.gz", cord)
    save(
        tmp_path / "scan.nii.gz",
        (50.0 * cord + 50 * gm + np.indices(gm.shape)[0]).astype(np.float32),
    )
    levels = np.array([4, 4, 4, 3, 3, 3], np.uint8)
    save(tmp_path / "levels.nii.gz", cord * levels)
    save(tmp_path / "far.nii.gz", cord * levels, shift=300)
    (tmp_path / "levels.txt").write_text("C4\nC4\nC4\nC3\nC3\nC3\n", encoding="utf-8")
    return tmp_path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def measure(capsys: pytest.CaptureFixture[str], files: Path, *arguments: object) -> Ended:
    masks = ("--gm", files / "gm.nii.gz", "--cord", files / "cord.nii.gz")
    return run_scgm(capsys, "measure", *masks, *arguments)


def test_masks_become_a_table(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    table = files / "t.csv"
    ended = measure(capsys, files, "--image", files / "scan.nii.gz", "-o", table)
    rows = rows_of(table)

    assert (ended.status, ended.err) == (0, "")
    assert "18 rows" in ended.out
    assert [row["label"] for row in rows[:3]] == ["GM", "WM", "SC"]
    assert float(rows[2]["area_mm2"]) == pytest.approx(CORD.area, rel=0.01)
    assert float(rows[0]["contrast_percent"]) > 40


@pytest.mark.parametrize("source", ["levels.nii.gz", "levels.txt"])
def test_a_range_of_levels_is_one_row_for_each_label(
    capsys: pytest.CaptureFixture[str], files: Path, source: str
) -> None:
    table = files / "t.csv"
    given = ("--levels-from", files / source, "--levels", "C2:C3")
    ended = measure(capsys, files, *given, "-o", table, "--level-kind", "vertebral", "-q")
    rows = rows_of(table)

    assert (ended.status, ended.out, ended.err) == (0, "", "")
    assert [(row["level"], row["slices"]) for row in rows] == [("C3", "3")] * 3


def test_levels_counted_from_one_slice_are_marked(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    table = files / "t.json"
    ended = measure(capsys, files, "--level-at", "3=C3", "--by", "level", "-o", table)
    rows = json.loads(table.read_text(encoding="utf-8"))["rows"]

    assert ended.status == 0
    assert "levels are approximate" in ended.err
    assert {row["level_from"] for row in rows} == {"approximate"}
    assert [row["level"] for row in rows[::3]] == ["C2", "C3", "C4"]


def test_without_angle_correction_areas_are_those_of_the_slice(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    grid = Grid(shape=(120, 60, 6), lean=(0.5, 0))
    nib.Nifti1Image(grid.mask([CORD]), grid.affine).to_filename(tmp_path / "cord.nii.gz")
    areas = []
    for name, more in (("a.csv", ()), ("b.csv", ("--no-angle-correction",))):
        run_scgm(
            capsys, "measure", "--cord", tmp_path / "cord.nii.gz", "-o", tmp_path / name, *more
        )
        areas.append(float(rows_of(tmp_path / name)[2]["area_mm2"]))

    assert areas[0] / areas[1] == pytest.approx(np.cos(np.arctan(0.5)), rel=0.01)


def test_names_of_sct_are_written(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    table = files / "t.csv"
    measure(capsys, files, "-o", table, "--columns", "sct", "--by", "whole")

    assert [row["Slice (I->S)"] for row in rows_of(table)] == ["0:5"] * 3
    assert float(rows_of(table)[2]["MEAN(area)"]) == pytest.approx(CORD.area, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--levels-from", "far.nii.gz"), 1, "far.nii.gz: none of its labels lies in the cord"),
        (("--levels-from", "no.txt"), 1, "no.txt: there is no such file"),
        (("--levels-from", "no.nii.gz"), 1, "no.nii.gz"),
        (("--levels", "C3"), 2, "there are no levels to choose from"),
        (("--levels-from", "levels.txt", "--levels", "T5"), 1, "no slice shows T5"),
        (("--levels-from", "levels.txt", "--levels", "X5"), 2, "'X5' is no range"),
        (("--levels-from", "levels.txt", "--level-at", "3=C3"), 2, "exclude each other"),
        (("--level-at", "C3"), 2, "not of the form SLICE=LEVEL"),
        (("--level-at", "9=C3"), 2, "there is no slice"),
        (("--columns", "sct"), 2, "--columns sct is for a file"),
        (("-o", "t.xlsx"), 2, "t.xlsx: give a name that ends with"),
        (("-o", "levels.txt"), 2, "levels.txt: give a name that ends with"),
        (("results",), 2, "give either results of scgm segment, or masks"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str],
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    status: int,
    words: str,
) -> None:
    monkeypatch.chdir(files)
    before = sorted(path.name for path in files.iterdir())
    ended = measure(capsys, files, *arguments)

    assert ended.status == status
    assert words in " ".join(ended.err.replace("│", " ").split())
    assert "Traceback" not in ended.err
    assert sorted(path.name for path in files.iterdir()) == before


def test_a_table_is_not_replaced_unless_asked_for(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    table = files / "t.csv"
    table.write_text("mine", encoding="utf-8")

    assert measure(capsys, files, "-o", table).status == 1
    assert table.read_text(encoding="utf-8") == "mine"
    assert measure(capsys, files, "-o", table, "--overwrite").status == 0


def results(capsys: pytest.CaptureFixture[str], folder: Path) -> Path:
    """Segment two scans with the stand-in; return the folder of the results."""
    model = write_model(folder)
    scans = [save_scan(folder / f"{name}.nii.gz", cord_voxels()) for name in ("a", "b")]
    out = folder / "results"
    assert run_scgm(capsys, "segment", *scans, "--model", model, "-o", out).status == 0
    return out


def test_a_folder_of_results_becomes_one_table(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out, table = results(capsys, tmp_path), tmp_path / "t.csv"
    ended = run_scgm(capsys, "measure", out, "-o", table, "--by", "whole")
    rows = rows_of(table)

    assert ended.status == 0
    assert [row["file"] for row in rows] == ["a.nii.gz"] * 3 + ["b.nii.gz"] * 3
    assert [float(row["area_uncorrected_mm2"]) for row in rows[:3]] == [8, 72, 80]


def test_a_result_that_cannot_be_read_does_not_end_the_others(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out, table = results(capsys, tmp_path), tmp_path / "t.csv"
    (out / "a_label-GM_seg.nii.gz").write_bytes(b"no image")
    ended = run_scgm(capsys, "measure", out, "-o", table)

    assert ended.status == 1
    assert "a_label-GM_seg.nii.gz" in ended.err
    assert "1 of 2 could not be measured" in ended.err
    assert {row["file"] for row in rows_of(table)} == {"b.nii.gz"}


def test_a_damaged_record_is_named_and_those_of_others_are_not(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out, table = results(capsys, tmp_path), tmp_path / "t.csv"
    (out / "a_seg.json").write_text("{", encoding="utf-8")
    (out / "c_seg.json").write_text('{"made by": "another program"}', encoding="utf-8")
    ended = run_scgm(capsys, "measure", out, "-o", table)

    assert ended.status == 1
    assert "a_seg.json: it is no record of a result" in ended.err
    assert "c_seg.json" not in ended.err
    assert {row["file"] for row in rows_of(table)} == {"b.nii.gz"}


def test_levels_are_for_one_result_at_a_time(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = results(capsys, tmp_path)
    ended = run_scgm(capsys, "measure", out, "--level-at", "3=C3")

    assert ended.status == 2
    assert "for a single result" in ended.err


def test_voxels_without_a_number_are_told_and_the_rest_is_measured(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    cord = GRID.mask([CORD]).astype(np.float32)
    cord[0, 0, 0] = np.nan
    save(files / "holes.nii.gz", cord)
    ended = run_scgm(capsys, "measure", "--cord", files / "holes.nii.gz", "-o", files / "t.csv")

    assert ended.status == 0
    assert "holes.nii.gz" in ended.err
    assert len(rows_of(files / "t.csv")) == 6


def test_the_command_line_advises_its_own_options(
    capsys: pytest.CaptureFixture[str], files: Path
) -> None:
    points = np.zeros(GRID.shape, np.uint8)
    points[40, 30, [1, 4]] = (4, 3)
    save(files / "discs.nii.gz", points)
    ended = measure(capsys, files, "--levels-from", files / "discs.nii.gz")

    assert ended.status == 2
    assert "--level-kind discs" in ended.err
