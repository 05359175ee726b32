"""``scgm demo``: with a scan that the stand-in answers, its scores are known."""

import csv
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.artifacts import store
from scgm.image.volume import Geometry, Volume
from tests.helpers.standin import cord_voxels, run_scgm, uneven, write_model


@dataclass
class Known:
    """A phantom whose gray values are its truth, but for one that was moved."""

    volume: Volume
    gm: NDArray[np.bool_]
    wm: NDArray[np.bool_]
    cord: NDArray[np.bool_]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    write_model(shipped, name="default")
    monkeypatch.setattr(store, "SHIPPED", shipped)

    def make_phantom(*_: object, seed: int = 0, **__: object) -> Known:
        voxels = cord_voxels()
        volume = Volume(uneven(voxels), Geometry((60, 50, 5), np.diag([0.5, 0.5, 5, 1])))
        gm = np.roll(voxels, 4, axis=0) == 2  # half of the truth is elsewhere: Dice 0.5
        return Known(volume, gm, (voxels >= 1) & ~gm, voxels >= 1)

    monkeypatch.setattr("scgm.phantom.make_phantom", make_phantom)


def test_the_demo_scores_the_result_against_the_truth(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ended = run_scgm(capsys, "demo", "--output", tmp_path / "demo")

    assert ended.status == 0
    with (tmp_path / "demo" / "phantom_scores.csv").open(newline="") as file:
        rows = {row["label"]: row for row in csv.DictReader(file)}
    assert rows["GM"]["dice"] == "0.500"
    assert rows["SC"]["dice"] == "1.000"
    assert (rows["GM"]["mean_area_mm2"], rows["GM"]["true_mean_area_mm2"]) == ("8.00", "8.00")
    assert rows["WM"]["area_error_percent"] == "+0.0"
    assert "0.500" in ended.out


def test_the_demo_writes_scan_truth_result_and_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_scgm(capsys, "demo", "--output", tmp_path / "demo")

    assert {path.name for path in (tmp_path / "demo").iterdir()} == {
        "phantom.nii.gz",
        "phantom_truth-GM.nii.gz",
        "phantom_truth-WM.nii.gz",
        "phantom_truth-SC.nii.gz",
        "phantom_label-GM_seg.nii.gz",
        "phantom_label-WM_seg.nii.gz",
        "phantom_label-SC_seg.nii.gz",
        "phantom_seg.json",
        "phantom_measurements.csv",
        "phantom_scores.csv",
        "phantom_qc.png",
        "phantom_demo.json",
    }
    truth = np.asarray(nib.load(tmp_path / "demo" / "phantom_truth-SC.nii.gz").dataobj)
    np.testing.assert_array_equal(truth, cord_voxels() >= 1)


def test_an_earlier_demo_stays_unless_overwriting(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ("demo", "--output", tmp_path / "demo")
    run_scgm(capsys, *arguments)

    assert run_scgm(capsys, *arguments).status == 1
    assert run_scgm(capsys, *arguments, "--overwrite").status == 0


@pytest.mark.parametrize(
    "file", ["phantom.nii.gz", "phantom_scores.csv", "phantom_truth-GM.nii.gz", "phantom_seg.json"]
)
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_a_file_that_is_no_demo_is_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: str, overwrite: tuple[str, ...]
) -> None:
    (tmp_path / file).write_text("mine")

    ended = run_scgm(capsys, "demo", "--output", tmp_path, *overwrite)

    assert ended.status == 1
    assert file in ended.err
    assert (tmp_path / file).read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {file, "shipped"}
