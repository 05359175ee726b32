"""What the results of an image are called."""

from pathlib import Path

import pytest

from scgm.cohort.scans import Scan, bids_scans

ROOT = Path("/data")


def named(*names: str) -> list[Scan]:
    files = [ROOT / "sub-01" / "anat" / name for name in names]
    return list(bids_scans(ROOT, files, "01", ""))


def test_a_mask_has_the_entities_of_its_image_without_the_contrast() -> None:
    (scan,) = named("sub-01_acq-ax_run-2_T2starw.nii.gz")

    assert scan.name == "sub-01_acq-ax_run-2_T2starw"
    assert scan.file("mask", label="GM") == "sub-01_acq-ax_run-2_label-GM_mask"
    assert scan.file("dseg") == "sub-01_acq-ax_run-2_dseg"
    assert scan.source == "sub-01/anat/sub-01_acq-ax_run-2_T2starw.nii.gz"
    assert scan.folder.as_posix() == "sub-01/anat"


def test_images_that_differ_in_contrast_alone_are_told_apart_by_desc() -> None:
    scans = named("sub-01_T2starw.nii.gz", "sub-01_T2w.nii.gz", "sub-01_run-1_T2w.nii.gz")

    assert [scan.file("mask", label="GM") for scan in scans] == [
        "sub-01_label-GM_desc-T2starw_mask",
        "sub-01_label-GM_desc-T2w_mask",
        "sub-01_run-1_label-GM_mask",
    ]


def test_entities_that_no_mask_may_have_go_into_desc() -> None:
    """BIDS 1.11 has no flip, mt and inv in the names of masks."""
    first, second = named("sub-01_flip-1_mt-off_MTS.nii.gz", "sub-01_flip-1_mt-on_MTS.nii.gz")

    assert first.file("mask", label="GM") == "sub-01_label-GM_desc-flip1mtoff_mask"
    assert second.file("dseg") == "sub-01_desc-flip1mton_dseg"


def test_the_same_image_twice_is_a_problem_of_one_scan() -> None:
    (scan,) = named("sub-01_T2starw.nii", "sub-01_T2starw.nii.gz")

    assert scan.problem == "sub-01_T2starw.nii.gz is the same image once more; keep one"


@pytest.mark.parametrize("session", ["", "2"])
def test_results_lie_in_the_folder_of_the_session(session: str) -> None:
    file = ROOT / "sub-01" / "anat" / "sub-01_T2w.nii.gz"
    (scan,) = bids_scans(ROOT, [file], "01", session)

    assert scan.folder.as_posix() == ("sub-01/ses-2/anat" if session else "sub-01/anat")
