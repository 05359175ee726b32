"""Files against files: boxes whose scores are known."""

import math
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from scgm.errors import DataSetError, UsageError
from scgm.evaluation import EvaluateOptions, evaluate
from tests.helpers.box_masks import box, dice_of, save


def test_a_prediction_is_compared_with_its_reference(tmp_path: Path) -> None:
    """Boxes of 8 voxels, 2 of them apart by 0.5 mm each."""
    found, true = save(tmp_path / "a.nii.gz", box(12)), save(tmp_path / "b.nii.gz", box(10))

    result = evaluate(found, [true])

    (each,) = result.comparisons
    assert (each.prediction, each.reference) == (str(found), str(true))
    assert each.scores.values["dice"] == 0.75
    assert each.scores.values["hausdorff_mm"] == pytest.approx(1)
    assert each.scores.values["area_error_mm2"] == 0
    assert each.scores.n_slices == 3
    assert not result.between_raters
    assert not result.warnings


def test_a_single_reference_needs_no_list(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", box(10))

    assert evaluate(path, str(path)).comparisons[0].scores.values["dice"] == 1


def test_areas_are_those_of_the_pixels_of_a_sheared_grid(tmp_path: Path) -> None:
    """Columns (0.5, 0) and (0.25, 0.5) span 0.25 mm2; 8 * 2 pixels more were found."""
    affine = np.diag([0.5, 0.5, 5.0, 1.0])
    affine[0, 1] = 0.25
    true, found = box(10), box(10)
    found[10:18, 25:27] = 1
    for name, voxels in (("true", true), ("found", found)):
        nib.Nifti1Image(voxels, affine).to_filename(tmp_path / f"{name}.nii")

    result = evaluate(tmp_path / "found.nii", [tmp_path / "true.nii"])

    assert result.comparisons[0].scores.values["area_error_mm2"] == pytest.approx(16 * 0.25)


def test_a_rater_counts_once_however_the_file_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = save(tmp_path / "a.nii", box(10))
    (tmp_path / "link.nii").symlink_to(true)
    monkeypatch.chdir(tmp_path)

    for other in ("a.nii", "./a.nii", "link.nii"):
        with pytest.raises(UsageError, match="twice"):
            evaluate(true, [true, other])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance_mm": math.inf}, "distance in mm"),
        ({"tolerance_mm": math.nan}, "distance in mm"),
        ({"tolerance_mm": -1.0}, "distance in mm"),
        ({"threshold": 1.5}, "probability from 0 to 1"),
        ({"threshold": math.nan}, "probability from 0 to 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        EvaluateOptions(**options)  # type: ignore[arg-type]


def test_a_map_and_a_cord_can_be_given_beside_a_mask(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10))
    soft = save(tmp_path / "soft.nii", box(10, 0.5))

    options = EvaluateOptions(soft=soft, cord=true)
    values = evaluate(true, [true], options).comparisons[0].scores.values

    assert values["brier"] == pytest.approx(0.25 * 80 / (80 + 2 * 2 * 18 + 4))


def test_raters_are_compared_each_alone_and_with_each_other(tmp_path: Path) -> None:
    found = save(tmp_path / "found.nii", box(10))
    raters = [save(tmp_path / f"r{first}.nii", box(first)) for first in (10, 12)]

    result = evaluate(found, raters)

    assert dice_of(result) == [1, 0.75]
    assert [(each.prediction, each.reference) for each in result.between_raters] == [
        (str(raters[0]), str(raters[1])),
        (str(raters[1]), str(raters[0])),
    ]


@pytest.mark.parametrize(("consensus", "expected"), [("majority", 12 / 16), ("lenient", 1)])
def test_raters_can_be_made_one_reference(tmp_path: Path, consensus: Any, expected: float) -> None:
    """Boxes from 10, 10, 12, 12: of 10 marked columns half of the raters marked 4, all 6."""
    found = save(tmp_path / "found.nii", np.maximum(box(10), box(12)))
    raters = [save(tmp_path / f"r{n}.nii", box(10 + n // 2 * 2)) for n in range(4)]

    result = evaluate(found, raters, EvaluateOptions(consensus=consensus))

    assert dice_of(result) == [pytest.approx(expected)]
    assert result.comparisons[0].reference == f"{consensus} of 4"
    assert result.tie_share == pytest.approx(4 / 10)


def test_raters_can_be_weighed_by_staple(tmp_path: Path) -> None:
    """Three raters agree, and one is off: the three are right."""
    found = save(tmp_path / "found.nii", box(10))
    raters = [save(tmp_path / f"r{n}.nii", box(12 if n == 3 else 10)) for n in range(4)]

    result = evaluate(found, raters, EvaluateOptions(consensus="staple"))

    assert dice_of(result) == [1]
    assert result.tie_share is None


def test_a_rater_counts_once(tmp_path: Path) -> None:
    true = save(tmp_path / "a.nii", box(10))

    with pytest.raises(UsageError, match="twice"):
        evaluate(true, [true, true])


def test_without_a_reference_there_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one"):
        evaluate(save(tmp_path / "a.nii", box(10)), [])


def measurements(path: Path, *statuses: str) -> Path:
    words = {"GM": statuses, "SC": ["not found by this method"] * len(statuses)}
    rows = [f"{z},{label},{words[label][z]}" for z in range(len(statuses)) for label in words]
    path.write_text("\n".join(["slice_is,label,status", *rows]) + "\n", encoding="utf-8")
    return path


def test_measurements_split_the_slices_outside_the_reference(tmp_path: Path) -> None:
    """The reference has slice 0; found are all three, and the last is flagged."""
    drawn = box(10)
    drawn[..., 1:] = 0
    true, found = save(tmp_path / "true.nii", drawn), save(tmp_path / "found.nii", box(10))
    table = measurements(tmp_path / "m.csv", "ok", "confidence not available", "low confidence")

    scores = evaluate(found, [true], EvaluateOptions(measurements=table)).comparisons[0].scores

    assert (scores.n_outside, scores.n_false) == (2, 2)
    assert (scores.n_false_ok, scores.n_false_flagged) == (1, 1)
    assert scores.values["dice"] == 1
    assert scores.values["dice_3d"] == 0.5


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "slice_is,status\nx,ok\n", "x" * 200_000])
def test_a_table_that_is_not_of_measurements_is_refused(tmp_path: Path, text: str) -> None:
    true = save(tmp_path / "true.nii", box(10))
    table = tmp_path / "m.csv"
    table.write_text(text, encoding="utf-8")

    with pytest.raises(DataSetError, match=r"m\.csv: it "):
        evaluate(true, [true], EvaluateOptions(measurements=table))


def test_measurements_of_another_image_are_refused(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10))
    table = measurements(tmp_path / "m.csv", "ok", "ok")

    with pytest.raises(DataSetError, match="of 2 slices, and the reference has 3"):
        evaluate(true, [true], EvaluateOptions(measurements=table))
