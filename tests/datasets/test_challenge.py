"""The files of the challenge of 2016."""

from pathlib import Path

import pytest

from scgm.datasets import Reference, read_dataset
from scgm.errors import DataSetError
from tests.helpers.dataset_files import broken_link, put


def test_images_get_their_masks_levels_and_site(tmp_path: Path) -> None:
    masks = [f"site1-sc01-mask-r{rater}.nii.gz" for rater in (1, 2, 3, 4)]
    root = put(tmp_path / "set", "site1-sc01-image.nii.gz", "site1-sc01-levels.txt", *masks)

    dataset = read_dataset(root)

    (case,) = dataset.cases
    assert (dataset.kind, dataset.name, dataset.warnings) == ("challenge", "set", ())
    assert (case.name, case.subject, case.site) == ("site1-sc01", "site1-sc01", "site1")
    assert case.image == root / "site1-sc01-image.nii.gz"
    assert case.levels == root / "site1-sc01-levels.txt"
    assert case.raters == ("r1", "r2", "r3", "r4")
    file = root / "site1-sc01-mask-r2.nii.gz"
    assert case.references["r2"] == Reference(gm=file, wm=file, gm_value=1, wm_value=2)


def test_training_and_test_folders_are_one_set(tmp_path: Path) -> None:
    put(tmp_path, "train/site1-sc01-image.nii.gz", "train/site1-sc01-mask-r1.nii.gz")
    put(tmp_path, "test/site1-sc11-image.nii", "test/site4-sc11-image.nii.gz")

    dataset = read_dataset(tmp_path)

    assert [case.name for case in dataset.cases] == ["site1-sc01", "site1-sc11", "site4-sc11"]
    assert [case.name for case in dataset.labeled] == ["site1-sc01"]
    assert dataset.cases[1].references == {}
    assert dataset.cases[1].levels is None
    assert dataset.cases[2].site == "site4"


def test_masks_without_an_image_are_a_warning(tmp_path: Path) -> None:
    put(tmp_path, "site1-sc01-image.nii.gz", "site1-sc02-mask-r1.nii.gz")

    assert read_dataset(tmp_path).warnings == ("masks without an image are not used: site1-sc02",)


def test_content_that_was_not_fetched_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "site1-sc01-image.nii.gz")
    broken_link(tmp_path / "site1-sc01-mask-r1.nii.gz")
    broken_link(tmp_path / "site1-sc02-image.nii.gz")

    dataset = read_dataset(tmp_path)

    assert [case.name for case in dataset.cases] == ["site1-sc01"]
    assert dataset.labeled == ()
    (warning,) = dataset.warnings
    assert "site1-sc01-mask-r1.nii.gz, site1-sc02-image.nii.gz: content not present" in warning


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "a/site1-sc01-image.nii.gz", "b/site1-sc01-image.nii.gz")

    with pytest.raises(DataSetError, match="keep one of the two"):
        read_dataset(tmp_path)
