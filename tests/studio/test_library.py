"""The images of a folder."""

from pathlib import Path

import pytest

from scgm.studio.library import Library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "sub-01" / "anat").mkdir(parents=True)
    (root / "sub-01" / "anat" / "a.nii.gz").write_bytes(b"1")
    (root / "b.nii").write_bytes(b"22")
    (root / "notes.txt").write_bytes(b"3")
    (root / ".hidden.nii").write_bytes(b"4")
    (root / ".git").mkdir()
    (root / ".git" / "c.nii").write_bytes(b"5")
    return root


def test_images_are_found_by_name(folder: Path) -> None:
    found = Library(folder).files()

    assert [(each.name, each.size) for each in found] == [("b.nii", 2), ("sub-01/anat/a.nii.gz", 1)]


def test_a_link_that_leads_out_is_left_out(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.nii"
    secret.write_bytes(b"secret")
    (folder / "link.nii").symlink_to(secret)
    (folder / "elsewhere").symlink_to(tmp_path)

    assert {each.name for each in Library(folder).files()} == {"b.nii", "sub-01/anat/a.nii.gz"}


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "again.nii").symlink_to(folder / "b.nii")

    assert "again.nii" in {each.name for each in Library(folder).files()}


def test_a_linked_image_keeps_its_own_name(folder: Path) -> None:
    (folder / ".git" / "MD5E-s1--abc.nii.gz").write_bytes(b"annexed")
    link = folder / "sub-01" / "anat" / "linked.nii.gz"
    link.symlink_to(folder / ".git" / "MD5E-s1--abc.nii.gz")

    (found,) = (each for each in Library(folder).files() if each.name.endswith("linked.nii.gz"))
    (single,) = Library(link).files()

    assert (found.path, found.size) == (link, 7)
    assert (single.path, single.size) == (link, 7)


def test_a_link_that_is_turned_away_later_is_not_found_any_more(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.nii").write_bytes(b"secret")
    link = folder / "again.nii"
    link.symlink_to(folder / "b.nii")
    library = Library(folder)
    (found,) = (each for each in library.files() if each.name == "again.nii")

    link.unlink()
    link.symlink_to(tmp_path / "secret.nii")

    assert library.find(found.id) is None


def test_a_file_is_found_by_its_number_alone(folder: Path) -> None:
    library = Library(folder)
    first = library.files()[0]

    assert library.find(first.id) == first
    for text in ("b.nii", "../secret.nii", "", "0" * 16):
        assert library.find(text) is None


def test_a_file_that_is_gone_is_not_found(folder: Path) -> None:
    library = Library(folder)
    first = library.files()[0]
    first.path.unlink()

    assert library.find(first.id) is None


def test_a_single_file_is_all_there_is(folder: Path) -> None:
    library = Library(folder / "b.nii")

    assert [each.name for each in library.files()] == ["b.nii"]
    assert library.folder is None


def test_without_a_folder_there_is_nothing() -> None:
    assert Library().files() == []


def test_a_folder_of_dicom_files_is_one_image_and_one_with_links_none(
    folder: Path, tmp_path: Path
) -> None:
    for name in ("series", "linked"):
        (folder / name).mkdir()
        (folder / name / "1.dcm").write_bytes(b"123")
        (folder / name / "2.DCM").write_bytes(b"45")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "linked" / "3.dcm").symlink_to(tmp_path / "secret")
    library = Library(folder)

    (series,) = (file for file in library.files() if file.name.endswith("/"))

    assert (series.name, series.path, series.size) == ("series/", folder / "series", 5)
    assert library.find(series.id) == series
