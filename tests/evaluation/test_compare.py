"""Files against files: grids, labels, probabilities, names; boxes whose scores are known."""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError, UsageError
from scgm.evaluation import (
    EvaluateOptions,
    Evaluation,
    as_json,
    as_table,
    evaluate,
    matched_files,
    resampled,
    summary_rows,
)
from scgm.evaluation.metrics import METRICS
from scgm.image.volume import Geometry, Volume
from tests.helpers.standin import turned

AFFINE = np.diag([0.5, 0.25, 5.0, 1.0])


def box(first: int, value: float = 1, slices: int = 3) -> NDArray[np.float32]:
    """Make voxels (i, j, k) with a box of 8 x 10 from index *first* along i, in every slice."""
    voxels = np.zeros((30, 40, slices), np.float32)
    voxels[first : first + 8, 15:25] = value
    return voxels


def save(path: Path, voxels: NDArray[Any], axes: str = "RAS", shift_mm: float = 0) -> Path:
    affine = AFFINE.copy()
    affine[0, 3] = shift_mm
    path.parent.mkdir(parents=True, exist_ok=True)
    turned(nib.Nifti1Image(voxels, affine), axes).to_filename(path)
    return path


def dice_of(result: Evaluation) -> list[float]:
    return [each.scores.values["dice"] for each in result.comparisons]


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


def test_warnings_about_the_files_stand_in_the_table(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10, 0.75))
    result = evaluate(save(tmp_path / "found.nii", box(10)), [true])

    (row,) = csv.DictReader(io.StringIO(as_table({"GM": [result]})))

    assert row["warnings"] == f"{true}: probabilities, cut at 0.5 to compare with"


def test_a_probability_map_is_cut_and_adds_scores_of_calibration(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10))
    found = save(tmp_path / "found.nii", box(10, 0.75))

    at_half = evaluate(found, [true]).comparisons[0].scores
    at_eighty = evaluate(found, [true], EvaluateOptions(threshold=0.8)).comparisons[0].scores

    assert at_half.values["dice"] == 1
    assert at_half.values["brier"] == pytest.approx(0.25**2 * 80 / 1200)
    assert at_eighty.missed


def test_a_reference_of_probabilities_is_cut_and_that_is_said(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10, 0.75))

    result = evaluate(save(tmp_path / "found.nii", box(10)), [true])

    assert dice_of(result) == [1]
    assert result.warnings == (f"{true}: probabilities, cut at 0.5 to compare with",)


def test_a_map_and_a_cord_can_be_given_beside_a_mask(tmp_path: Path) -> None:
    true = save(tmp_path / "true.nii", box(10))
    soft = save(tmp_path / "soft.nii", box(10, 0.5))

    options = EvaluateOptions(soft=soft, cord=true)
    values = evaluate(true, [true], options).comparisons[0].scores.values

    assert values["brier"] == pytest.approx(0.25 * 80 / (80 + 2 * 2 * 18 + 4))


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


@pytest.mark.parametrize("value", [0, 1])
def test_a_mask_of_nothing_or_of_everything_is_a_mask(tmp_path: Path, value: int) -> None:
    true = save(tmp_path / "true.nii", box(10))
    found = save(tmp_path / "found.nii", np.full((30, 40, 3), value, np.uint8))

    scores = evaluate(found, [true]).comparisons[0].scores

    assert scores.missed == (value == 0)
    assert scores.values["sensitivity"] == value
    assert evaluate(true, [found]).comparisons[0].scores.values["precision"] == value


def names(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def test_files_belong_together_by_image_and_label(tmp_path: Path) -> None:
    found = names(
        tmp_path / "found",
        "a.nii.gz",
        "a_label-GM_seg.nii.gz",
        "a_label-GM_probseg.nii.gz",
        "a_label-SC_seg.nii.gz",
        "b_label-GM_seg.nii.gz",
        "a_seg.json",
    )
    true = names(
        tmp_path / "true",
        "a.nii.gz",
        "sub/a_gmseg-manual.nii.gz",
        "sub/a_seg-manual.nii.gz",
        "sub/c_gmseg-manual.nii.gz",
        "sub/a_wmseg.nii.gz",
    )

    jobs = matched_files(found, [true])

    assert [
        (job.label, job.prediction and job.prediction.name, job.references[0].name, job.soft)
        for job in jobs
    ] == [
        (
            "GM",
            "a_label-GM_seg.nii.gz",
            "a_gmseg-manual.nii.gz",
            found / "a_label-GM_probseg.nii.gz",
        ),
        ("SC", "a_label-SC_seg.nii.gz", "a_seg-manual.nii.gz", None),
        ("GM", None, "c_gmseg-manual.nii.gz", None),
    ]


def test_equal_names_belong_together_and_each_folder_is_a_rater(tmp_path: Path) -> None:
    found = names(tmp_path / "found", "1.nii", "2.nii")
    raters = [names(tmp_path / "r1", "1.nii"), names(tmp_path / "r2", "1.nii", "2.nii")]

    jobs = matched_files(found, raters)

    assert [job.references for job in jobs] == [
        (raters[0] / "1.nii", raters[1] / "1.nii"),
        (raters[1] / "2.nii",),
    ]


def test_two_files_of_one_image_are_not_chosen_between(tmp_path: Path) -> None:
    twice = names(tmp_path / "twice", "a_gmseg.nii.gz", "a_gmseg-manual.nii.gz")

    with pytest.raises(UsageError, match="of the same image"):
        matched_files(twice, [names(tmp_path / "true", "a_gmseg.nii.gz")])


def test_folders_without_a_common_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file in"):
        matched_files(names(tmp_path / "a", "1.nii"), [names(tmp_path / "b", "2.nii")])


def test_the_table_has_a_row_a_comparison_and_a_column_a_score(tmp_path: Path) -> None:
    found = save(tmp_path / "found.nii", box(10))
    raters = [save(tmp_path / f"r{first}.nii", box(first)) for first in (10, 12)]

    text = as_table({"GM": [evaluate(found, raters)]}, separator="\t")

    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t"))
    assert [row["dice"] for row in rows] == ["1", "0.75"]
    assert rows[0]["psnr_slice_peak1_db"] == "inf"
    assert rows[0]["brier"] == ""
    assert rows[1]["reference"] == str(raters[1])
    assert {metric.name for metric in METRICS} < set(rows[0])


def test_json_holds_every_slice_and_stays_valid(tmp_path: Path) -> None:
    found = save(tmp_path / "found.nii", box(10))

    record = json.loads(as_json({"": [evaluate(found, [found])]}))

    (label,) = record["labels"]
    scores = label["cases"][0]["comparisons"][0]["scores"]
    assert [row["values"]["dice"] for row in scores["slices"]] == [1, 1, 1]
    assert scores["values"]["psnr_slice_peak1_db"] == "inf"
    assert label["summary"]["statistics"]["dice"]["mean"] == 1
    assert label["summary"]["statistics"]["dice"]["std"] is None
    assert label["summary_between_raters"] is None


def test_a_person_sees_every_score_and_the_agreement_of_the_raters(tmp_path: Path) -> None:
    found = save(tmp_path / "found.nii", box(10))
    raters = [save(tmp_path / f"r{first}.nii", box(first)) for first in (10, 12)]

    single = summary_rows([evaluate(found, raters[1:])])
    several = summary_rows([evaluate(found, raters)])

    assert single[0] == ["score", "unit", "SCGM", "value"]
    assert single[1] == ["Dice", "", "DSC", "0.75"]
    assert several[0] == ["score", "unit", "SCGM", "mean", "std", "median", "n", "between raters"]
    std = f"{0.25 / math.sqrt(2):.4g}"
    assert several[1] == ["Dice", "", "DSC", "0.875", std, "0.875", "2", "0.75"]
