"""Which files of folders belong together."""

import json
from pathlib import Path

import pytest

from scgm.errors import UsageError
from scgm.evaluation.matching import matched_files


def names(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def test_files_belong_together_by_image_and_label(tmp_path: Path) -> None:
    found = names(
        tmp_path / "found",
        "a.nii.gz",
        "a_label-GM_seg.nii.gz",
        "a_label-GM_probseg.nii.gz",
        "a_label-SC_seg.nii.gz",
        "b_label-GM_seg.nii.gz",
        "a_seg.json",
    )
    true = names(
        tmp_path / "true",
        "a.nii.gz",
        "sub/a_gmseg-manual.nii.gz",
        "sub/a_seg-manual.nii.gz",
        "sub/c_gmseg-manual.nii.gz",
        "sub/a_wmseg.nii.gz",
    )

    jobs = matched_files(found, [true])

    assert [
        (job.label, job.prediction and job.prediction.name, job.references[0].name, job.soft)
        for job in jobs
    ] == [
        (
            "GM",
            "a_label-GM_seg.nii.gz",
            "a_gmseg-manual.nii.gz",
            found / "a_label-GM_probseg.nii.gz",
        ),
        ("SC", "a_label-SC_seg.nii.gz", "a_seg-manual.nii.gz", None),
        ("GM", None, "c_gmseg-manual.nii.gz", None),
    ]


def test_equal_names_belong_together_and_each_folder_is_a_rater(tmp_path: Path) -> None:
    found = names(tmp_path / "found", "1.nii", "2.nii")
    raters = [names(tmp_path / "r1", "1.nii"), names(tmp_path / "r2", "1.nii", "2.nii")]

    jobs = matched_files(found, raters)

    assert [job.references for job in jobs] == [
        (raters[0] / "1.nii", raters[1] / "1.nii"),
        (raters[1] / "2.nii",),
    ]


def test_derivatives_of_bids_belong_to_the_labels_of_their_image(tmp_path: Path) -> None:
    found = names(
        tmp_path / "found",
        "sub-01_label-GM_mask.nii.gz",
        "sub-01_label-GM_probseg.nii.gz",
        "sub-02_label-GM_desc-T2w_mask.nii.gz",
        "sub-03_label-GM_mask.nii.gz",
    )
    for name, image in (
        ("sub-01_label-GM", "sub-01_T2starw"),
        ("sub-02_label-GM_desc-T2w", "sub-02_T2w"),
    ):
        sources = [f"bids:raw:{image[:6]}/anat/{image}.nii.gz"]
        (found / f"{name}_mask.json").write_text(json.dumps({"Sources": sources}))
    (found / "sub-03_label-GM_mask.json").write_text("[]")  # as good as none
    labels = ["sub-01_T2starw_gmseg-manual", "sub-02_T2w_gmseg-manual", "sub-03_label-GM_mask"]
    true = names(tmp_path / "true", *(f"{label}.nii.gz" for label in labels))

    jobs = matched_files(found, [true])

    assert [(job.prediction, job.soft, job.references[0].name) for job in jobs] == [
        (
            found / "sub-01_label-GM_mask.nii.gz",
            found / "sub-01_label-GM_probseg.nii.gz",
            "sub-01_T2starw_gmseg-manual.nii.gz",
        ),
        (found / "sub-02_label-GM_desc-T2w_mask.nii.gz", None, "sub-02_T2w_gmseg-manual.nii.gz"),
        (found / "sub-03_label-GM_mask.nii.gz", None, "sub-03_label-GM_mask.nii.gz"),
    ]


def test_two_labels_of_one_image_by_one_rater_are_refused(tmp_path: Path) -> None:
    found = names(tmp_path / "found", "sub-01_label-GM_mask.nii.gz")
    sidecar = {"Sources": ["bids:raw:sub-01/anat/sub-01_T2w.nii.gz"]}
    (found / "sub-01_label-GM_mask.json").write_text(json.dumps(sidecar))
    true = names(tmp_path / "true", "sub-01_label-GM_mask.nii.gz", "sub-01_T2w_gmseg.nii.gz")

    with pytest.raises(UsageError, match="of the same image"):
        matched_files(found, [true])


def test_two_files_of_one_image_are_not_chosen_between(tmp_path: Path) -> None:
    twice = names(tmp_path / "twice", "a_gmseg.nii.gz", "a_gmseg-manual.nii.gz")

    with pytest.raises(UsageError, match="of the same image"):
        matched_files(twice, [names(tmp_path / "true", "a_gmseg.nii.gz")])


def test_folders_without_a_common_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file in"):
        matched_files(names(tmp_path / "a", "1.nii"), [names(tmp_path / "b", "2.nii")])
