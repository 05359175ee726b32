"""``scgm segment`` as a user meets it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scgm.segmentation import pipeline
from scgm.segmentation.status import SliceStatus
from scgm.segmenters.methods import METHODS
from scgm.segmenters.registry import methods
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


def test_a_report_is_made_where_an_image_is_not_there(segment: Run, tmp_path: Path) -> None:
    image, missing = save_scan(tmp_path / "t2s.nii.gz"), tmp_path / "nope.nii.gz"

    ended = segment(image, missing, "--report", tmp_path / "r.html")

    assert ended.status == 1
    assert "1 of 2 images could not be processed" in ended.err
    assert "nope.nii.gz" in (tmp_path / "r.html").read_text(encoding="utf-8")


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

    assert "gray matter 8.0 mm2 (mean of 4 ok of 5 slices), 1 slice flagged" in ended.out
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
    mask = tmp_path / "t2s_label-GM_seg.nii.gz"
    before = mask.read_bytes()

    refused = segment(image, "--threshold", 0.9, "--soft")

    assert refused.status == 1
    assert "exists already; use --overwrite" in refused.err
    assert not (tmp_path / "t2s_label-GM_probseg.nii.gz").exists()
    assert segment(image, "--overwrite", "--soft").status == 0
    assert (tmp_path / "t2s_label-GM_probseg.nii.gz").exists()
    assert mask.read_bytes() == before


def test_truth_drawn_by_hand_is_never_replaced(segment: Run, tmp_path: Path) -> None:
    image = save_scan(tmp_path / "t2s.nii.gz")
    truth = tmp_path / "t2s_label-GM_seg.nii.gz"
    truth.write_bytes(b"drawn")

    ended = segment(image, "--overwrite")

    assert ended.status == 1
    assert "never replaced; move it away, or give another --output" in ended.err
    assert truth.read_bytes() == b"drawn"
    assert segment(image, "--overwrite", "--output", tmp_path / "out").status == 0


def test_results_of_an_earlier_call_are_not_segmented(segment: Run, tmp_path: Path) -> None:
    image = save_scan(tmp_path / "t2s.nii.gz")
    segment(image, "--soft")
    masks = sorted(path for path in tmp_path.glob("*.nii.gz") if path != image)
    assert len(masks) == 6

    ended = segment(image, *masks, "--output", tmp_path / "out")

    assert ended.status == 0
    assert names(tmp_path / "out") == {
        name for name in names(tmp_path) if name.startswith("t2s_") and "probseg" not in name
    }
    assert ended.err.count("a mask that scgm wrote, no image; skipped") == 6
    nothing = segment(*masks)
    assert nothing.status == 2
    assert "there is no image to segment" in nothing.err


def test_what_is_done_is_skipped_and_the_rest_done(segment: Run, tmp_path: Path) -> None:
    first, second = (save_scan(tmp_path / f"{name}.nii.gz") for name in "ab")
    out = tmp_path / "out"
    segment(first, "--output", out)
    before = (out / "a_seg.json").read_bytes()

    ended = segment(first, second, "--output", out, "--skip-existing")

    assert ended.status == 0
    assert "a.nii.gz: done already, skipped" in ended.out
    assert "b.nii.gz: 5 files in" in ended.out
    assert (out / "a_seg.json").read_bytes() == before
    assert (
        segment(first, second, "--output", out, "--skip-existing").out.count(": done already") == 2
    )


def test_what_was_done_on_another_machine_is_done(
    segment: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = save_scan(tmp_path / "a.nii.gz")
    segment(image)
    monkeypatch.setattr("scgm.segmenters.onnx.processors", lambda: 400)

    again = segment(image, "--skip-existing")

    assert again.status == 0
    assert "done already, skipped" in again.out


def test_other_options_are_not_done(segment: Run, tmp_path: Path) -> None:
    image = save_scan(tmp_path / "a.nii.gz")
    segment(image)

    refused = segment(image, "--skip-existing", "--threshold", 0.3)

    assert refused.status == 1
    assert "the result that is there was made with another threshold" in refused.err
    assert "exists already; use --overwrite" in refused.err
    without = segment(image, "--skip-existing", "--soft")
    assert without.status == 1
    assert "the result that is there was made without --soft" in without.err
    done = segment(image, "--skip-existing", "--threshold", 0.3, "--overwrite")
    assert done.status == 0
    assert "skipped" not in done.out


def test_another_drawing_in_the_same_file_is_not_done(segment: Run, tmp_path: Path) -> None:
    image, mask = save_scan(tmp_path / "a.nii.gz"), tmp_path / "mask.nii.gz"
    cord = (cord_voxels() >= 1).astype(np.uint8)
    scan(cord).to_filename(mask)
    first = segment(image, "--cord", mask, "--output", tmp_path / "out")
    again = segment(image, "--cord", mask, "--output", tmp_path / "out", "--skip-existing")
    cord[:, :, 0] = 0  # the rater takes a slice back
    scan(cord).to_filename(mask)

    other = segment(
        image, "--cord", mask, "--output", tmp_path / "out", "--skip-existing", "--overwrite"
    )

    assert first.status == again.status == other.status == 0
    assert "done already, skipped" in again.out
    assert "skipped" not in other.out


@pytest.fixture
def doubtful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an image of which every slice is doubtful."""

    def statuses(*arguments: object) -> tuple[SliceStatus, ...]:
        return (SliceStatus.NO_CORD, *(SliceStatus.LOW_CONFIDENCE,) * 4)

    monkeypatch.setattr("scgm.segmentation.pipeline.slice_statuses", statuses)
    return save_scan(tmp_path / "t2s.nii.gz")


def test_an_image_without_a_good_slice_leaves_nothing(
    segment: Run, doubtful: Path, tmp_path: Path
) -> None:
    ended = segment(doubtful)

    assert ended.status == 1
    assert "no slice is ok (1 no cord, 4 low confidence), so nothing was written" in ended.err
    assert "--keep-doubtful" in ended.err
    assert names(tmp_path) == {"t2s.nii.gz"}


def test_doubtful_results_are_kept_where_asked(
    segment: Run, doubtful: Path, tmp_path: Path
) -> None:
    ended = segment(doubtful, "--keep-doubtful")

    assert ended.status == 0
    assert "no slice is ok (1 no cord, 4 low confidence)" in ended.err
    assert "gray matter in no ok slice" in ended.out
    assert "t2s_seg.json" in names(tmp_path)


def test_a_stopped_batch_says_what_is_done(
    segment: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [save_scan(tmp_path / f"{name}.nii.gz") for name in "abc"]
    run = pipeline.segment

    def stopped(image: Path, *arguments: object, **options: object) -> object:
        if image.name.startswith("b"):
            os.kill(os.getpid(), signal.SIGTERM)
        return run(image, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "segment", stopped)

    ended = segment(*images)

    assert ended.status == 143
    assert "1 of 3 images are done" in ended.err
    assert "--skip-existing" in ended.err
    assert "a.nii.gz: 5 files in" in ended.out
    assert not [name for name in names(tmp_path) if name.startswith((".", "b_", "c_"))]


@pytest.mark.parametrize("way", ["loop", "no permission", "dangling link", "long name"])
def test_an_image_that_cannot_be_opened_does_not_stop_the_others(
    segment: Run, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = save_scan(tmp_path / "good.nii.gz")
    bad = tmp_path / ("x" * 300 if way == "long name" else "bad.nii.gz")
    if way == "loop":
        bad.symlink_to(bad)
    elif way == "dangling link":
        bad.symlink_to(tmp_path / "nowhere")
    elif way == "no permission":
        save_scan(bad).chmod(0)
        if os.access(bad, os.R_OK):
            pytest.skip("this user may read everything")

    ended = segment(bad, good, "--output", tmp_path / "out")

    assert ended.status == 1
    assert bad.name[:20] in ended.err
    assert "1 of 2 images could not be processed" in ended.err
    assert "good_seg.json" in names(tmp_path / "out")


@pytest.mark.parametrize("way", ["loop", "below a loop", "below a file"])
def test_an_output_that_cannot_be_a_folder_is_named(segment: Run, tmp_path: Path, way: str) -> None:
    place = tmp_path / "place"
    if way == "below a file":
        place.write_text("mine")
    else:
        place.symlink_to(place)
    output = place if way == "loop" else place / "below"

    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), "--output", output)

    assert ended.status == 1
    assert str(place) in ended.err


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "1.5", "²"])
def test_a_volume_that_is_no_number_is_wrong_usage(
    segment: Run, tmp_path: Path, number: str
) -> None:
    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), "--volume", number)

    assert ended.status == 2
    assert len(ended.err) < 2000


def test_a_person_sees_that_one_image_is_being_segmented(
    segment: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = save_scan(tmp_path / "t2s.nii.gz")
    monkeypatch.setenv("FORCE_COLOR", "1")  # standard error counts as a terminal

    assert "Segmenting t2s.nii.gz" in segment(image).err
    assert "Segmenting" not in segment(image, "--overwrite", "--quiet").err


def test_the_view_command_is_said_for_one_image_or_if_verbose(segment: Run, tmp_path: Path) -> None:
    first, second = (save_scan(tmp_path / f"{name}.nii.gz") for name in "ab")

    assert "fsleyes" not in segment(first, second).out
    assert segment(first, second, "--overwrite", "--verbose").out.count("fsleyes") == 2


def test_control_characters_of_a_name_are_not_printed(segment: Run, tmp_path: Path) -> None:
    ended = segment(save_scan(tmp_path / "a\x1b[2Jb\r.nii.gz"), "--verbose")

    assert ended.status == 0
    assert "\x1b" not in ended.out + ended.err
    assert "\r" not in ended.out + ended.err
    assert "a\\x1b[2Jb\\r.nii.gz: 5 files in" in ended.out


def test_the_slices_of_the_picture_are_checked(segment: Run, tmp_path: Path) -> None:
    image = save_scan(tmp_path / "t2s.nii.gz")

    assert segment(image, "--qc-slices", "none").status == 2
    assert segment(image, "--qc-slices", "0").status == 2
    assert segment(image, "--qc-slices", "flagged").status == 0
    assert (tmp_path / "t2s_qc.png").exists()


def test_a_model_below_a_home_of_nobody_is_named(segment: Run, tmp_path: Path) -> None:
    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), "--model", "~nobody-of-this-name/x.onnx")

    assert ended.status == 1
    assert "~nobody-of-this-name/x.onnx: there is no such model file" in ended.err


@pytest.mark.parametrize("lost", [False, True], ids=["another error", "lost"])
def test_ctrl_c_in_code_that_takes_it_for_something_else_ends_the_batch(
    segment: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: bool
) -> None:
    """A library in C that is being loaded says "initialization failed", and a finalizer nothing."""
    images = [save_scan(tmp_path / f"{name}.nii.gz") for name in "abc"]
    run = pipeline.segment

    def stopped(image: Path, *arguments: object, **options: object) -> object:
        if image.name.startswith("b"):
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except BaseException as error:
                if not lost:
                    msg = "initialization failed"
                    raise ImportError(msg) from error
        return run(image, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "segment", stopped)

    ended = segment(*images)

    assert ended.status == 130
    assert f"{2 if lost else 1} of 3 images are done" in ended.err
    assert "fault" not in ended.err
    assert not [name for name in names(tmp_path) if name.startswith("c_")]


@pytest.mark.parametrize("option", ["--center", "--volume", "--qc-slices", "--level-at"])
def test_a_wrong_value_is_said_with_its_option(
    segment: Run, tmp_path: Path, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), option, "much")

    assert ended.status == 2
    assert f"Invalid value for {option}: 'much' is no" in ended.err


def test_an_unknown_method_is_wrong_usage(segment: Run, tmp_path: Path) -> None:
    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), "--method", "magic")

    assert ended.status == 2
    assert "there is no method 'magic'; known: default, ddc" in ended.err


def test_help_names_every_method(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run_scgm(capsys, "segment", "--help").out

    assert set(METHODS) == set(methods())
    assert all(name in shown for name in methods())


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
    assert ended.out.count("gray matter") == 1


def test_the_center_chooses_the_cord(segment: Run, tmp_path: Path) -> None:
    voxels = np.zeros((160, 50, 2), np.float32)
    voxels[10:30, 20:36] = voxels[120:140, 20:36] = 2

    ended = segment(
        save_scan(tmp_path / "two.nii.gz", voxels), "--center", "129.5,27", "--keep-doubtful"
    )

    assert ended.status == 0
    found = np.asarray(nib.load(tmp_path / "two_label-SC_seg.nii.gz").dataobj)
    assert found[120:140, 20:36].all()
    assert found.sum() == 20 * 16 * 2


def test_a_mask_of_the_cord_is_taken(segment: Run, tmp_path: Path) -> None:
    mask = (cord_voxels() >= 1).astype(np.float32)
    mask[..., [0, 1, 3, 4]] = 0
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


def test_levels_of_one_image_are_not_taken_for_those_of_others(
    segment: Run, tmp_path: Path
) -> None:
    images = [save_scan(tmp_path / f"{name}.nii.gz") for name in "ab"]

    ended = segment(*images, "--level-at", "2=C3")

    assert ended.status == 2
    assert "levels are those of one image" in ended.err
    assert names(tmp_path) == {"a.nii.gz", "b.nii.gz"}


def test_levels_are_for_a_method_that_uses_them(segment: Run, tmp_path: Path) -> None:
    levels = tmp_path / "levels.txt"
    levels.write_text("0 C3\n")

    ended = segment(save_scan(tmp_path / "t2s.nii.gz"), "--levels-from", levels)

    assert ended.status == 2
    assert "method default uses no levels; omit them, or use --method sct" in ended.err
    assert names(tmp_path) == {"t2s.nii.gz", "levels.txt"}
