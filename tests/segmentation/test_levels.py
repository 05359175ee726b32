"""Vertebral levels that a user gives, on their way to the method that uses them."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scgm.errors import ImageReadError, UsageError
from scgm.image.orientation import to_axial
from scgm.image.volume import Geometry, Volume
from scgm.segmentation.levels import given_levels
from scgm.segmentation.options import SegmentOptions, recorded
from scgm.segmentation.pipeline import segment
from scgm.segmenters.base import CordHint, Probabilities
from scgm.segmenters.registry import methods
from tests.helpers.standin import cord_voxels, scan
from tests.segmentation.test_pipeline import Fixed, probabilities


def levels_file(folder: Path, text: str = "0 C5\n1 C4\n2 C4\n4 C2\n") -> Path:
    path = folder / "levels.txt"
    path.write_text(text)
    return path


def method(name: str = "sct") -> Fixed:
    def answer(stack: object) -> Probabilities:
        return probabilities(stack, gm=0.9, cord=0.9, presence=1)  # type: ignore[arg-type]

    return Fixed(answer, method_name=name)


def hint_of(segmenter: Fixed) -> CordHint:
    hint = segmenter.hints[-1]
    assert hint is not None
    return hint


def test_the_method_gets_the_number_of_each_level_and_none_where_it_is_unknown(
    tmp_path: Path,
) -> None:
    segmenter = method()

    segment(scan(cord_voxels()), segmenter=segmenter, levels_from=levels_file(tmp_path))

    np.testing.assert_array_equal(hint_of(segmenter).levels, [5, 4, 4, np.nan, 2])


def test_levels_follow_the_slices_of_an_image_that_is_upside_down(tmp_path: Path) -> None:
    upside_down = scan(cord_voxels(), np.diag([0.5, 0.5, -5, 1]))
    segmenter = method()

    levels = levels_file(tmp_path, "0 C2\n2 C4\n3 C4\n4 C5\n")
    segment(upside_down, segmenter=segmenter, levels_from=levels)

    np.testing.assert_array_equal(hint_of(segmenter).levels, [5, 4, 4, np.nan, 2])


def test_labels_anywhere_in_a_slice_tell_its_level(tmp_path: Path) -> None:
    """The cord is not known yet: of a slice with two levels the one with more voxels counts."""
    labels = np.zeros((60, 50, 5), np.uint8)
    labels[2, :, 0] = 6
    labels[2, :, 1], labels[3:6, :, 1] = 6, 5
    segmenter = method()

    nib.save(scan(labels), tmp_path / "levels.nii.gz")
    result = segment(
        scan(cord_voxels()), segmenter=segmenter, levels_from=tmp_path / "levels.nii.gz"
    )

    np.testing.assert_array_equal(hint_of(segmenter).levels, [6, 5, np.nan, np.nan, np.nan])
    assert any("taken as vertebral levels" in line for line in result.provenance.warnings)


def test_without_levels_the_method_gets_none_and_the_record_is_as_before() -> None:
    segmenter = method()

    segment(scan(cord_voxels()), segmenter=segmenter)

    assert hint_of(segmenter).levels is None
    assert not {name for name in recorded(SegmentOptions()) if name.startswith("level")}


def test_the_record_tells_levels_apart_that_lie_in_one_file(tmp_path: Path) -> None:
    path = levels_file(tmp_path)
    first = recorded(SegmentOptions(method="sct", levels_from=path))
    levels_file(tmp_path, "0 C3\n")
    second = recorded(SegmentOptions(method="sct", levels_from=path))

    assert first["levels_from"] == second["levels_from"] == str(path)
    assert first["levels_sha256"] != second["levels_sha256"]
    assert recorded(SegmentOptions(level_at=(2, "C3")))["level_at"] == [2, "C3"]


@pytest.mark.parametrize("name", [name for name in methods() if name != "sct"])
def test_a_method_that_uses_no_levels_refuses_them(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"method {name} uses no levels.*sct"):
        segment(scan(cord_voxels()), segmenter=method(name), levels_from=levels_file(tmp_path))


def test_spinal_levels_are_no_vertebral_ones(tmp_path: Path) -> None:
    options = SegmentOptions(levels_from=levels_file(tmp_path), level_kind="spinal")
    volume = Volume(cord_voxels(), Geometry((60, 50, 5), np.diag([0.5, 0.5, 5, 1])))

    with pytest.raises(UsageError, match="vertebral levels, not spinal"):
        given_levels(to_axial(volume), options, "sct")


def test_one_slice_and_a_file_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        SegmentOptions(levels_from=levels_file(tmp_path), level_at=(1, "C3"))


def test_levels_of_slices_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="slice 9"):
        segment(
            scan(cord_voxels()), segmenter=method(), levels_from=levels_file(tmp_path, "9 C3\n")
        )
