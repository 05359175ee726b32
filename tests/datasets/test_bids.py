"""BIDS folders, with the names of labels that are in use."""

import os
import re
from pathlib import Path

import pytest

from scgm.datasets import Reference, read_dataset, reference_masks
from scgm.errors import DataSetError
from scgm.image.orientation import to_axial
from scgm.io.read import read_volume
from tests.helpers.dataset_files import broken_link, put

SCGM_DATA = Path(os.environ.get("SCGM_DATA", Path(__file__).parents[3] / "shared" / "data"))

IMAGE = "sub-01/anat/sub-01_T2starw.nii.gz"
LABELS = "derivatives/labels/sub-01/anat"


@pytest.mark.parametrize(
    ("ending", "tissue"),
    [
        ("label-GM_seg", "gm"),
        ("label-GM_mask", "gm"),
        ("label-WM_seg", "wm"),
        ("label-SC_seg", "cord"),
        ("gmseg-manual", "gm"),
        ("gmseg_manual", "gm"),
        ("gmseg", "gm"),
        ("gm_seg", "gm"),
        ("wmseg", "wm"),
        ("wm_seg", "wm"),
        ("seg-manual", "cord"),
        ("seg", "cord"),
        ("space-orig_label-GM_seg", "gm"),
    ],
)
def test_names_of_labels_say_the_tissue(tmp_path: Path, ending: str, tissue: str) -> None:
    name = f"{LABELS}/sub-01_T2starw_{ending}.nii.gz"

    dataset = read_dataset(put(tmp_path, IMAGE, name))

    (case,) = dataset.cases
    assert (dataset.kind, dataset.warnings) == ("bids", ())
    assert (case.name, case.subject, case.site) == ("sub-01_T2starw", "sub-01", None)
    # The only file; which tissue it is decides the field.
    assert case.references == {"labels": Reference(**{tissue: tmp_path / name})}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("files", "raters"),
    [
        (("labels/{}_T2starw_gmseg.nii.gz",), {"labels"}),
        (("labels_rater1/{}_T2starw_gmseg.nii.gz",), {"rater1"}),
        (
            ("labels_a/{}_T2starw_label-GM_seg.nii.gz", "labels_b/{}_T2starw_label-GM_seg.nii.gz"),
            {"a", "b"},
        ),
        (
            (
                "labels/{}_T2starw_desc-r1_label-GM_seg.nii.gz",
                "labels/{}_T2starw_label-GM_desc-r2_seg.nii.gz",
            ),
            {"r1", "r2"},
        ),
        (("labels/{}_T2starw_desc-r1_gmseg.nii.gz",), {"r1"}),
        (("group/manual/{}_T2starw_gmseg.nii.gz",), {"manual"}),
    ],
)
def test_the_rater_is_the_description_or_the_folder(
    tmp_path: Path, files: tuple[str, ...], raters: set[str]
) -> None:
    put(tmp_path, IMAGE)
    for file in files:
        folder, _, name = file.rpartition("/")
        put(tmp_path, f"derivatives/{folder}/sub-01/anat/{name.format('sub-01')}")

    (case,) = read_dataset(tmp_path).cases

    assert set(case.raters) == raters


def test_contrasts_acquisitions_and_sessions_are_cases_of_one_subject(tmp_path: Path) -> None:
    put(tmp_path, "sub-01/anat/sub-01_acq-MTon_MTS.nii.gz", "sub-01/anat/sub-01_UNIT1.nii")
    put(tmp_path, "sub-02/ses-1/anat/sub-02_ses-1_T1w.nii.gz", "sub-02/ses-1/dwi/sub-02_dwi.nii.gz")
    put(tmp_path, "derivatives/labels/sub-02/ses-1/anat/sub-02_ses-1_T1w_gmseg.nii.gz")

    dataset = read_dataset(tmp_path)

    assert {case.name: case.subject for case in dataset.cases} == {
        "sub-01_UNIT1": "sub-01",
        "sub-01_acq-MTon_MTS": "sub-01",
        "sub-02_ses-1_T1w": "sub-02",
    }
    assert [case.name for case in dataset.labeled] == ["sub-02_ses-1_T1w"]


def test_a_label_without_the_contrast_goes_to_the_only_image_it_fits(tmp_path: Path) -> None:
    strict = "derivatives/scgm/sub-0{}/anat/sub-0{}_space-orig_label-GM_desc-me_mask.nii.gz"
    put(tmp_path, IMAGE, strict.format(1, 1))
    put(tmp_path, "sub-02/anat/sub-02_T1w.nii", "sub-02/anat/sub-02_T2w.nii", strict.format(2, 2))

    dataset = read_dataset(tmp_path)

    assert [(case.name, case.raters) for case in dataset.labeled] == [("sub-01_T2starw", ("me",))]
    (warning,) = dataset.warnings
    assert "fits sub-02_T1w and sub-02_T2w" in warning


def test_the_label_of_a_run_is_not_that_of_another(tmp_path: Path) -> None:
    put(tmp_path, *(f"sub-01/anat/sub-01_run-{run}_T2starw.nii.gz" for run in (1, 2)))
    put(tmp_path, f"{LABELS}/sub-01_run-1_T2starw_gmseg-manual.nii.gz")

    dataset = read_dataset(tmp_path)

    assert [case.name for case in dataset.labeled] == ["sub-01_run-1_T2starw"]
    assert len(dataset.cases) == 2


@pytest.mark.parametrize(
    ("unused", "used"),
    [
        ("gmseg", "label-GM_seg"),
        ("gmseg-manual", "label-GM_mask"),
        ("gm_seg", "gmseg-manual"),
        ("gmseg", "gmseg_manual"),
    ],
)
def test_a_second_label_of_the_same_rater_is_a_warning(
    tmp_path: Path, unused: str, used: str
) -> None:
    """A name with label- comes before an older one, and of these one that says manual."""
    put(tmp_path, IMAGE)
    names = [f"{LABELS}/sub-01_T2starw_{end}.nii.gz" for end in (unused, used)]
    put(tmp_path, *names)

    dataset = read_dataset(tmp_path)

    assert dataset.cases[0].references["labels"].gm == tmp_path / names[1]
    (warning,) = dataset.warnings
    assert f"sub-01_T2starw_{unused}.nii.gz (used is sub-01_T2starw_{used}.nii.gz)" in warning


@pytest.mark.parametrize("column", ["Site", "site", "institution", "institution_id"])
def test_the_site_comes_from_the_participants(tmp_path: Path, column: str) -> None:
    put(tmp_path, IMAGE, *(f"sub-0{n}/anat/sub-0{n}_T2w.nii.gz" for n in (2, 3, 4)))
    (tmp_path / "participants.tsv").write_text(
        f"participant_id\tage\t{column}\nsub-01\t31\tUCL\n02\t40\tMilan\nsub-03\tn/a\tn/a\n",
        encoding="utf-8",
    )

    sites = {case.subject: case.site for case in read_dataset(tmp_path).cases}

    assert sites == {"sub-01": "UCL", "sub-02": "Milan", "sub-03": None, "sub-04": None}


def test_participants_with_a_cell_that_is_too_large_are_refused(tmp_path: Path) -> None:
    put(tmp_path, IMAGE)
    text = f"participant_id\tsite\nsub-01\t{'a' * 200_000}\n"
    (tmp_path / "participants.tsv").write_text(text, encoding="utf-8")

    with pytest.raises(DataSetError, match=r"participants\.tsv, line 2: this is no table"):
        read_dataset(tmp_path)


def test_sites_that_differ_by_letter_case_are_one_site(tmp_path: Path) -> None:
    put(tmp_path, *(f"sub-0{n}/anat/sub-0{n}_T2w.nii.gz" for n in (1, 2)))
    text = "participant_id\tsite\nsub-01\tCEITEC\nsub-02\tceitec\n"
    (tmp_path / "participants.tsv").write_text(text, encoding="utf-8")

    assert {case.site for case in read_dataset(tmp_path).cases} == {"CEITEC"}


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_participants_that_are_not_separated_by_tabs_are_said_to_give_no_site(
    tmp_path: Path, delimiter: str
) -> None:
    put(tmp_path, IMAGE)
    text = "participant_id\tsite\nsub-01\tUCL\n".replace("\t", delimiter)
    (tmp_path / "participants.tsv").write_text(text, encoding="utf-8")

    dataset = read_dataset(tmp_path)

    assert [case.site for case in dataset.cases] == [None]
    (said,) = dataset.warnings
    assert said.startswith("no site was read from participants.tsv: its first line has no tab")


def test_participants_with_one_column_are_nothing_odd(tmp_path: Path) -> None:
    put(tmp_path, IMAGE)
    (tmp_path / "participants.tsv").write_text("participant_id\nsub-01\n", encoding="utf-8")

    assert read_dataset(tmp_path).warnings == ()


def test_participants_without_a_name_are_refused(tmp_path: Path) -> None:
    put(tmp_path, IMAGE)
    (tmp_path / "participants.tsv").write_text("id\tsite\nsub-01\tUCL\n", encoding="utf-8")

    with pytest.raises(DataSetError, match=r"participants\.tsv: the column participant_id"):
        read_dataset(tmp_path)


def test_content_that_was_not_fetched_is_said(tmp_path: Path) -> None:
    put(tmp_path, IMAGE)
    broken_link(tmp_path / "sub-02/anat/sub-02_T2w.nii.gz")
    broken_link(tmp_path / LABELS / "sub-01_T2starw_gmseg.nii.gz")
    pointer = put(tmp_path, "sub-03/anat/sub-03_T2w.nii.gz") / "sub-03/anat/sub-03_T2w.nii.gz"
    pointer.write_text("/annex/objects/SHA256E-s1--abc.nii.gz\n", encoding="utf-8")

    dataset = read_dataset(tmp_path)

    assert [case.name for case in dataset.cases] == ["sub-01_T2starw"]
    assert dataset.labeled == ()
    images, labels = dataset.warnings
    assert "sub-02_T2w.nii.gz, sub-03_T2w.nii.gz: content not present" in images
    assert "sub-01_T2starw_gmseg.nii.gz: content not present" in labels


def test_a_set_of_which_nothing_was_fetched_says_so(tmp_path: Path) -> None:
    broken_link(tmp_path / IMAGE)

    with pytest.raises(DataSetError, match="content not present"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("file", "warning"),
    [
        ("derivatives/labels/sub-09/anat/sub-09_T2w_gmseg.nii.gz", "without an image.*sub-09_T2w"),
        (f"{LABELS}/sub-01_T2starw_label-GM_softseg.nii.gz", "not read as labels"),
        ("sub-01/anat/sub-01_T2starw_gmseg.nii.gz", "not read as images"),
        ("sub-01/anat/sub-01_T2starw.nii", "not read as images"),
    ],
)
def test_what_is_not_used_is_said(tmp_path: Path, file: str, warning: str) -> None:
    dataset = read_dataset(put(tmp_path, IMAGE, file))

    (case,) = dataset.cases
    assert case.references == {}
    (said,) = dataset.warnings
    assert Path(file).name.partition("_")[0] in said
    assert re.search(warning, said)


def test_other_derivatives_are_passed_over(tmp_path: Path) -> None:
    names = ("label-discs_dlabel", "label-GMX_seg", "centerline")
    put(tmp_path, IMAGE, *(f"{LABELS}/sub-01_T2starw_{name}.nii.gz" for name in names))
    put(tmp_path, f"{LABELS}/sub-01_T2starw_gmseg.json", "derivatives/qc/index.nii.gz")

    dataset = read_dataset(tmp_path)

    assert (dataset.cases[0].references, dataset.warnings) == ({}, ())


@pytest.mark.real
@pytest.mark.skipif(not SCGM_DATA.is_dir(), reason="real images are not here; set SCGM_DATA")
def test_the_gray_matter_challenge_data_is_read() -> None:
    dataset = read_dataset(SCGM_DATA / "gm-challenge")

    sites = {case.subject: case.site for case in dataset.cases}
    assert sites == {
        "sub-9418": "UCL",
        "sub-9669": "Juntendo",
        "sub-9709Ses1": "Milan",
        "sub-10062Ses1": "CEITEC",
    }
    assert len(dataset.cases) == 8
    assert {case.name.split("_")[1] for case in dataset.labeled} == {"run-1"}
    assert len(dataset.labeled) == 4
    (warning,) = dataset.warnings
    assert "sub-9605" in warning
    case = dataset.labeled[1]
    gm, cord = reference_masks(case, "labels", to_axial(read_volume(case.image)))
    assert cord is not None
    assert 0.05 < gm.sum() / cord.sum() < 0.3
    assert not (gm & ~cord).any()
