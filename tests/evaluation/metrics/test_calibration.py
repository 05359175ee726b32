"""Scores of probabilities, and areas: a few pixels at a time."""

import math

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from scgm.errors import GeometryError
from scgm.evaluation.metrics import (
    area_error_mm2,
    area_error_percent,
    area_mm2,
    boundary_band,
    brier,
    cord_region,
    dice,
    expected_calibration_error,
    near_reference,
    reliability,
    soft_dice,
)

CERTAIN = np.array([[0, 1, 1, 0]], float)
WRONG = 1 - CERTAIN
HALF = np.full((1, 4), 0.5)


def test_a_map_that_is_sure_and_right_has_no_error() -> None:
    assert brier(CERTAIN, CERTAIN) == 0
    assert expected_calibration_error(CERTAIN, CERTAIN) == 0


def test_a_map_that_is_sure_and_wrong_has_all_error() -> None:
    assert brier(WRONG, CERTAIN) == 1
    assert expected_calibration_error(WRONG, CERTAIN) == 1


def test_a_map_that_says_half_and_is_right_in_half_is_calibrated_but_not_sharp() -> None:
    assert brier(HALF, CERTAIN) == 0.25
    assert expected_calibration_error(HALF, CERTAIN) == 0


def test_the_gaps_of_bins_are_weighted_by_their_pixels() -> None:
    """Three pixels say 0.9 and one of them is marked; one says 0.2 and is not."""
    probability = np.array([0.9, 0.9, 0.9, 0.2])
    truth = np.array([1, 0, 0, 0])

    expected = 0.75 * abs(0.9 - 1 / 3) + 0.25 * 0.2
    assert expected_calibration_error(probability, truth) == pytest.approx(expected)
    assert brier(probability, truth) == pytest.approx((0.01 + 0.81 + 0.81 + 0.04) / 4)


def test_there_are_fifteen_bins_of_equal_width() -> None:
    """One probability in the middle of each, and 1 in the last one."""
    middles = (np.arange(15) + 0.5) / 15

    bins = reliability(np.append(middles, 1), np.append(middles, 1) > 0.5)

    assert bins.count.tolist() == [1] * 14 + [2]
    assert bins.predicted[:14] == pytest.approx(middles[:14])
    assert bins.observed.tolist() == [0] * 8 + [1] * 7


def test_a_bin_without_pixels_has_no_means() -> None:
    bins = reliability(np.zeros(3), np.zeros(3))

    assert bins.count.tolist() == [3] + [0] * 14
    assert np.isnan(bins.predicted[1:]).all()


def test_only_the_region_is_looked_at() -> None:
    probability, truth = np.array([0.5, 1.0, 0.0]), np.array([1, 0, 0])
    region = np.array([True, False, True])

    assert brier(probability, truth, region) == pytest.approx(0.125)
    assert expected_calibration_error(probability, truth, region) == pytest.approx(0.25)


def test_background_makes_any_map_look_calibrated() -> None:
    """Why a region is needed: the same fault is a tenth when ten times as much is shown."""
    probability, truth = np.array([0.8, 0.8]), np.array([0, 0])

    assert expected_calibration_error(probability, truth) == pytest.approx(0.8)
    assert expected_calibration_error(
        np.append(probability, np.zeros(18)), np.append(truth, np.zeros(18))
    ) == pytest.approx(0.08)


def test_without_a_pixel_to_look_at_there_is_no_score() -> None:
    nowhere = np.zeros(CERTAIN.shape, bool)

    assert math.isnan(brier(HALF, CERTAIN, nowhere))
    assert math.isnan(expected_calibration_error(HALF, CERTAIN, nowhere))


def test_the_region_is_the_cord_and_two_pixels_around_in_each_slice() -> None:
    cord = np.zeros((3, 12, 14), bool)
    cord[1, 4:7, 5:8] = True

    region = cord_region(cord)

    assert not region[[0, 2]].any()
    assert np.array_equal(region[1], distance_transform_edt(~cord[1]) <= 2)
    assert np.array_equal(cord_region(cord[1]), region[1])


def test_soft_dice_of_masks_is_dice() -> None:
    one, other = np.random.default_rng(5).random((2, 6, 7)) > 0.5

    assert soft_dice(one, other) == pytest.approx(dice(one, other))


def test_soft_dice_takes_the_mean_of_raters() -> None:
    """2 (0.5 x 1 + 1 x 0.5) / (1.5 + 1.5)."""
    assert soft_dice(np.array([0.5, 1, 0]), np.array([1, 0.5, 0])) == pytest.approx(2 / 3)


def test_soft_dice_of_empty_maps_follows_the_rules_for_empty_masks() -> None:
    nothing = np.zeros(4)

    assert soft_dice(nothing, nothing) == 1
    assert soft_dice(nothing, np.ones(4)) == soft_dice(np.ones(4), nothing) == 0


@pytest.mark.parametrize("bad", [-0.1, 1.1, 255, math.nan])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    for score in (brier, expected_calibration_error, soft_dice):
        with pytest.raises(ValueError, match="must"):
            score(np.array([bad]), np.zeros(1))


def test_maps_and_regions_of_different_shape_are_refused() -> None:
    with pytest.raises(GeometryError, match="one grid"):
        brier(HALF, CERTAIN[:, :3])
    with pytest.raises(GeometryError, match="one grid"):
        brier(HALF, CERTAIN, np.ones(4, bool))


def test_an_area_is_the_number_of_pixels_times_their_size() -> None:
    mask = np.zeros((3, 8, 8), bool)
    mask[1, 2:4, 2:5] = mask[2, 0, 0] = True

    assert area_mm2(mask, (0.5, 0.25)).tolist() == [0, 6 * 0.125, 0.125]
    assert area_mm2(mask[1], (0.5, 0.25)) == 6 * 0.125


def test_an_area_error_says_in_which_direction() -> None:
    """6 pixels instead of 4, 3 instead of 4, and each of 0.5 mm2."""
    found, true = np.zeros((2, 2, 5, 5), bool)
    true[:, :2, :2] = True
    found[0, :2, :3] = True
    found[1, :1, :3] = True

    assert area_error_mm2(found, true, (1, 0.5)).tolist() == [1, -0.5]
    assert area_error_percent(found, true).tolist() == [50, -25]


def test_area_errors_of_empty_masks() -> None:
    """Both empty: 0. Missed: -100 %. Not there: infinitely too large."""
    empty, some = np.zeros((4, 4), bool), np.ones((4, 4), bool)

    assert area_error_percent(np.stack([empty, empty, some]), np.stack([empty, some, empty])) == (
        pytest.approx([0, -100, math.inf])
    )
    assert area_error_mm2(empty, some, (1, 1)) == -16


def test_the_region_is_what_lies_within_3_mm_of_the_reference() -> None:
    """Pixels of 3 x 1 mm: one row above and below, three columns on either side; no corner."""
    true = np.zeros((2, 9, 9), bool)
    true[0, 4, 4] = True

    near = near_reference(true, (3, 1))

    expected = np.zeros_like(true)
    expected[0, 3:6, 4] = expected[0, 4, 1:8] = True
    assert np.array_equal(near, expected)


def test_the_band_is_what_is_unsure_and_what_touches_an_outline() -> None:
    """In one row: found are columns 2 to 8, drawn 5 to 8; p is 0.5 in column 11."""
    found, true = np.zeros((2, 3, 13), bool)
    found[1, 2:9] = true[1, 5:9] = True
    soft = found * 1.0
    soft[1, 11] = 0.5
    soft[1, 10] = 0.05  # is sure: the limits do not count

    band = boundary_band(soft, found, true)

    # Lines of one pixel have no inside: they and what is above and below are in the band.
    assert np.flatnonzero(band[1]).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11]
    assert np.flatnonzero(band[0]).tolist() == np.flatnonzero(band[2]).tolist() == [*range(2, 9)]


def test_the_inside_of_both_masks_is_not_in_the_band() -> None:
    square = np.zeros((9, 9), bool)
    square[2:7, 2:7] = True

    band = boundary_band(square * 1.0, square, square)

    # 25 pixels less the 3 x 3 inside, and 4 x 5 that touch from outside.
    assert band.sum() == 16 + 20
    assert not band[3:6, 3:6].any()


def test_an_outline_does_not_run_along_the_border_of_the_image() -> None:
    everything = np.ones((4, 4), bool)

    assert not boundary_band(everything * 1.0, everything, everything).any()


def test_the_band_leaves_out_slices_without_reference() -> None:
    true, found = np.zeros((2, 2, 5, 5), bool)
    true[0, 2, 2] = True
    found[:, 2, 2] = True

    assert boundary_band(found * 1.0, found, true).sum(axis=(1, 2)).tolist() == [5, 0]
    assert boundary_band(found * 1.0, found, ~found & found).sum(axis=(1, 2)).tolist() == [5, 5]


def test_in_the_band_a_sure_mask_pays_for_what_it_gets_wrong() -> None:
    """5 x 5 drawn, one column more found: 5 of the pixels in the band are wrong by 1 or by 0.4."""
    true, found = np.zeros((2, 9, 9), bool)
    true[2:7, 2:7] = found[2:7, 2:8] = True
    soft = found * 1.0
    soft[2:7, 7] = 0.4

    band = boundary_band(soft, found, true)

    # Around both: 2 columns of 5 at the sides and 2 x 6 above and below outside, 2 of 5 in
    # columns 2 and 6, 5 in column 7, 2 x 3 in rows 2 and 6 between.
    pixels = 10 + 12 + 10 + 5 + 6
    assert band.sum() == pixels
    assert brier(found, true, band) == pytest.approx(5 / pixels)
    assert brier(soft, true, band) == pytest.approx(5 * 0.16 / pixels)
    assert expected_calibration_error(soft, true, band) == pytest.approx(5 * 0.4 / pixels)
