"""What raters drew, on the pixels of an image."""

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.datasets import DataCase, Reference, reference_masks
from scgm.datasets.case import one_spelling, site_key
from scgm.errors import DataSetError, GeometryError, ImageReadError
from scgm.image.orientation import AxialStack, to_axial
from scgm.io.read import read_volume
from tests.helpers.standin import turned

# Gray matter 1, white matter 2; nothing is symmetric, so a flip or a transposition is seen.
LABELS = np.zeros((6, 7, 4), np.uint8)
LABELS[1:5, 2:6, :3] = 2
LABELS[2:4, 3, :2] = 1


def write(path: Path, values: NDArray[np.uint8], axes: str = "RAS") -> Path:
    turned(nib.Nifti1Image(values, np.diag([0.5, 0.5, 5, 1])), axes).to_filename(path)
    return path


def case(folder: Path, references: Mapping[str, Reference]) -> tuple[DataCase, AxialStack]:
    """Return a case in *folder*, and its image with another value in every voxel."""
    voxels = np.arange(1, 1 + LABELS.size, dtype=np.uint8).reshape(LABELS.shape)
    image = write(folder / "image.nii.gz", voxels)
    return DataCase("a", image, None, "a", references), to_axial(read_volume(image))


def zyx(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return an RAS mask as (Z, Y, X), by the definition of a stack."""
    return mask.transpose(2, 1, 0)


def test_one_file_with_two_values_gives_gray_matter_and_cord(tmp_path: Path) -> None:
    file = write(tmp_path / "labels.nii.gz", LABELS)
    one, stack = case(tmp_path, {"r1": Reference(gm=file, wm=file, gm_value=1, wm_value=2)})

    gm, cord = reference_masks(one, "r1", stack)

    assert np.array_equal(gm, zyx(LABELS == 1))
    assert cord is not None
    assert np.array_equal(cord, zyx(LABELS > 0))


def test_several_labels_without_a_named_one_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "labels.nii.gz", LABELS)
    one, stack = case(tmp_path, {"r1": Reference(gm=file)})

    with pytest.raises(
        ImageReadError, match=r"labels\.nii\.gz: it holds the labels 1, 2; .*gm_value"
    ):
        reference_masks(one, "r1", stack)


def test_a_label_that_a_file_does_not_hold_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "labels.nii.gz", LABELS)
    one, stack = case(tmp_path, {"r1": Reference(gm=file, gm_value=3)})

    with pytest.raises(ImageReadError, match="no voxel of it has the label 3, and it holds 1, 2"):
        reference_masks(one, "r1", stack)


def test_the_label_of_the_cord_counts_in_its_file(tmp_path: Path) -> None:
    file = write(tmp_path / "labels.nii.gz", LABELS)
    named = Reference(gm=file, gm_value=1, cord=file, cord_value=2)
    one, stack = case(tmp_path, {"r1": named})

    _, cord = reference_masks(one, "r1", stack)

    assert cord is not None
    assert np.array_equal(cord, zyx(LABELS == 2))


def test_a_mask_of_0_and_255_is_a_mask(tmp_path: Path) -> None:
    file = write(tmp_path / "gm.nii.gz", np.where(LABELS == 1, 255, 0).astype(np.uint8))
    one, stack = case(tmp_path, {"r1": Reference(gm=file)})

    gm, _ = reference_masks(one, "r1", stack)

    assert np.array_equal(gm, zyx(LABELS == 1))


def test_a_mask_counts_from_one_half_on(tmp_path: Path) -> None:
    soft = np.where(LABELS == 1, 0.5, 0.49).astype(np.float32)
    file = tmp_path / "soft.nii.gz"
    nib.Nifti1Image(soft, np.diag([0.5, 0.5, 5, 1])).to_filename(file)
    one, stack = case(tmp_path, {"r1": Reference(gm=file)})

    gm, cord = reference_masks(one, "r1", stack)

    assert np.array_equal(gm, zyx(LABELS == 1))
    assert cord is None


def test_a_cord_that_was_drawn_is_taken_as_it_is(tmp_path: Path) -> None:
    gm_file = write(tmp_path / "gm.nii.gz", (LABELS == 1).astype(np.uint8))
    wm_file = write(tmp_path / "wm.nii.gz", (LABELS == 2).astype(np.uint8))
    cord_only = np.zeros_like(LABELS)
    cord_only[0, 0, 0] = 1
    cord_file = write(tmp_path / "cord.nii.gz", cord_only)
    one, stack = case(
        tmp_path,
        {
            "both": Reference(gm=gm_file, wm=wm_file, cord=cord_file),
            "white": Reference(gm=gm_file, wm=wm_file),
        },
    )

    _, drawn = reference_masks(one, "both", stack)
    _, joined = reference_masks(one, "white", stack)

    assert drawn is not None
    assert joined is not None
    assert np.array_equal(drawn, zyx(cord_only > 0))
    assert np.array_equal(joined, zyx(LABELS > 0))


def test_an_empty_mask_is_a_label(tmp_path: Path) -> None:
    file = write(tmp_path / "empty.nii.gz", np.zeros_like(LABELS))
    one, stack = case(tmp_path, {"r1": Reference(gm=file)})

    gm, _ = reference_masks(one, "r1", stack)

    assert gm.shape == stack.slices.shape
    assert not gm.any()


def test_labels_lie_where_the_image_lies_in_every_orientation(tmp_path: Path) -> None:
    voxels = np.arange(1, 1 + LABELS.size, dtype=np.uint8).reshape(LABELS.shape)
    for axes in ("RAS", "LPI", "PIR", "SLA"):
        image = write(tmp_path / f"{axes}.nii.gz", voxels, axes)
        file = write(tmp_path / f"{axes}-gm.nii.gz", (LABELS == 1).astype(np.uint8), axes)
        one = DataCase("a", image, None, "a", {"r1": Reference(gm=file)})
        stack = to_axial(read_volume(image))

        gm, _ = reference_masks(one, "r1", stack)

        assert set(stack.slices[gm]) == set(voxels[LABELS == 1])


def test_labels_on_another_grid_are_refused_by_name(tmp_path: Path) -> None:
    file = write(tmp_path / "short.nii.gz", LABELS[:, :, :3])
    one, stack = case(tmp_path, {"r1": Reference(gm=file)})

    with pytest.raises(GeometryError, match=r"short\.nii\.gz: its grid has the shape"):
        reference_masks(one, "r1", stack)


@pytest.mark.parametrize("rater", ["nobody", "cordist"])
def test_a_rater_without_gray_matter_is_refused(tmp_path: Path, rater: str) -> None:
    file = write(tmp_path / "labels.nii.gz", LABELS)
    one, stack = case(tmp_path, {"cordist": Reference(cord=file), "r1": Reference(gm=file)})

    with pytest.raises(DataSetError, match=r"image\.nii\.gz: .* drawn by '.*'; .*: r1$"):
        reference_masks(one, rater, stack)
    assert one.raters == ("r1",)


def test_the_files_of_a_reference_are_named_once() -> None:
    file = Path("labels.nii.gz")

    assert Reference(gm=file, wm=file, gm_value=1, wm_value=2).files == (file,)
    assert Reference().files == ()


@pytest.mark.parametrize("spelling", ["CEITEC", "ceitec", " Ceitec ", "\uff23eitec"])
def test_spellings_of_a_site_are_one_site(spelling: str) -> None:
    assert site_key(spelling) == "ceitec"


def test_all_images_of_a_site_have_its_first_spelling(tmp_path: Path) -> None:
    cases = [
        DataCase(str(number), tmp_path / "image.nii.gz", site, "a", {})
        for number, site in enumerate(("CEITEC", "ceitec", None, "ucl"))
    ]

    same, remarks = one_spelling(cases)

    assert [each.site for each in same] == ["CEITEC", "CEITEC", None, "ucl"]
    assert remarks == ("the sites 'CEITEC' and 'ceitec' are taken as one",)


def test_sites_of_different_letters_or_of_signs_alone_are_different() -> None:
    names = ("ucl", "ucla", "site-1", "site-2", "#", "##", "\u5927\u962a", "\u6771\u4eac")

    assert len({site_key(name) for name in names}) == len(names)
