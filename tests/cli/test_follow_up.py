"""``scgm measure --longitudinal`` from the command line: known changes of drawn cords."""

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scgm.cli.follow_up import _place
from scgm.measurement.change import COLUMNS
from tests.helpers.standin import Ended, cord_voxels, run_scgm, save_scan, write_model
from tests.helpers.tapered_cords import cord_mm2, gray_mm2, save

PLACES = np.arange(0, 60, 4.0)
LATER = np.arange(9, 60, 3.0)


def thinner(place: float) -> float:
    """Area of gray matter that has lost 20 %."""
    return 0.8 * gray_mm2(place)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def compare(
    capsys: pytest.CaptureFixture[str],
    first: tuple[Path, Path],
    second: tuple[Path, Path],
    *more: object,
) -> Ended:
    masks = [("--gm", one[0], "--cord", one[1]) for one in (first, second)]
    return run_scgm(capsys, "measure", *masks[0], *masks[1], "--longitudinal", *more)


def test_a_known_change_is_found_on_another_grid_that_starts_elsewhere(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first = save(tmp_path, "a", PLACES)
    second = save(tmp_path, "b", LATER, gm=thinner)
    table = tmp_path / "t.csv"
    ended = compare(capsys, first, second, "-o", table)
    rows = rows_of(table)
    whole = {row["label"]: row for row in rows if row["by"] == "whole"}

    assert (ended.status, ended.err) == (0, "")
    assert "4 people" in ended.out
    assert float(whole["GM"]["change_percent"]) == pytest.approx(-20, abs=1)
    assert float(whole["SC"]["change_percent"]) == pytest.approx(0, abs=0.5)
    assert float(whole["SC"]["shift_mm"]) == pytest.approx(9, abs=1)
    assert {row["matched_by"] for row in rows} == {"profile"}
    assert {row["match"] for row in rows} == {"sure"}
    assert (whole["GM"]["beyond_mdc"], whole["SC"]["beyond_mdc"]) == ("yes", "no")
    assert {row["by"]: row["mdc_of"] for row in rows} == {"whole": "scan", "mm": "slice"}
    pieces = [row for row in rows if row["by"] == "mm" and row["label"] == "GM"]
    assert len(pieces) == 10  # from 9 mm to 56 mm in steps of 5 mm
    for row in pieces[1:-1]:
        assert float(row["change_percent"]) == pytest.approx(-20, abs=4)


def test_levels_make_rows_and_those_of_the_first_scan_are_enough(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, second = save(tmp_path, "a", PLACES), save(tmp_path, "b", PLACES, gm=thinner)
    (tmp_path / "l.txt").write_text("C6\n" * 5 + "C5\n" * 5 + "C4\n" * 5, encoding="utf-8")
    for count, matched in ((1, "profile"), (2, "levels")):
        table = tmp_path / f"{count}.csv"
        levels = ("--levels-from", tmp_path / "l.txt") * count
        ended = compare(capsys, first, second, *levels, "-o", table)
        rows = [row for row in rows_of(table) if row["label"] == "GM"]

        assert ended.status == 0
        assert [row["level"] or row["by"] for row in rows] == ["C4", "C5", "C6", "whole"]
        assert {row["matched_by"] for row in rows} == {matched}
        for row in rows:
            before, after = float(row["first_mm2"]), float(row["second_mm2"])
            change = float(row["change_mm2"])
            assert change == pytest.approx(after - before, abs=1e-3)
            assert float(row["change_percent"]) == pytest.approx(100 * change / before, abs=0.01)
            assert float(row["change_percent"]) == pytest.approx(-20, abs=1.5)
            limit = float(row["mdc_percent"])
            assert float(row["mdc_mm2"]) == pytest.approx(
                limit / 100 * (before + after) / 2, rel=1e-3
            )
            assert row["mdc_people"] == "4"


def test_a_range_of_levels_keeps_only_those(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one = save(tmp_path, "a", PLACES)
    (tmp_path / "l.txt").write_text("C6\n" * 5 + "C5\n" * 5 + "C4\n" * 5, encoding="utf-8")
    given = ("--levels-from", tmp_path / "l.txt", "--levels", "C4:C5", "-o", tmp_path / "t.csv")
    compare(capsys, one, one, *given)

    assert {row["level"] for row in rows_of(tmp_path / "t.csv")} == {"C4", "C5"}


def test_a_change_over_a_short_part_of_the_cord_is_held_against_the_error_of_a_short_part(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one = save(tmp_path, "a", PLACES)
    (tmp_path / "l.txt").write_text("C6\n" * 2 + "C5\n" * 5 + "C4\n" * 8, encoding="utf-8")
    (tmp_path / "m.txt").write_text("C4\n" * 8, encoding="utf-8")
    levels = ("--levels-from", tmp_path / "l.txt", "--levels-from", tmp_path / "l.txt")
    compare(capsys, one, one, *levels, "-o", tmp_path / "t.csv")
    few = save(tmp_path, "b", PLACES[7:])
    levels = (*levels[:2], "--levels-from", tmp_path / "m.txt")
    compare(capsys, one, few, *levels, "-o", tmp_path / "u.csv")
    long, short = (rows_of(tmp_path / name) for name in ("t.csv", "u.csv"))

    assert {row["level"] or "all": row["mdc_of"] for row in long} == {
        "C4": "level",
        "C5": "level",
        "C6": "slice",
        "all": "scan",
    }
    assert {row["level"] or "all": row["mdc_of"] for row in short}["all"] == "level"


def test_a_scan_and_itself_differ_by_nothing_and_that_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one = save(tmp_path, "a", PLACES)
    ended = compare(capsys, one, one, "-o", tmp_path / "t.csv")

    assert {float(row["change_mm2"]) for row in rows_of(tmp_path / "t.csv")} == {0}
    assert "all areas are the same; check that these are two scans" in ended.err


def test_another_person_or_acquisition_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first = save(tmp_path, "sub-01_acq-a", PLACES)
    second = save(tmp_path, "sub-02_ses-2", PLACES, cord=lambda z: 0.97 * cord_mm2(z))
    ended = compare(capsys, first, second, "-o", tmp_path / "t.csv")

    assert ended.status == 0
    assert "of two people by their names (sub-01 and sub-02)" in ended.err
    assert "acquired differently by their names (acq-a and no acq-)" in ended.err
    assert {row["subject"] for row in rows_of(tmp_path / "t.csv")} == {"sub-01"}


def test_a_match_that_is_not_sure_is_told_and_marked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def even(name: str, share: float) -> tuple[Path, Path]:
        def cord(place: float) -> float:
            return share * (60 + place / 4)

        return save(tmp_path, name, PLACES, cord, lambda place: share * (12 + place / 5))

    ended = compare(capsys, even("a", 1), even("b", 0.98), "-o", tmp_path / "t.csv")

    assert "matched by profile, but not surely" in ended.err
    assert {row["match"] for row in rows_of(tmp_path / "t.csv")} == {"unsure"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.0, 0.0], "no voxel is in the mask"),
        ([0.0, 7.0], "it holds values other than 0 and 1"),
        ([1.0, 1.0], "no slice of it can be used"),
    ],
)
def test_a_second_scan_that_is_no_mask_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, values: list[float], words: str
) -> None:
    first = save(tmp_path, "a", PLACES)
    bad = np.full((20, 20, 15), values[0], np.float32)
    bad[8:12, 8:12] = values[1]
    nib.Nifti1Image(bad, np.eye(4)).to_filename(tmp_path / "bad.nii.gz")
    ended = compare(capsys, first, (tmp_path / "bad.nii.gz",) * 2, "-o", tmp_path / "t.csv")

    assert ended.status == 1
    assert words in ended.err
    assert "bad.nii.gz" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "t.csv").exists()


def test_a_single_slice_cannot_be_matched(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one = np.zeros((40, 40, 1), np.float32)
    one[15:25, 15:25] = 1
    nib.Nifti1Image(one, np.eye(4)).to_filename(tmp_path / "one.nii.gz")
    both = (tmp_path / "one.nii.gz",) * 2
    ended = compare(capsys, both, both)

    assert ended.status == 1
    assert "cannot be matched along the cord" in ended.err


def results(capsys: pytest.CaptureFixture[str], folder: Path) -> Path:
    """Segment a scan and one with a narrower cord below with the stand-in."""
    voxels = cord_voxels(8)
    voxels[..., 5:] = np.clip(voxels[..., 5:], 0, 1)
    voxels[34:42, 14:18, 5:] = 2
    model = write_model(folder)
    scans = [save_scan(folder / f"sub-1_ses-{n}_T2starw.nii.gz", voxels) for n in (1, 2)]
    out = folder / "results"
    assert run_scgm(capsys, "segment", *scans, "--model", model, "-o", out).status == 0
    return out


def test_a_table_of_pairs_compares_each_and_names_what_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = results(capsys, tmp_path)
    levels = out / "levels.txt"
    levels.write_text("C5\n" * 4 + "C4\n" * 4, encoding="utf-8")
    names = [f"sub-1_ses-{n}_T2starw_seg.json" for n in (1, 2)]
    pairs = out / "pairs.csv"
    head = "subject,first,second,levels_first,levels_second\n"
    good = f"ann,{names[0]},{names[1]},levels.txt,levels.txt\n"
    pairs.write_text(f"{head}{good}bob,{names[0]},none_seg.json,,\n", encoding="utf-8")
    table = tmp_path / "t.csv"
    ended = run_scgm(capsys, "measure", pairs, "--longitudinal", "-o", table)
    rows = rows_of(table)

    assert ended.status == 1
    assert "none_seg.json: there is no such record" in ended.err
    assert "1 of 2 pairs could not be compared" in ended.err
    assert {row["subject"] for row in rows} == {"ann"}
    assert {row["level"] for row in rows} == {"C4", "C5", ""}


def test_another_method_is_told_and_a_folder_of_several_results_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = results(capsys, tmp_path)
    first, second = (out / f"sub-1_ses-{n}_T2starw_seg.json" for n in (1, 2))
    record = json.loads(second.read_text(encoding="utf-8"))
    second.write_text(json.dumps(record | {"method": "another"}), encoding="utf-8")
    (out / "l.txt").write_text("C5\n" * 4 + "C4\n" * 4, encoding="utf-8")
    levels = ("--levels-from", out / "l.txt") * 2
    told = run_scgm(capsys, "measure", first, second, "--longitudinal", *levels).err
    folder = run_scgm(capsys, "measure", first, out, "--longitudinal")

    assert "segment both by the same method" in told
    assert "another" in told
    assert folder.status == 1
    assert "it holds 2 results; name one of them" in folder.err


def test_pixels_of_two_sizes_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first, second = save(tmp_path, "a", PLACES), save(tmp_path, "b", PLACES, step=0.3)
    ended = compare(capsys, first, second, "-o", tmp_path / "t.csv")

    assert "pixels of 0.04 and 0.09 mm2" in ended.err
    rows = [row for row in rows_of(tmp_path / "t.csv") if row["by"] == "whole"]
    assert [float(row["change_percent"]) for row in rows] == pytest.approx([0] * 3, abs=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("first,second\na,b\n", "it has no column subject"),
        ("subject,first,second\n", "it has no pairs"),
        ("x" * 200_000, "it is no table"),
        ("subject,first,second\nann,a,\n", "line 2: second is empty"),
    ],
)
def test_a_bad_table_of_pairs_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, words: str
) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(text, encoding="utf-8")
    ended = run_scgm(capsys, "measure", pairs, "--longitudinal")

    assert ended.status == 1
    assert f"{pairs}" in ended.err
    assert words in ended.err


def test_a_table_of_pairs_that_is_missing_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ended = run_scgm(capsys, "measure", tmp_path / "pairs.csv", "--longitudinal")

    assert ended.status == 1
    assert "pairs.csv: there is no such file" in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--longitudinal compares two results"),
        (("a_seg.json",), "RESULT is given once; give it twice"),
        (("a_seg.json", "b_seg.json", "--gm", "c.nii.gz"), "give one of these"),
        (("a_seg.json", "b_seg.json", "--by", "slice"), "--by is not for --longitudinal"),
        (("a_seg.json", "b_seg.json", "--image", "c.nii"), "--image is not for --longitudinal"),
        (("a_seg.json", "b_seg.json", "--columns", "sct"), "is not for --longitudinal"),
        (("pairs.csv", "--levels-from", "c.txt"), "levels_first and levels_second"),
        (("a_seg.json", "b_seg.json", *("--level-at", "1=C3") * 3), "give --levels-from or"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    ended = run_scgm(capsys, "measure", *arguments, "--longitudinal")

    assert ended.status == 2
    assert words in ended.err


def test_masks_of_two_scans_need_the_option(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ended = run_scgm(capsys, "measure", "--gm", "a.nii.gz", "--gm", "b.nii.gz")

    assert ended.status == 2
    assert "compare two scans with --longitudinal" in ended.err


def test_the_documentation_lists_every_column() -> None:
    text = (Path(__file__).parents[2] / "docs" / "measurements.md").read_text(encoding="utf-8")

    for column in COLUMNS:
        assert f"| `{column.name}` | {column.unit} | {column.meaning} |" in text


def test_a_place_that_begins_just_below_zero_has_no_sign() -> None:
    assert _place({"by": "mm", "from_mm": -0.25, "to_mm": 4.75, "level": None}) == "0 to 5 mm"
