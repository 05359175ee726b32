"""What a case and a summary count, and what a miss costs."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.evaluation.metrics import (
    METRICS,
    CaseScores,
    Mode,
    assd_mm,
    boundary_distances,
    dice,
    evaluate_case,
    hausdorff95_mm,
    hausdorff_mm,
    mean_surface_distance_mm,
    median_distance_mm,
    psnr_db,
    skeleton_distances,
    summarize,
    surface_dice,
)

SPACING = (5.0, 0.5, 0.25)
SHAPE = (4, 30, 40)
# Diagonals of a slice and of the volume of that shape and spacing.
SLICE_MM = math.hypot(15, 10)
VOLUME_MM = math.hypot(20, 15, 10)
MODES: tuple[Mode, ...] = ("2d", "3d")
LENGTHS = [metric.name for metric in METRICS if metric.unit == "mm"]
SHARES = ["dice", "jaccard", "sensitivity", "precision", "surface_dice", "volumetric_similarity"]


def boxes(*columns: int | None) -> NDArray[np.bool_]:
    """In each slice a box of 10 x 8 pixels that begins at a column, or nothing."""
    mask = np.zeros(SHAPE, bool)
    for z, column in enumerate(columns):
        if column is not None:
            mask[z, 10:20, column : column + 8] = True
    return mask


NOTHING = boxes(None)


def score(found: NDArray[Any], true: NDArray[Any], **options: Any) -> CaseScores:
    return evaluate_case(found, true, SPACING, **options)


@pytest.mark.parametrize("mode", MODES)
def test_every_score_has_its_entry_in_the_table_of_metrics(mode: Mode) -> None:
    soft = boxes(4, 6) * 0.8

    values = score(boxes(4, 6), boxes(5, 5), mode=mode, soft=soft).values

    assert set(values) == {metric.name for metric in METRICS}
    assert all(metric.name.endswith(f"_{metric.unit}") for metric in METRICS if metric.unit == "mm")


def test_the_ten_of_the_challenge_are_in_the_table() -> None:
    codes = [metric.challenge for metric in METRICS if metric.challenge]

    assert codes == ["DSC", "MSD", "HSD", "SHD", "SMD", "TPR", "TNR", "PPV", "JI", "CC"]


@pytest.mark.parametrize("mode", MODES)
def test_an_equal_mask_is_perfect(mode: Mode) -> None:
    true = boxes(4, None, 9)

    case = score(true, true, mode=mode, soft=true.astype(float))

    for metric in METRICS:
        perfect = math.inf if metric.unit == "dB" else float(metric.better == "high")
        assert case.values[metric.name] == perfect
    assert (case.n_slices, case.n_missed, case.n_false) == (2, 0, 0)


def test_2d_is_the_mean_over_slices_and_3d_counts_pixels_once() -> None:
    """Two slices share 8 and 4 of 8 columns; the second is half as high, so 3D weighs it less."""
    true, found = boxes(4, 4), boxes(4, 8)
    true[1, 15:] = found[1, 15:] = False

    flat, deep = score(found, true), score(found, true, mode="3d")

    assert flat.values["dice"] == pytest.approx((1 + 0.5) / 2)
    assert deep.values["dice"] == pytest.approx((80 + 20) / (80 + 40))
    assert deep.values["dice"] == dice(found, true)
    assert (flat.mode, deep.mode) == ("2d", "3d")
    assert [row.values["dice"] for row in flat.slices] == [1, 0.5]
    assert deep.slices == ()


def test_in_2d_distances_are_those_within_slices_and_in_3d_those_in_space() -> None:
    """Slice 1 is missed: in 2D that is the diagonal; in 3D slice 0 is 5 mm away."""
    true, found = boxes(4, 4), boxes(6, None)

    flat = score(found, true).values
    deep = score(found, true, mode="3d").values

    assert flat["hausdorff_mm"] == pytest.approx((2 * 0.25 + SLICE_MM) / 2)
    assert deep["hausdorff_mm"] == pytest.approx(math.hypot(5, 2 * 0.25))


def test_slices_that_the_reference_leaves_out_enter_no_mean_but_are_counted() -> None:
    """Slice 2 is marked by the prediction only."""
    true = boxes(4, 4, None)

    with_more = score(boxes(4, 8, 4), true)
    without = score(boxes(4, 8, None), true)

    # Shared are 80 + 40 of 80 + 80 drawn and, with slice 2, 240 found.
    assert (with_more.values["dice_3d"], without.values["dice_3d"]) == (0.6, 0.75)
    assert {**with_more.values, "dice_3d": 0.75} == without.values
    assert (with_more.n_false, without.n_false) == (1, 0)
    assert (with_more.n_outside, without.n_outside) == (2, 2)
    assert (with_more.n_false_ok, with_more.n_false_flagged) == (None, None)
    assert [row.index for row in with_more.slices] == [0, 1, 2]
    assert [row.in_reference for row in with_more.slices] == [True, True, False]
    assert with_more.slices[2].values["dice"] == 0
    assert (
        score(boxes(4, 8, 4), true, mode="3d").values["dice"]
        < (score(boxes(4, 8, None), true, mode="3d").values["dice"])
    )


def test_a_missed_slice_is_in_every_mean_with_the_worst_score() -> None:
    """One of two slices is perfect, the other missed: half of all shares, half the diagonal."""
    case = score(boxes(4, None), boxes(4, 4))

    assert [case.values[name] for name in SHARES] == pytest.approx([0.5] * len(SHARES))
    assert [case.values[name] for name in LENGTHS] == pytest.approx([SLICE_MM / 2] * len(LENGTHS))
    assert case.values["conformity"] == -math.inf
    assert case.values["area_error_percent"] == -50
    assert case.values["area_error_mm2"] == pytest.approx(-80 * 0.125 / 2)
    assert (case.n_slices, case.n_missed, case.missed) == (2, 1, False)


@pytest.mark.parametrize(("mode", "farthest"), [("2d", SLICE_MM), ("3d", VOLUME_MM)])
def test_an_empty_prediction_is_a_miss_in_all_slices(mode: Mode, farthest: float) -> None:
    case = score(NOTHING, boxes(4, 4), mode=mode)

    assert [case.values[name] for name in SHARES] == [0] * len(SHARES)
    assert [case.values[name] for name in LENGTHS] == pytest.approx([farthest] * len(LENGTHS))
    assert case.values["area_error_percent"] == -100
    assert (case.n_slices, case.n_missed, case.missed) == (2, 2, True)


@pytest.mark.parametrize(("mode", "farthest"), [("2d", SLICE_MM), ("3d", VOLUME_MM)])
def test_without_a_reference_what_is_predicted_is_wrong(mode: Mode, farthest: float) -> None:
    case = score(boxes(None, 4, 4), NOTHING, mode=mode)

    assert [case.values[name] for name in SHARES] == [0] * len(SHARES)
    assert [case.values[name] for name in LENGTHS] == pytest.approx([farthest] * len(LENGTHS))
    assert case.values["area_error_mm2"] == 80 * 0.125
    assert case.values["area_error_percent"] == math.inf
    assert math.isnan(case.values["mse_window"])
    assert (case.n_slices, case.n_false, case.missed) == (0, 2, False)


@pytest.mark.parametrize("mode", MODES)
def test_two_empty_masks_agree_and_have_no_distance(mode: Mode) -> None:
    case = score(NOTHING, NOTHING, mode=mode)

    assert [case.values[name] for name in SHARES] == [1] * len(SHARES)
    assert all(math.isnan(case.values[name]) for name in LENGTHS)
    assert (case.n_slices, case.n_missed, case.n_false, case.missed) == (0, 0, 0, False)


def test_each_distance_is_what_its_name_says() -> None:
    """A cross against a bar: outlines and skeletons, and medians with and without 0, differ."""
    true, found = boxes(4), boxes(4)
    true[0, 13:17, 2:38] = True
    border = boundary_distances(found[0], true[0], SPACING[1:])
    lines = skeleton_distances(found[0], true[0], SPACING[1:])

    values = score(found, true, tolerance_mm=0.3).values

    expected = {
        "mean_surface_distance_mm": mean_surface_distance_mm(border),
        "assd_mm": assd_mm(border),
        "hausdorff_mm": hausdorff_mm(border),
        "hausdorff95_mm": hausdorff95_mm(border),
        "skeleton_hausdorff_mm": hausdorff_mm(lines),
        "skeleton_median_mm": median_distance_mm(lines),
        "skeleton_median_with_zeros_mm": median_distance_mm(lines, with_zeros=True),
        "surface_dice": surface_dice(border, 0.3),
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert len(set(expected.values())) == len(expected)


def test_area_errors_of_both_signs_cancel_only_where_they_are_signed() -> None:
    """One slice has 40 pixels too many, the other 40 too few, of 80 of 0.125 mm2."""
    true, found = boxes(4, 4), boxes(4, 4)
    found[0, 10:20, 12:16] = True
    found[1, 10:15] = False

    values = score(found, true).values

    assert (values["area_error_mm2"], values["area_error_percent"]) == (0, 0)
    assert (values["area_error_abs_mm2"], values["area_error_abs_percent"]) == (5, 50)


@pytest.mark.parametrize("mode", MODES)
def test_psnr_is_that_of_the_mean_squared_error(mode: Mode) -> None:
    """2 of 8 columns are wrong on each side, 40 pixels of a slice, in one of two slices."""
    case = score(boxes(4, 4), boxes(4, 6), mode=mode)
    values = case.values

    share = 40 / 1200 / (2 if mode == "2d" else 4)
    assert values["mse_slice"] == pytest.approx(share)
    assert values["psnr_slice_peak1_db"] == pytest.approx(psnr_db(share, peak=1))
    assert values["psnr_slice_peak255_db"] == pytest.approx(psnr_db(share, peak=255))
    # Each pixel of 0.5 x 0.25 mm is two of the window.
    assert values["mse_window"] == pytest.approx(80 / 40000 / 2)
    assert (case.n_window, case.n_slice) == (40000, 1200)


def test_a_probability_map_is_scored_instead_of_the_mask_where_that_makes_sense() -> None:
    true = boxes(4)

    case = score(true, true, soft=true * 0.5)

    assert case.values["mse_slice"] == pytest.approx(0.25 * 80 / 1200)
    # Within 3 mm, 6 rows or 12 columns, of which 4 fit on the left: 10 (8 + 4 + 12) and 8 (6 + 6)
    # straight, 11 + 11 + 10 + 8 + 6 in each corner on the right, 5 rows of 4 on the left.
    near = 240 + 96 + 2 * 46 + 2 * 20
    assert case.values["brier"] == pytest.approx(0.25 * 80 / near)
    assert case.values["soft_dice"] == pytest.approx(2 * 40 / (40 + 80))
    assert case.values["ece"] == pytest.approx(0.5 * 80 / near)
    # The band is the box, which is unsure, and the 2 (10 + 8) pixels that touch it.
    assert case.values["brier_band"] == pytest.approx(0.25 * 80 / 116)
    assert case.values["ece_band"] == pytest.approx(0.5 * 80 / 116)
    assert (case.values["brier_band_mask"], case.values["ece_band_mask"]) == (0, 0)
    assert case.values["dice"] == 1


@pytest.mark.parametrize("mode", MODES)
def test_false_slices_are_split_by_their_status(mode: Mode) -> None:
    """Slice 0 is drawn, 1 is found and ok, 2 is found and flagged, 3 is left empty and flagged."""
    ok = np.array([True, True, False, False])

    case = score(boxes(4, 4, 4), boxes(4), mode=mode, ok=ok)

    assert (case.n_outside, case.n_false, case.n_false_ok, case.n_false_flagged) == (3, 2, 1, 1)
    with pytest.raises(GeometryError):
        score(boxes(4), boxes(4), ok=ok[:3])


def test_the_status_of_false_slices_is_known_of_all_cases_or_of_none() -> None:
    known = score(boxes(4, 4), boxes(4), ok=np.array([True, False, True, True]))
    unknown = score(boxes(4, 4), boxes(4))

    assert summarize([known, known]).n_false_flagged_slices == 2
    assert summarize([known, unknown]).n_false_flagged_slices is None
    assert summarize([known, unknown]).n_outside_slices == 6


@pytest.mark.parametrize("mode", MODES)
def test_calibration_looks_at_the_cord_where_it_is_given(mode: Mode) -> None:
    """The cord is the structure: 10 x 8 pixels, and 2 x 2 (10 + 8) + 4 around of 2 pixels."""
    true = boxes(4)

    case = score(true, true, soft=true * 0.5, cord=true, mode=mode)

    assert case.values["brier"] == pytest.approx(0.25 * 80 / (80 + 72 + 4))
    assert case.values["ece"] == pytest.approx(0.5 * 80 / (80 + 72 + 4))
    assert case.values["mse_slice"] < case.values["brier"]


def test_a_slice_without_cord_has_no_calibration() -> None:
    true = boxes(4, 4)

    case = score(true, true, soft=true * 0.5, cord=boxes(4, None))

    assert case.values["brier"] == pytest.approx(0.25 * 80 / 156)
    assert math.isnan(case.slices[1].values["brier"])


@pytest.mark.parametrize("mode", MODES)
def test_scores_do_not_depend_on_where_the_structure_lies(mode: Mode) -> None:
    found, true = boxes(4, 7, 9), boxes(5, 5, 5)
    moved = [np.roll(mask, (1, 3, 11), (0, 1, 2)) for mask in (found, true)]

    assert score(*moved, mode=mode).values == pytest.approx(score(found, true, mode=mode).values)


def test_lengths_and_areas_scale_with_the_spacing() -> None:
    found, true = boxes(4, 7, 9), boxes(5, 5, 5)
    once = evaluate_case(found, true, SPACING, tolerance_mm=0.5).values

    twice = evaluate_case(found, true, [2 * size for size in SPACING], tolerance_mm=1).values

    for name in LENGTHS:
        assert twice[name] == pytest.approx(2 * once[name])
    assert twice["area_error_mm2"] == pytest.approx(4 * once["area_error_mm2"])
    for name in (*SHARES, "specificity", "conformity", "area_error_percent", "mse_slice"):
        assert twice[name] == once[name]


def test_the_tolerance_is_that_of_the_surface_dice() -> None:
    """Boxes two columns of 0.25 mm apart."""
    near, far = (score(boxes(4), boxes(6), tolerance_mm=tol) for tol in (0.5, 0.4))

    assert near.values["surface_dice"] == 1
    assert far.values["surface_dice"] < 1
    assert (near.tolerance_mm, far.tolerance_mm) == (0.5, 0.4)


def test_inputs_are_not_changed() -> None:
    found, true = boxes(4, 7), boxes(5, 5)
    for mask in (found, true):
        mask.setflags(write=False)

    score(found, true)
    score(found, true, mode="3d", soft=found.astype(np.float32), cord=true)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((boxes(4), boxes(4)[:2], SPACING), {}, "one grid"),
        ((boxes(4)[0], boxes(4)[0], SPACING), {}, "slices, rows, columns"),
        ((boxes(4)[:0], boxes(4)[:0], SPACING), {}, "slices, rows, columns"),
        ((boxes(4), boxes(4), (0.5, 0.25)), {}, "3 positive numbers"),
        ((boxes(4), boxes(4), SPACING), {"soft": np.zeros((4, 30, 30))}, "one grid"),
        ((boxes(4), boxes(4), SPACING), {"cord": np.zeros((4, 30, 30))}, "one grid"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    arguments: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(GeometryError, match=message):
        evaluate_case(*arguments, **options)


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        (boxes(4) * 255, {}, "only 0 and 1"),
        (boxes(4), {"soft": boxes(4) * 2.0}, "from 0 to 1"),
        (boxes(4), {"soft": np.full(SHAPE, np.nan)}, "finite"),
        (boxes(4), {"cord": boxes(4) * 2}, "only 0 and 1"),
        (boxes(4), {"mode": "4d"}, "'4d'"),
    ],
)
def test_values_that_mean_something_else_are_refused(
    found: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        score(found, boxes(4), **options)


def test_a_summary_is_of_cases_not_of_slices() -> None:
    """A case of one slice counts as much as one of two: (1 + 0.75) / 2."""
    cases = [score(boxes(4), boxes(4)), score(boxes(4, 8), boxes(4, 4))]

    summary = summarize(cases)

    found = summary.statistics["dice"]
    assert found.mean == found.median == pytest.approx((1 + 0.75) / 2)
    assert found.std == pytest.approx(0.25 / math.sqrt(2))
    assert (summary.mode, summary.n, summary.n_slices, found.n) == ("2d", 2, 3, 2)


def test_a_summary_keeps_misses_in_the_mean_and_counts_them() -> None:
    """Two perfect cases and one that is missed: a mean of 2/3, a median of 1."""
    cases = [score(boxes(4), boxes(4))] * 2 + [score(NOTHING, boxes(4, 4))]

    summary = summarize(cases)

    assert summary.statistics["dice"].mean == pytest.approx(2 / 3)
    assert summary.statistics["dice"].median == 1
    assert summary.statistics["hausdorff_mm"].mean == pytest.approx(SLICE_MM / 3)
    assert summary.statistics["hausdorff_mm"].n == 3
    assert (summary.n_missed, summary.n_missed_slices) == (1, 2)


def test_a_summary_leaves_out_only_what_is_undefined() -> None:
    """Two empty masks have no distance."""
    summary = summarize([score(NOTHING, NOTHING), score(boxes(4), boxes(6))])

    assert summary.statistics["hausdorff_mm"].n == 1
    assert summary.statistics["hausdorff_mm"].mean == pytest.approx(0.5)
    assert summary.statistics["dice"].n == 2


def test_a_summary_does_not_hide_what_is_infinite() -> None:
    """A perfect case has an infinite PSNR, one without a common pixel a conformity of -inf."""
    cases = [score(boxes(4), boxes(4)), score(boxes(4), boxes(6)), score(boxes(4), boxes(20))]

    found = summarize(cases).statistics

    assert found["psnr_slice_peak1_db"].mean == math.inf
    assert math.isnan(found["psnr_slice_peak1_db"].std)
    assert found["conformity"].mean == -math.inf
    assert found["conformity"].median == pytest.approx(1 - 40 / 60)


def test_a_single_case_has_no_spread() -> None:
    found = summarize([score(boxes(4), boxes(6))]).statistics["dice"]

    assert found.mean == found.median == 0.75
    assert math.isnan(found.std)


def test_a_map_that_only_some_cases_have_is_counted() -> None:
    true = boxes(4)

    summary = summarize([score(true, true), score(true, true, soft=true * 0.5)])

    assert (summary.statistics["brier"].n, summary.statistics["dice"].n) == (1, 2)


def test_cases_that_were_scored_differently_have_no_summary() -> None:
    cases = [score(boxes(4), boxes(4), mode=mode) for mode in MODES]

    for wrong in ([], cases, [cases[0], score(boxes(4), boxes(4), tolerance_mm=1)]):
        with pytest.raises(ValueError, match="one mode"):
            summarize(wrong)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("pixel_area_mm2", "error_mm2"), [(None, 1.0), (0.1, 0.8)])
def test_areas_of_a_sheared_grid_are_those_of_its_pixels(
    mode: Mode, pixel_area_mm2: float | None, error_mm2: float
) -> None:
    """Eight pixels too many: of 0.5 x 0.25 mm, or of 0.1 mm2 where the axes are not upright."""
    reference = boxes(5, 5, 5, 5)
    prediction = reference.copy()
    prediction[:, 20, 5:13] = True

    found = score(prediction, reference, mode=mode, pixel_area_mm2=pixel_area_mm2).values

    assert found["area_error_mm2"] == pytest.approx(error_mm2)
    assert found["area_error_abs_mm2"] == pytest.approx(error_mm2)
