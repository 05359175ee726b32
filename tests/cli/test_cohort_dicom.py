"""``scgm cohort`` on folders of DICOM, and who must not be met in its results."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from tests.cli.test_cohort import rows
from tests.helpers.cohort_files import tree
from tests.helpers.dicom_files import SECRETS, STANDIN, Slab, cord_slab, pattern, save, slices
from tests.helpers.standin import Ended, run_scgm, write_model

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def cohort(capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path) -> Run:
    def run(level: str, *arguments: object) -> Ended:
        places = (tmp_path / "data", tmp_path / "out")
        return run_scgm(
            capsys, "cohort", *places, level, *arguments, "--n-procs", 1, "--model", model
        )

    return run


def scan(folder: Path, **changes: Any) -> Path:
    return save(folder, slices(cord_slab(), **{**STANDIN, **changes}))


def test_folders_that_a_pattern_names_are_images(cohort: Run, tmp_path: Path) -> None:
    for subject in ("p1", "p2"):
        scan(tmp_path / "data" / subject / "visit1" / "t2s")

    ended = cohort("participant", "--pattern", "{subject}/{session}/*/")
    again = cohort("participant", "--pattern", "{subject}/{session}/*/")
    forgotten = cohort("participant", "--pattern", "{subject}/{session}/*")
    group = cohort("group", "--pattern", "{subject}/{session}/*/")

    assert (ended.status, ended.err) == (0, "")
    assert "2 images: 2 done already" in again.out
    assert "but folders do; for folders of DICOM give '{subject}/{session}/*/'" in forgotten.err
    images = rows(tmp_path / "out" / "images.tsv")
    assert [row["image"] for row in images] == ["p1/visit1/t2s", "p2/visit1/t2s"]
    assert [float(row["GM_area_mm2"]) for row in images] == [8, 8]
    mask = "sub-p1/ses-visit1/anat/sub-p1_ses-visit1_acq-t2s_label-GM_mask.nii.gz"
    assert np.count_nonzero(nib.load(tmp_path / "out" / mask).dataobj) == 4 * 32
    assert (group.status, group.err) == (0, "")
    assert "report.html: 2 images" in group.out


def test_a_series_that_changed_is_done_again(cohort: Run, tmp_path: Path) -> None:
    folder = scan(tmp_path / "data" / "p1")
    cohort("participant", "--pattern", "{subject}/")
    shutil.rmtree(folder)
    scan(folder)  # another study: other numbers

    assert "1 image: 1 done;" in cohort("participant", "--pattern", "{subject}/").out


def test_zips_are_images_where_the_pattern_names_them(cohort: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    folder = scan(tmp_path / "in")
    shutil.make_archive(str(tmp_path / "data" / "p1"), "zip", folder)

    nothing = cohort("participant", "--pattern", "*")
    ended = cohort("participant", "--pattern", "*.zip")

    assert "no image fits the pattern" in nothing.err
    assert ended.status == 0
    assert (tmp_path / "out" / "sub-p1" / "anat" / "sub-p1_label-GM_mask.nii.gz").is_file()


def test_one_of_several_series_is_chosen_in_every_folder(cohort: Run, tmp_path: Path) -> None:
    folder = scan(tmp_path / "data" / "p1")
    save(folder, slices(Slab(pattern()), SeriesNumber=8), "other_{}.dcm")

    refused = cohort("participant", "--pattern", "{subject}/")
    # Nothing is there that would have to be kept.
    ended = cohort("participant", "--pattern", "{subject}/", "--series", 5)

    assert refused.status == 1
    assert "choose one with --series" in refused.err
    assert ended.status == 0
    assert rows(tmp_path / "out" / "failures.tsv") == []
    # A BIDS folder holds no DICOM.
    assert cohort("participant", "--series", 5).status == 2


def test_folders_called_by_the_patient_leave_no_name_anywhere(cohort: Run, tmp_path: Path) -> None:
    """Not even as a failure: the others go on, and the status says that one is missing."""
    scan(tmp_path / "data" / f"{SECRETS[0]}_{SECRETS[1]}" / "t2s")
    damaged = scan(tmp_path / "data" / SECRETS[2] / "t2s")
    sorted(damaged.iterdir())[1].unlink()
    scan(tmp_path / "data" / "p3" / "t2s")
    log = tmp_path / "log.txt"

    ended = cohort("participant", "--pattern", "{subject}/t2s/", "--log", log)

    assert ended.status == 1
    assert "[removed]_[removed]/t2s: these names hold the patient's name" in ended.err
    written = {**tree(tmp_path / "out"), "log": log.read_bytes(), "err": ended.err.encode()}
    for secret in SECRETS:
        for name, content in written.items():
            assert secret.lower() not in f"{name} {content.decode('latin-1')}".lower(), name
    assert [row["subject"] for row in rows(tmp_path / "out" / "images.tsv")] == ["p3"]
    kept = cohort("participant", "--pattern", "{subject}/t2s/", "--keep-identifiers", "--overwrite")
    assert "3 images: 2 done, 1 failed" in kept.out
