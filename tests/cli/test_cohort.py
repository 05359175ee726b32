"""``scgm cohort`` as a user meets it, in one process."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.helpers.cohort_files import bids_folder, names_of, tree
from tests.helpers.standin import Ended, run_scgm, save_scan, write_model

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def cohort(capsys: pytest.CaptureFixture[str], model: Path) -> Run:
    def run(data: Path, out: Path, *arguments: object) -> Ended:
        words = arguments or ("participant",)
        return run_scgm(capsys, "cohort", data, out, *words, "--n-procs", 1, "--model", model)

    return run


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_a_cohort_has_derivatives_tables_and_a_description(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data")

    ended = cohort(data, tmp_path / "out", "participant", "--soft")

    assert (ended.status, ended.err) == (0, "")
    assert "2 images: 2 done" in ended.out
    out = tmp_path / "out"
    files = tree(out)
    stems = [
        f"label-{label}_{kind}" for label in ("GM", "WM", "SC") for kind in ("mask", "probseg")
    ]
    assert names_of(files, "sub-01/") == {
        *(f"anat/sub-01_{stem}{end}" for stem in (*stems, "dseg") for end in (".nii.gz", ".json")),
        "anat/sub-01_T2starw_seg.json",
        "anat/sub-01_T2starw_measurements.csv",
        "sub-01_images.tsv",
        "sub-01_measurements.tsv",
    }
    assert {name for name in files if "/" not in name} == {
        *(".bidsignore", "README", "dataset_description.json", "dseg.tsv", "scgm_cohort.json"),
        *("images.tsv", "failures.tsv", "measurements.tsv"),
    }
    description = json.loads(files["dataset_description.json"])
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Name"] == "scgm"
    assert description["DatasetLinks"] == {"raw": f"file://{data}"}
    sidecar = json.loads(files["sub-01/anat/sub-01_label-GM_mask.json"])
    assert sidecar["Sources"] == ["bids:raw:sub-01/anat/sub-01_T2starw.nii.gz"]
    assert sidecar["Type"] == "ROI"


def test_the_label_map_is_made_of_the_masks(cohort: Run, tmp_path: Path) -> None:
    """1 gray matter, 2 white matter: the whole cord is 80 mm2, 20 x 16 voxels a slice."""
    cohort(bids_folder(tmp_path / "data"), tmp_path / "out")

    folder = tmp_path / "out" / "sub-01" / "anat"
    values = np.asarray(nib.load(folder / "sub-01_dseg.nii.gz").dataobj)
    gm = np.asarray(nib.load(folder / "sub-01_label-GM_mask.nii.gz").dataobj)
    assert (np.unique(values) == [0, 1, 2]).all()
    assert np.array_equal(values == 1, gm == 1)
    assert (values[..., 0] == 1).sum() == 32
    assert (values[..., 0] > 0).sum() == 320


def test_the_long_table_has_a_row_for_each_slice_and_label(cohort: Run, tmp_path: Path) -> None:
    cohort(bids_folder(tmp_path / "data"), tmp_path / "out")

    long = rows(tmp_path / "out" / "measurements.tsv")
    assert [row["subject"] for row in long] == ["01"] * 9 + ["02"] * 9
    first = long[0]
    assert (first["label"], float(first["area_mm2"]), first["slice"]) == ("GM", 8.0, "0")
    images = rows(tmp_path / "out" / "images.tsv")
    assert [row["image"] for row in images] == [
        "sub-01/anat/sub-01_T2starw.nii.gz",
        "sub-02/anat/sub-02_T2starw.nii.gz",
    ]
    gm = [float(row["area_mm2"]) for row in long if row["label"] == "GM"][:3]
    assert float(images[0]["GM_area_mm2"]) == pytest.approx(sum(gm) / 3, abs=1e-4)


def test_one_bad_image_is_in_the_table_with_its_reason_and_the_status_says_so(
    cohort: Run, tmp_path: Path
) -> None:
    data = bids_folder(tmp_path / "data")
    (data / "sub-01" / "anat" / "sub-01_T2starw.nii.gz").write_bytes(b"no image")
    absent = data / "sub-02" / "anat" / "sub-02_run-9_T2starw.nii.gz"
    absent.symlink_to(tmp_path / "annex" / "x")

    ended = cohort(data, tmp_path / "out")

    assert ended.status == 1
    assert ended.err.count("error: ") == 2
    failures = rows(tmp_path / "out" / "failures.tsv")
    assert [row["image"] for row in failures] == [
        "sub-01/anat/sub-01_T2starw.nii.gz",
        "sub-02/anat/sub-02_run-9_T2starw.nii.gz",
    ]
    assert "sub-01_T2starw.nii.gz" in failures[0]["reason"]
    assert "content not present" in failures[1]["reason"]
    states = [row["state"] for row in rows(tmp_path / "out" / "images.tsv")]
    assert states == ["failed", "done", "failed"]
    cohort(data, tmp_path / "out", "group")
    assert "content not present" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_an_image_whose_session_is_called_failed_has_not_failed(
    cohort: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "sub-01" / "ses-failed" / "anat"
    folder.mkdir(parents=True)
    save_scan(folder / "sub-01_ses-failed_T2starw.nii.gz")
    cohort(tmp_path / "data", tmp_path / "out")

    ended = cohort(tmp_path / "data", tmp_path / "out", "group")

    assert "tables of 1 image, 0 failed" in ended.out
    assert rows(tmp_path / "out" / "failures.tsv") == []


def test_a_failure_is_tried_again_and_its_file_goes(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data")
    image = data / "sub-01" / "anat" / "sub-01_T2starw.nii.gz"
    good = image.read_bytes()
    image.write_bytes(good[:-9])
    cohort(data, tmp_path / "out")
    image.write_bytes(good)

    ended = cohort(data, tmp_path / "out")
    cohort(data, tmp_path / "fresh")

    assert "2 images: 1 done, 1 done already" in ended.out
    assert tree(tmp_path / "out") == tree(tmp_path / "fresh")


def test_what_is_done_is_not_done_again_but_a_changed_image_is(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data")
    cohort(data, tmp_path / "out")
    mask = tmp_path / "out" / "sub-01" / "anat" / "sub-01_label-GM_mask.nii.gz"
    before = mask.stat().st_mtime_ns

    again = cohort(data, tmp_path / "out")

    assert "2 images: 2 done already" in again.out
    assert mask.stat().st_mtime_ns == before
    shutil.copy(
        data / "sub-02" / "anat" / "sub-02_T2starw.nii.gz",
        data / "sub-01" / "anat" / "sub-01_T2starw.nii.gz",
    )
    assert "1 done, 1 done already" in cohort(data, tmp_path / "out").out
    cohort(data, tmp_path / "fresh")
    assert tree(tmp_path / "out") == tree(tmp_path / "fresh")


def test_a_cohort_goes_on_on_another_machine(
    cohort: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bids_folder(tmp_path / "data", ("sub-01/anat/sub-01_T2starw",))
    cohort(data, tmp_path / "out")
    monkeypatch.setattr("scgm.segmenters.onnx.processors", lambda: 400)

    again = cohort(data, tmp_path / "out")

    assert again.status == 0
    assert "1 done already" in again.out


def test_other_choices_are_refused_before_anything_is_written(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data")
    cohort(data, tmp_path / "out")
    before = tree(tmp_path / "out")

    refused = cohort(data, tmp_path / "out", "participant", "--threshold", 0.7)

    assert refused.status == 1
    assert "made with other choices (threshold none, now 0.7); use --overwrite" in refused.err
    assert tree(tmp_path / "out") == before
    redone = cohort(data, tmp_path / "out", "participant", "--naming", "sct", "--overwrite")
    cohort(data, tmp_path / "fresh", "participant", "--naming", "sct")
    assert redone.status == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "fresh")


def test_a_mask_that_was_corrected_by_hand_is_kept(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data")
    cohort(data, tmp_path / "out")
    mask = tmp_path / "out" / "sub-01" / "anat" / "sub-01_label-GM_mask.nii.gz"
    mask.write_bytes(b"corrected")

    ended = cohort(data, tmp_path / "out")

    assert ended.status == 0
    assert "sub-01_T2starw.nii.gz: its result was changed by hand, and is kept" in ended.err
    assert mask.read_bytes() == b"corrected"


def test_sct_names_are_those_of_segment(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data", ("sub-01/anat/sub-01_T2starw",))

    cohort(data, tmp_path / "out", "participant", "--naming", "sct")

    assert names_of(tree(tmp_path / "out"), "sub-01/anat/sub-01_T2starw_") == {
        *(f"label-{label}_seg.nii.gz" for label in ("GM", "WM", "SC")),
        "seg.json",
        "measurements.csv",
    }


def test_the_group_has_a_report_and_tables_of_all(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data")
    cohort(data, tmp_path / "out", "participant", "--participant-label", "01")
    cohort(data, tmp_path / "out", "participant", "--participant_label", "sub-02")
    assert not (tmp_path / "out" / "images.tsv").exists()

    ended = cohort(data, tmp_path / "out", "group")
    first = tree(tmp_path / "out")
    again = cohort(data, tmp_path / "out", "group")
    cohort(data, tmp_path / "whole")
    cohort(data, tmp_path / "whole", "group")

    assert (ended.status, again.status, ended.err) == (0, 0, "")
    assert "tables of 2 images, 0 failed" in ended.out
    assert "report.html: 2 images" in ended.out
    assert tree(tmp_path / "out") == first == tree(tmp_path / "whole")


def test_a_report_of_many_shows_those_to_look_at_first(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data", tuple(f"sub-{n}/anat/sub-{n}_T2starw" for n in range(3)))
    cohort(data, tmp_path / "out")

    ended = cohort(data, tmp_path / "out", "group", "--report-images", 1)

    assert "report.html: 1 image of 3, those to look at first" in ended.out


def test_a_folder_that_is_not_bids_is_read_by_a_pattern(cohort: Run, tmp_path: Path) -> None:
    for subject in ("p_1", "p_2"):
        (tmp_path / "data" / subject).mkdir(parents=True)
        save_scan(tmp_path / "data" / subject / "t2s.nii.gz")

    ended = cohort(tmp_path / "data", tmp_path / "out", "participant", "--pattern", "{subject}/*")

    assert ended.status == 0
    images = rows(tmp_path / "out" / "images.tsv")
    assert [(row["subject"], row["image"]) for row in images] == [
        ("p1", "p_1/t2s.nii.gz"),
        ("p2", "p_2/t2s.nii.gz"),
    ]
    mask = tmp_path / "out" / "sub-p1" / "anat" / "sub-p1_acq-t2s_label-GM_mask.nii.gz"
    assert mask.is_file()
    assert rows(tmp_path / "out" / "measurements.tsv")[0]["file"] == "sub-p1_acq-t2s"
    assert cohort(tmp_path / "data", tmp_path / "out", "group").status == 0


def test_a_dry_run_lists_and_writes_nothing(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data")

    ended = cohort(data, tmp_path / "out", "participant", "--dry-run")

    assert ended.out.splitlines() == [
        "sub-01/anat/sub-01_T2starw.nii.gz -> sub-01/anat/sub-01_T2starw",
        "sub-02/anat/sub-02_T2starw.nii.gz -> sub-02/anat/sub-02_T2starw",
        "2 images",
    ]
    assert not (tmp_path / "out").exists()


def test_images_that_were_left_out_are_counted(cohort: Run, tmp_path: Path) -> None:
    names = ("T2starw", "T1w", "run-2_T2starw")
    data = bids_folder(tmp_path / "data", tuple(f"sub-01/anat/sub-01_{name}" for name in names))

    ended = cohort(data, tmp_path / "out", "participant", "--run-label", 2)

    assert "1 image: 1 done;" in ended.out
    assert "left out: 1 T1w, 1 T2starw (of another contrast or label than wanted)" in ended.out


def test_contrasts_that_nobody_asked_for_are_named(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data", ("sub-01/anat/sub-01_T2w",))

    ended = cohort(data, tmp_path / "out")

    assert ended.status == 2
    assert "no image fits; there are 1 T2w; say which with --suffix, and check" in ended.err
    assert not (tmp_path / "out").exists()
    assert cohort(data, tmp_path / "other", "participant", "--suffix", "T2w", "T1w").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("participant", "--participant-label", "../x"), 2, "is no label of a subject"),
        (("participant", "--participant-label", "9"), 2, "there is no folder sub-9"),
        (("participant", "--pattern", "*", "--run-label", "1"), 2, "omit run"),
        (("participant", "--scheduler", "tcp://x:1", "--cluster", "c.toml"), 2, "exclude"),
        (("participant", "--model", "no-such-model"), 1, "no-such-model"),
        (("group",), 2, "run 'scgm cohort' at the level participant first"),
        (("all",), 2, "participant"),
    ],
)
def test_wrong_usage_is_one_sentence_and_leaves_no_result(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    status: int,
    words: str,
) -> None:
    data = bids_folder(tmp_path / "data", ("sub-01/anat/sub-01_T2starw",))

    ended = run_scgm(capsys, "cohort", data, tmp_path / "out", *arguments, "--n-procs", 1)

    assert ended.status == status
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()


def test_results_do_not_go_among_the_images(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data", ("sub-01/anat/sub-01_T2starw",))
    before = tree(data)

    for out in (data, data / "sub-01", data / "sub-01" / "results"):
        assert cohort(data, out).status == 2
    assert tree(data) == before
    assert cohort(data, data / "derivatives" / "scgm").status == 0
    description = data / "derivatives" / "scgm" / "dataset_description.json"
    assert json.loads(description.read_text())["DatasetLinks"] == {"raw": "../.."}


def test_a_folder_of_another_program_is_left_alone(cohort: Run, tmp_path: Path) -> None:
    data = bids_folder(tmp_path / "data", ("sub-01/anat/sub-01_T2starw",))
    other = bids_folder(tmp_path / "other")
    before = tree(other)

    ended = cohort(data, other)

    assert ended.status == 1
    assert "it is no folder of results of scgm cohort" in ended.err
    assert tree(other) == before


def test_odd_file_names_are_segmented_and_tables_stay_whole(cohort: Run, tmp_path: Path) -> None:
    """Spaces, quotes, a line break, a formula, a leading dash."""
    names = ["a b", "x'y\"z", "line\nbreak", "=1+1", "-dash", "ünïcode", ";rm -rf"]
    (tmp_path / "data").mkdir()
    for name in names:
        save_scan(tmp_path / "data" / f"{name}_1.nii.gz")

    ended = cohort(tmp_path / "data", tmp_path / "out", "participant", "--pattern", "*_1.nii.gz")

    assert ended.status == 0
    assert len(rows(tmp_path / "out" / "images.tsv")) == len(names)
    assert len(rows(tmp_path / "out" / "measurements.tsv")) == 15 * len(names)
    assert len((tmp_path / "out" / "images.tsv").read_text().splitlines()) == 1 + len(names)
