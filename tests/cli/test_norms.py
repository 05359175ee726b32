"""``scgm norms build`` and ``scgm measure --norms`` from the command line."""

import csv
import json
from pathlib import Path

import nibabel as nib
import pytest

from tests.helpers.drawn_shapes import CORD, Grid
from tests.helpers.standin import run_scgm

GRID = Grid(shape=(80, 60, 4))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write 20 tables of controls, whose cords differ, and a mask with its levels."""
    for n in range(20):
        (tmp_path / f"c{n}.csv").write_text(
            "file,by,level,level_kind,level_from,label,area_mm2,status\n"
            f"sub-{n}.nii,level,C3,vertebral,discs,SC,{60 + 2 * n},\n",
            encoding="utf-8",
        )
    nib.Nifti1Image(GRID.mask([CORD]), GRID.affine).to_filename(tmp_path / "cord.nii.gz")
    (tmp_path / "l.txt").write_text("C4\nC4\nC3\nC3\n", encoding="utf-8")
    return tmp_path


def build(capsys: pytest.CaptureFixture[str], folder: Path, *more: object) -> tuple[int, str]:
    tables = sorted(folder.glob("c*.csv"))
    ended = run_scgm(capsys, "norms", "build", *tables, "-o", folder / "n.json", *more)
    return ended.status, ended.out + ended.err


def test_norms_of_controls_score_a_person(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    status, said = build(capsys, folder)
    masks = ("--cord", folder / "cord.nii.gz", "--levels-from", folder / "l.txt")
    ended = run_scgm(
        capsys, "measure", *masks, "--norms", folder / "n.json", "-o", folder / "t.csv"
    )
    with (folder / "t.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["level"] == "C3")

    assert status == 0
    assert "20 people, levels C3, 1 columns" in said
    assert ended.status == 0
    assert "there are no norms of C4" in ended.err
    expected = (float(row["area_mm2"]) - 79) / 35**0.5 / 2  # SD of 0 to 19 is the root of 35
    assert float(row["area_mm2_z"]) == pytest.approx(expected, abs=1e-3)
    assert 50 < float(row["area_mm2_centile"]) < 75


def test_norms_are_not_replaced_unless_asked_for(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "n.json").write_text("mine", encoding="utf-8")
    status, said = build(capsys, folder)

    assert (status, (folder / "n.json").read_text("utf-8")) == (1, "mine")
    assert "it exists already" in said
    assert build(capsys, folder, "--overwrite")[0] == 0
    assert json.loads((folder / "n.json").read_text("utf-8"))["people"] == 20


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--norms", "no.json"), 1, "no.json: there is no such file"),
        (("--norms", "l.txt"), 1, "l.txt: it is no file of norms"),
        (("--norms", "n.json", "--by", "whole"), 2, "norms are by level"),
        (("--norms", "n.json", "--columns", "sct", "-o", "t.csv"), 2, "no columns for --norms"),
        (("--age", "40"), 2, "give norms, too"),
        (("--norms", "n.json", "--age", "40"), 2, "do not allow for age"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    status: int,
    words: str,
) -> None:
    build(capsys, folder)
    monkeypatch.chdir(folder)
    ended = run_scgm(
        capsys, "measure", "--cord", "cord.nii.gz", "--levels-from", "l.txt", *arguments
    )

    assert ended.status == status
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_norms_have_no_other_ending(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    ended = run_scgm(capsys, "norms", "build", folder / "c0.csv", "-o", folder / "n.csv")

    assert ended.status == 2
    assert "give a name that ends with .json" in ended.err
