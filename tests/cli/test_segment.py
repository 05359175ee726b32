"""``scgm segment`` as a user meets it."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.standin import Ended, cord_voxels, run_scgm, save_scan, scan, write_model

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def segment(capsys: pytest.CaptureFixture[str], model: Path) -> Run:
    def run(*arguments: object) -> Ended:
        return run_scgm(capsys, "segment", "--model", model, *arguments)

    return run


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_results_lie_beside_the_image(segment: Run, tmp_path: Path) -> None:
    ended = segment(save_scan(tmp_path / "t2s.nii.gz"))

    assert ended.status == 0
    assert names(tmp_path) == {
        "t2s.nii.gz",
        "t2s_label-GM_seg.nii.gz",
        "t2s_label-WM_seg.nii.gz",
        "t2s_label-SC_seg.nii.gz",
        "t2s_seg.json",
        "t2s_measurements.csv",
    }


def test_a_run_ends_with_areas_flags_and_a_view_command(segment: Run, tmp_path: Path) -> None:
    voxels = cord_voxels()
    voxels[..., 0] = 0

    ended = segment(save_scan(tmp_path / "a scan.nii.gz", voxels))

    assert "gray matter 8.0 mm2 (mean of 4 slices), 1 slice flagged" in ended.out
    assert f"fsleyes '{tmp_path}/a scan.nii.gz' " in ended.out
    assert "warning: " in ended.err
    assert "1 of 5 slices: no cord" in ended.err


def test_soft_and_picture_are_written_where_asked(segment: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"

    ended = segment(save_scan(tmp_path / "t2s.nii"), "--output", out, "--soft", "--qc")

    assert ended.status == 0
    assert {"t2s_label-GM_probseg.nii.gz", "t2s_qc.png", "t2s_seg.json"} <= names(out)
    assert names(tmp_path) == {"t2s.nii", "out"}


def test_quiet_says_nothing(segment: Run, tmp_path: Path) -> None:
    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), "--quiet")

    assert (ended.status, ended.out, ended.err) == (0, "", "")


def test_one_bad_image_does_not_stop_the_others(segment: Run, tmp_path: Path) -> None:
    first, last = (save_scan(tmp_path / f"{name}.nii.gz") for name in "ac")
    bad = tmp_path / "b.nii.gz"
    bad.write_text("no image")

    ended = segment(first, bad, last, "--output", tmp_path / "out")

    assert ended.status == 1
    assert {"a_seg.json", "c_seg.json"} <= names(tmp_path / "out")
    assert not any(name.startswith("b_") for name in names(tmp_path / "out"))
    assert "b.nii.gz" in ended.err
    assert "1 of 3 images could not be processed" in ended.err
    assert "Traceback" not in ended.err


def test_an_image_without_cord_is_not_processed(segment: Run, tmp_path: Path) -> None:
    voxels = np.zeros((20, 20, 3), np.float32)
    voxels[0, 0, 0] = 0.1

    ended = segment(save_scan(tmp_path / "brain.nii.gz", voxels))

    assert ended.status == 1
    assert "brain.nii.gz: no slice shows a spinal cord" in ended.err
    assert names(tmp_path) == {"brain.nii.gz"}


def test_earlier_results_stay_unless_overwriting(segment: Run, tmp_path: Path) -> None:
    image = save_scan(tmp_path / "t2s.nii.gz")
    segment(image)
    table = tmp_path / "t2s_measurements.csv"
    table.write_text("mine")

    refused = segment(image)

    assert refused.status == 1
    assert "exists already; use --overwrite" in refused.err
    assert table.read_text() == "mine"
    assert segment(image, "--overwrite").status == 0
    assert table.read_text() != "mine"


def test_targets_are_checked_before_anything_is_computed(segment: Run, tmp_path: Path) -> None:
    image = save_scan(tmp_path / "t2s.nii.gz")
    (tmp_path / "t2s_qc.png").touch()

    ended = segment(image, "--model", tmp_path / "there is none.onnx")

    assert "t2s_qc.png: it exists already" in ended.err
    assert "model" not in ended.err


def test_two_images_of_one_name_are_refused_before_starting(segment: Run, tmp_path: Path) -> None:
    images = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        images.append(save_scan(tmp_path / folder / "t2s.nii.gz"))

    ended = segment(*images, "--output", tmp_path / "out")

    assert ended.status == 2
    assert "would both write" in ended.err
    assert not (tmp_path / "out").exists()
    assert segment(*images).status == 0


def test_a_result_never_replaces_an_image_of_the_same_call(segment: Run, tmp_path: Path) -> None:
    image = save_scan(tmp_path / "t2s.nii.gz")
    other = save_scan(tmp_path / "t2s_label-GM_seg.nii.gz")
    before = other.read_bytes()

    ended = segment(image, other, "--overwrite")

    assert ended.status == 2
    assert other.read_bytes() == before


def test_an_image_named_twice_is_done_once(segment: Run, tmp_path: Path) -> None:
    image = save_scan(tmp_path / "t2s.nii.gz")

    ended = segment(image, image)

    assert ended.status == 0
    assert ended.out.count("fsleyes") == 1


def test_the_center_chooses_the_cord(segment: Run, tmp_path: Path) -> None:
    voxels = np.zeros((160, 50, 2), np.float32)
    voxels[10:30, 20:36] = voxels[120:140, 20:36] = 2

    ended = segment(save_scan(tmp_path / "two.nii.gz", voxels), "--centre", "129.5,27")

    assert ended.status == 0
    found = np.asarray(nib.load(tmp_path / "two_label-SC_seg.nii.gz").dataobj)
    assert found[120:140, 20:36].all()
    assert found.sum() == 20 * 16 * 2


def test_a_mask_of_the_cord_is_taken(segment: Run, tmp_path: Path) -> None:
    mask = np.zeros((60, 50, 5), np.float32)
    mask[34:42, 14:18, 2] = 1
    cord = tmp_path / "cord.nii.gz"
    scan(mask).to_filename(cord)

    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), "--cord", cord)

    assert ended.status == 0
    found = np.asarray(nib.load(tmp_path / "t2s_label-SC_seg.nii.gz").dataobj)
    np.testing.assert_array_equal(found, mask)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--centre", "1"], "X,Y"),
        (["--centre", "1,b"], "X,Y"),
        (["--volume", "-1"], "volume"),
        (["--volume", "first"], "volume"),
        (["--threshold", "1.5"], "above 0 and below 1"),
        (["--device", "tpu"], "tpu"),
        (["--centre", "1,2", "--cord", "x.nii"], "exclude each other"),
        (["--quiet", "--verbose"], "exclude each other"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_wrong_usage_is_said_and_ends_with_two(
    segment: Run, tmp_path: Path, options: list[str], reason: str
) -> None:
    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), *options)

    assert ended.status == 2
    assert reason in " ".join(ended.err.split())
    assert names(tmp_path) == {"t2s.nii.gz"}


def test_an_image_is_needed(segment: Run) -> None:
    assert segment().status == 2


@pytest.mark.parametrize("name", ["missing.nii.gz", "."])
def test_an_image_that_is_none_is_named(segment: Run, tmp_path: Path, name: str) -> None:
    ended = segment(tmp_path / name)

    assert ended.status == 1
    assert str(tmp_path) in ended.err
    assert "Traceback" not in ended.err
