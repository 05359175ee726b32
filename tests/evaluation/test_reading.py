"""Files onto one grid: other grids, labels, probabilities."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError
from scgm.evaluation import EvaluateOptions, evaluate
from scgm.evaluation.reading import resampled
from scgm.image.volume import Geometry, Volume
from tests.helpers.box_masks import AFFINE, box, dice_of, save


@pytest.mark.parametrize("axes", ["RAS", "LPI", "ASR", "SRP", "PIL"])
def test_scores_do_not_depend_on_how_a_file_is_stored(tmp_path: Path, axes: str) -> None:
    found, true = box(12), box(10)
    found[14:16, 25:30, 0] = 1
    straight = evaluate(save(tmp_path / "a.nii", found), [save(tmp_path / "b.nii", true)])

    stored = evaluate(save(tmp_path / "c.nii", found, axes), [save(tmp_path / "d.nii", true, axes)])

    assert stored.comparisons[0].scores.values == pytest.approx(
        straight.comparisons[0].scores.values
    )


@pytest.mark.parametrize(
    ("voxels", "shift_mm", "message"),
    [(box(10, slices=4), 0, r"\(30, 40, 4\)"), (box(10), 0.5, "up to 0.5 mm")],
)
def test_other_grids_are_refused_and_the_way_out_is_named(
    tmp_path: Path, voxels: NDArray[Any], shift_mm: float, message: str
) -> None:
    true = save(tmp_path / "true.nii", box(10))
    found = save(tmp_path / "found.nii", voxels, shift_mm=shift_mm)

    with pytest.raises(GeometryError, match=rf"found.nii: .*{message}.*--resample"):
        evaluate(found, [true])


@pytest.mark.parametrize("axes", ["LPI", "ASR", "SRP"])
def test_the_same_voxels_in_another_order_are_compared_without_resampling(
    tmp_path: Path, axes: str
) -> None:
    true = save(tmp_path / "true.nii", box(10))
    found = save(tmp_path / "found.nii", box(12), axes)

    result = evaluate(found, [true])

    assert dice_of(result) == [0.75]
    (note,) = result.warnings
    assert note.startswith(f"{found}: its axes were brought into the order of those of {true}")


def test_a_header_that_was_rounded_is_the_same_grid_with_a_note(tmp_path: Path) -> None:
    """The smallest edge is 0.25 mm, of which a quarter may be rounding: 0.05 mm is taken."""
    true = save(tmp_path / "true.nii", box(10))
    found = save(tmp_path / "found.nii", box(10), shift_mm=0.05)

    result = evaluate(found, [true])

    assert dice_of(result) == [1]
    (note,) = result.warnings
    assert f"up to 0.05 mm from those of {true}; they were taken as the same" in note


def test_sizes_that_disagree_are_a_warning_in_the_result(tmp_path: Path) -> None:
    """The sform says 0.5 mm along i, the qform 1 mm."""
    true = save(tmp_path / "true.nii", box(10))
    image = nib.load(true)
    image.set_sform(AFFINE, 1)
    image.set_qform(np.diag([1, 0.25, 5, 1]), 1)
    image.to_filename(tmp_path / "odd.nii")

    result = evaluate(tmp_path / "odd.nii", [tmp_path / "odd.nii"])

    assert any("odd.nii" in warning and "size" in warning for warning in result.warnings)


@pytest.mark.parametrize("axes", ["RAS", "LPI", "ASR"])
def test_a_mask_on_another_grid_is_brought_to_that_of_the_reference(
    tmp_path: Path, axes: str
) -> None:
    """Shifted by two voxels of 0.5 mm, and two voxels further in the array: the same place."""
    true = save(tmp_path / "true.nii", box(10))
    found = save(tmp_path / "found.nii", box(12), axes, shift_mm=-1)

    result = evaluate(found, [true], EvaluateOptions(resample=True))

    assert dice_of(result) == [1]
    assert result.warnings == (f"{found}: resampled to the grid of {true} (nearest)",)


def test_probabilities_are_interpolated_and_labels_are_not() -> None:
    """Half a voxel further, a ramp is halfway; a label is one of those that are there."""
    grid = Geometry((4, 2, 1), np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 0.4
    ramp = np.arange(4, dtype=np.float32).reshape(4, 1, 1).repeat(2, 1)

    soft, linear = resampled(Volume(ramp / np.float32(4), grid), Geometry((4, 2, 1), moved))
    hard, nearest = resampled(Volume(ramp, grid), Geometry((4, 2, 1), moved))

    assert (linear, nearest) == ("linear", "nearest")
    assert soft[:, 0, 0] == pytest.approx([0.1, 0.35, 0.6, 0.75])
    assert hard[:, 0, 0].tolist() == [0, 1, 2, 3]


def test_what_a_volume_does_not_show_is_nothing() -> None:
    grid = Geometry((3, 3, 1), np.eye(4))
    moved = np.eye(4)
    moved[:3, 3] = (2, 0, 0)

    values, _ = resampled(Volume(np.ones((3, 3, 1), np.float32), grid), Geometry((3, 3, 1), moved))

    assert values[:, 1, 0].tolist() == [1, 0, 0]


def test_a_volume_reaches_half_a_voxel_beyond_the_centers_of_its_last_voxels() -> None:
    """Three voxels of 1 mm reach from -0.5 to 2.5 mm: six of the ten places half a mm apart."""
    coarse = Volume(np.ones((3, 1, 1), np.float32), Geometry((3, 1, 1), np.eye(4)))
    fine = np.diag([0.5, 1, 1, 1])
    fine[0, 3] = -1.25

    hard, _ = resampled(coarse, Geometry((10, 1, 1), fine))

    assert hard[:, 0, 0].tolist() == [0, 0, 1, 1, 1, 1, 1, 1, 0, 0]


def test_a_probability_map_is_cut_and_adds_scores_of_calibration(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10))
    found = save(tmp_path / "found.nii", box(10, 0.75))

    at_half = evaluate(found, [true]).comparisons[0].scores
    at_eighty = evaluate(found, [true], EvaluateOptions(threshold=0.8)).comparisons[0].scores

    assert at_half.values["dice"] == 1
    # Within 3 mm, 6 or 12 pixels: 8 x 10, 24 x 8 and 12 x 10 beside it, 46 in each corner.
    assert at_half.values["brier"] == pytest.approx(0.25**2 * 80 / (80 + 192 + 120 + 4 * 46))
    assert at_eighty.missed


def test_a_reference_of_probabilities_is_cut_and_that_is_said(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10, 0.75))

    result = evaluate(save(tmp_path / "found.nii", box(10)), [true])

    assert dice_of(result) == [1]
    assert result.warnings == (f"{true}: probabilities, cut at 0.5 to compare with",)


def test_one_of_several_labels_must_be_chosen(tmp_path: Path) -> None:
    """Label 1 is the box, 2 lies around it, as in the SCGM challenge."""
    both = np.maximum(box(10), np.where(box(12), 2 * (1 - box(10)), 0))
    true, found = save(tmp_path / "true.nii", both), save(tmp_path / "found.nii", box(10))

    with pytest.raises(ImageReadError, match="labels 1, 2; choose one with --label"):
        evaluate(found, [true])

    assert dice_of(evaluate(found, [true], EvaluateOptions(label=1))) == [1]


def test_a_mask_of_255_is_a_mask(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10, 255).astype(np.uint8))

    assert dice_of(evaluate(true, [true])) == [1]


def test_a_single_label_is_taken_for_another_one_only_with_a_word(tmp_path: Path) -> None:
    one, seven = save(tmp_path / "1.nii", box(10)), save(tmp_path / "7.nii", box(10, 7))

    assert "was taken for 2" in evaluate(one, [one], EvaluateOptions(label=2)).warnings[0]
    with pytest.raises(ImageReadError, match="labels 7; choose"):
        evaluate(seven, [seven], EvaluateOptions(label=2))


def test_an_image_is_not_taken_for_a_mask(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10))
    image = save(tmp_path / "scan.nii", box(10, 317.25))

    with pytest.raises(ImageReadError, match=r"scan.nii: its values from 0 to 317\.2"):
        evaluate(image, [true])


@pytest.mark.parametrize("value", [0, 1])
def test_a_mask_of_nothing_or_of_everything_is_a_mask(tmp_path: Path, value: int) -> None:
    true = save(tmp_path / "true.nii", box(10))
    found = save(tmp_path / "found.nii", np.full((30, 40, 3), value, np.uint8))

    scores = evaluate(found, [true]).comparisons[0].scores

    assert scores.missed == (value == 0)
    assert scores.values["sensitivity"] == value
    assert evaluate(true, [found]).comparisons[0].scores.values["precision"] == value
