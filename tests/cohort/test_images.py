"""Images found in BIDS folders and in others."""

import os
from pathlib import Path

import pytest

from scgm.cohort.bids_images import BidsImages
from scgm.cohort.filters import read_filters
from scgm.cohort.pattern import PatternImages
from scgm.errors import DataSetError, UsageError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def sources(images: BidsImages | PatternImages) -> list[str]:
    return [scan.source for scan in images]


def bids(root: Path, **choices: list[str]) -> BidsImages:
    return BidsImages(root, read_filters(choices))


def test_images_of_subjects_and_sessions_are_found_in_order(tmp_path: Path) -> None:
    make(
        tmp_path,
        "sub-02/anat/sub-02_T2starw.nii.gz",
        "sub-01/ses-2/anat/sub-01_ses-2_T2starw.nii",
        "sub-01/ses-1/anat/sub-01_ses-1_T2starw.nii.gz",
        "sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz",
        "sub-01/ses-1/func/sub-01_ses-1_T2starw.nii.gz",
        "sub-01/ses-1/anat/sub-01_ses-1_T2starw.json",
        "derivatives/x/sub-03/anat/sub-03_T2starw.nii.gz",
    )

    assert sources(bids(tmp_path)) == [
        "sub-01/ses-1/anat/sub-01_ses-1_T2starw.nii.gz",
        "sub-01/ses-2/anat/sub-01_ses-2_T2starw.nii",
        "sub-02/anat/sub-02_T2starw.nii.gz",
    ]
    assert bids(tmp_path).counted() == (3, {"T1w": 1})
    assert sources(bids(tmp_path, subject=["sub-02"])) == ["sub-02/anat/sub-02_T2starw.nii.gz"]


def test_what_bidsignore_names_is_left_out(tmp_path: Path) -> None:
    pytest.importorskip("pathspec")
    make(tmp_path, *(f"sub-0{n}/anat/sub-0{n}_T2starw.nii.gz" for n in (1, 2)))
    (tmp_path / ".bidsignore").write_text("# damaged\nsub-01/\n")

    assert sources(bids(tmp_path)) == ["sub-02/anat/sub-02_T2starw.nii.gz"]


def test_links_are_followed_and_one_that_leads_nowhere_is_still_named(tmp_path: Path) -> None:
    make(tmp_path / "annex", "a.nii.gz")
    make(tmp_path, "data/sub-01/anat/x.json")
    folder = tmp_path / "data" / "sub-01" / "anat"
    (folder / "sub-01_run-1_T2starw.nii.gz").symlink_to(tmp_path / "annex" / "a.nii.gz")
    (folder / "sub-01_run-2_T2starw.nii.gz").symlink_to(tmp_path / "annex" / "b.nii.gz")

    assert len(sources(bids(tmp_path / "data"))) == 2


def test_a_missing_subject_is_refused_before_any_work(tmp_path: Path) -> None:
    make(tmp_path, "sub-01/anat/sub-01_T2starw.nii.gz")

    with pytest.raises(UsageError, match="there is no folder sub-7"):
        bids(tmp_path, subject=["7"]).check()


def test_a_folder_without_subjects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="say with --pattern where the images are"):
        bids(tmp_path).check()
    with pytest.raises(DataSetError, match="there is no such folder"):
        bids(tmp_path / "missing").check()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    make(tmp_path, "sub-01/anat/sub-01_T2starw.nii.gz")
    (tmp_path / "sub-01").chmod(0)
    try:
        with pytest.raises(DataSetError, match="check its permissions"):
            sources(bids(tmp_path))
    finally:
        (tmp_path / "sub-01").chmod(0o700)


def test_a_pattern_names_subject_and_session(tmp_path: Path) -> None:
    make(tmp_path, "pat_7/day 2/t2s.nii.gz", "pat_7/day 1/t2s.nii.gz", "pat_7/day 1/t1.nii.gz")

    images = PatternImages(tmp_path, "{subject}/{session}/t2s.nii.gz")
    images.check()

    assert [scan.name for scan in images] == ["sub-pat7_ses-day1", "sub-pat7_ses-day2"]
    assert sources(images)[0] == "pat_7/day 1/t2s.nii.gz"
    assert images.counted() == (2, {})


def test_a_label_that_stands_twice_is_the_same(tmp_path: Path) -> None:
    make(tmp_path, "7/7_t2s.nii", "7/8_t2s.nii", "8/8-8_t2s.nii")

    assert sources(PatternImages(tmp_path, "{subject}/{subject}_t2s.nii")) == ["7/7_t2s.nii"]
    assert sources(PatternImages(tmp_path, "*/{subject}-{subject}_t2s.nii")) == ["8/8-8_t2s.nii"]


def test_files_of_a_subject_are_told_apart_by_acq(tmp_path: Path) -> None:
    make(tmp_path, "7/scan_a.nii.gz", "7/scan_b.nii", "7/.scan_c.nii", "7/notes.txt")

    assert [scan.name for scan in PatternImages(tmp_path, "{subject}/*")] == [
        "sub-7_acq-scana",
        "sub-7_acq-scanb",
    ]


def test_without_a_subject_in_the_pattern_each_file_is_one(tmp_path: Path) -> None:
    make(tmp_path, "b.nii.gz", "a.nii.gz", "out/sub-a/anat/x.nii.gz")

    images = PatternImages(tmp_path, "*.nii.gz", subjects=("b",))

    assert [scan.name for scan in images] == ["sub-b"]
    assert sources(PatternImages(tmp_path, "*/*/*/*", leave_out=tmp_path / "out")) == []


def test_two_files_with_one_name_for_their_results_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "a_1/t2s.nii.gz", "a1/t2s.nii.gz")

    with pytest.raises(UsageError, match="would both be sub-a1"):
        PatternImages(tmp_path, "{subject}/t2s.nii.gz").check()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("../*.nii", "is no path below the folder"),
        ("/etc/*", "is no path below the folder"),
        ("{person}/a.nii", "alone"),
        ("*.nii", "no image fits"),
    ],
)
def test_a_pattern_that_makes_no_sense_is_refused(tmp_path: Path, pattern: str, words: str) -> None:
    with pytest.raises((UsageError, DataSetError), match=words):
        PatternImages(tmp_path, pattern).check()
