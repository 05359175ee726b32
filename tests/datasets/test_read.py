"""Which reader fits, and what is refused."""

from pathlib import Path

import pytest

from scgm.datasets import read_dataset
from scgm.errors import DataSetError
from tests.helpers.dataset_files import put

BIDS = "sub-01/anat/sub-01_T2w.nii.gz"
CHALLENGE = "site1-sc01-image.nii.gz"


@pytest.mark.parametrize(("file", "kind"), [(BIDS, "bids"), (CHALLENGE, "challenge")])
def test_the_layout_is_found_from_the_files(tmp_path: Path, file: str, kind: str) -> None:
    assert read_dataset(put(tmp_path, file)).kind == kind
    assert read_dataset(str(tmp_path), kind=kind).kind == kind


def test_an_unknown_layout_is_refused_with_the_three_that_are_known(tmp_path: Path) -> None:
    put(tmp_path, "t2s/t2s.nii.gz", "t2s/t2s_gmseg.nii.gz")

    with pytest.raises(DataSetError, match=r"SCGM challenge.*BIDS.*table") as caught:
        read_dataset(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: ")
    assert "\n" not in str(caught.value)


def test_a_folder_of_two_layouts_needs_a_choice(tmp_path: Path) -> None:
    put(tmp_path, BIDS, CHALLENGE)

    with pytest.raises(DataSetError, match="two layouts"):
        read_dataset(tmp_path)
    assert read_dataset(tmp_path, kind="bids").cases[0].name == "sub-01_T2w"


@pytest.mark.parametrize(
    ("path", "kind", "reason"),
    [
        ("nowhere", None, "there is no such folder or file"),
        ("a.nii.gz", None, "not a data set in a known layout"),
        ("a.nii.gz", "bids", "the layout 'bids' is a folder"),
        (".", "table", "the layout 'table' is a .csv or .tsv file"),
        (".", "dicom", "no layout 'dicom'; known: challenge, bids, table"),
        (".", "challenge", "it holds no image"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    tmp_path: Path, path: str, kind: str | None, reason: str
) -> None:
    put(tmp_path, "a.nii.gz")

    with pytest.raises(DataSetError, match=reason) as caught:
        read_dataset(tmp_path / path, kind=kind)
    assert "\n" not in str(caught.value)


def test_equal_images_of_one_set_are_a_warning(tmp_path: Path) -> None:
    put(tmp_path, *(f"sub-0{n}/anat/sub-0{n}_T2w.nii.gz" for n in (1, 2, 3, 4)))
    for n, content in enumerate((b"aaaa", b"bbb", b"aaaa", b"ccc"), start=1):
        (tmp_path / f"sub-0{n}/anat/sub-0{n}_T2w.nii.gz").write_bytes(content)

    (warning,) = read_dataset(tmp_path).warnings

    assert warning.startswith("sub-01_T2w and sub-03_T2w are one image")
