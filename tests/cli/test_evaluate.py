"""``scgm evaluate`` from the command line."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import typer

from scgm.cli.commands.evaluate import evaluate
from scgm.cli.console import exit_statuses
from tests.helpers.standin import Ended

Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(evaluate)

    def go(*arguments: object) -> Ended:
        with pytest.raises(SystemExit) as end, exit_statuses():
            app(args=[str(argument) for argument in arguments])
        shown = capsys.readouterr()
        code = end.value.code
        return Ended(code if isinstance(code, int) else int(code is not None), *shown)

    return go


def save(path: Path, first: int, slices: int = 3) -> Path:
    """Write a mask with a box of 8 x 10 voxels from index *first* along i, in every slice."""
    voxels = np.zeros((30, 40, slices), np.uint8)
    voxels[first : first + 8, 15:25] = 1
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(voxels, np.diag([0.5, 0.25, 5, 1])).to_filename(path)
    return path


def test_one_comparison_is_shown(run: Run, tmp_path: Path) -> None:
    ended = run(save(tmp_path / "a.nii.gz", 12), save(tmp_path / "b.nii.gz", 10))

    assert ended.status == 0
    assert "2d (mean over slices of the reference), comparisons: 1, slices: 3" in ended.out
    assert "0.75" in ended.out
    assert ended.err == ""


def test_tables_are_written_where_asked(run: Run, tmp_path: Path) -> None:
    found, true = save(tmp_path / "a.nii.gz", 12), save(tmp_path / "b.nii.gz", 10)
    table, record = tmp_path / "s.tsv", tmp_path / "s.json"

    ended = run(found, true, "--mode", "3d", "--table", table, "--json", record, "--quiet")

    assert (ended.status, ended.out, ended.err) == (0, "", "")
    with table.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    assert (row["dice"], row["mode"]) == ("0.75", "3d")
    assert json.loads(record.read_text())["labels"][0]["summary"]["mode"] == "3d"
    assert {path.name for path in tmp_path.iterdir()} == {
        "a.nii.gz",
        "b.nii.gz",
        "s.tsv",
        "s.json",
    }


def test_a_table_is_not_overwritten_without_being_asked(run: Run, tmp_path: Path) -> None:
    found, table = save(tmp_path / "a.nii.gz", 12), tmp_path / "s.csv"
    table.write_text("mine")

    refused = run(found, found, "--table", table)

    assert refused.status == 1
    assert "--overwrite" in refused.err
    assert table.read_text() == "mine"
    assert run(found, found, "--table", table, "--overwrite").status == 0
    assert table.read_text() != "mine"


@pytest.mark.parametrize("name", ["s.txt", "s"])
def test_a_table_has_a_known_ending(run: Run, tmp_path: Path, name: str) -> None:
    found = save(tmp_path / "a.nii.gz", 12)

    ended = run(found, found, "--table", tmp_path / name)

    assert ended.status == 2
    assert ".csv or .tsv" in ended.err


def test_other_grids_are_refused_with_the_way_out(run: Run, tmp_path: Path) -> None:
    true, other = save(tmp_path / "true.nii.gz", 10), save(tmp_path / "other.nii.gz", 10, slices=4)

    refused = run(other, true)
    taken = run(other, true, "--resample")

    assert refused.status == 1
    assert "--resample" in refused.err
    assert taken.status == 0
    assert "resampled to the grid of" in taken.err


def test_folders_are_compared_by_name_and_what_is_missing_is_named(
    run: Run, tmp_path: Path
) -> None:
    for name, first in (("a", 10), ("b", 12)):
        save(tmp_path / "found" / f"{name}_label-GM_seg.nii.gz", first)
    for name in "abc":
        save(tmp_path / "true" / f"{name}_gmseg-manual.nii.gz", 10)

    ended = run(tmp_path / "found", tmp_path / "true", "--table", tmp_path / "s.csv")

    assert ended.status == 1
    assert "GM: 2d" in ended.out
    assert "comparisons: 2" in ended.out
    assert "c_gmseg-manual.nii.gz: there is no prediction" in ended.err
    assert "1 of 3" in ended.err
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 3


def test_files_are_not_compared_with_folders(run: Run, tmp_path: Path) -> None:
    ended = run(save(tmp_path / "a.nii.gz", 10), tmp_path)

    assert ended.status == 2
    assert "only files, or only folders" in ended.err


def test_a_probability_map_is_for_a_single_prediction(run: Run, tmp_path: Path) -> None:
    ended = run(tmp_path, tmp_path, "--soft", tmp_path / "p.nii.gz")

    assert ended.status == 2
    assert "single prediction" in ended.err


def test_the_share_of_ties_is_said(run: Run, tmp_path: Path) -> None:
    raters = [save(tmp_path / f"r{first}.nii.gz", first) for first in (10, 12)]

    ended = run(raters[0], *raters, "--consensus", "majority")

    assert ended.status == 0
    assert "ties between raters: 40.0%" in ended.out
