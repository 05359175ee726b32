"""Robust z: which image of a set stands apart."""

import pytest

from scgm.report.outliers import outlier_scores, robust_z


def test_z_is_the_distance_from_the_median_over_its_median() -> None:
    """Median 3, distances 2, 1, 0, 1, 7 with median 1: 7 / 1.4826."""
    assert robust_z([1, 2, 3, 4, 10]) == pytest.approx([-1.349, -0.674, 0, 0.674, 4.721], abs=1e-3)


def test_missing_values_have_no_score_and_do_not_count() -> None:
    assert robust_z([1, None, 2, 3, 4, 10])[1] is None
    assert robust_z([1, None, 2, 3, 4, 10])[-1] == pytest.approx(4.721, abs=1e-3)


def test_four_images_are_no_set() -> None:
    assert robust_z([1, 2, 3, 100]) == [None] * 4


def test_where_half_are_equal_the_mean_distance_is_taken() -> None:
    """Mean distance of 5 / 6 for five at 0 and one at 5: 5 / (1.2533 * 5 / 6)."""
    assert robust_z([7, 7, 7, 7, 7, 12])[-1] == pytest.approx(6 / 1.2533, abs=1e-3)
    assert robust_z([7] * 6) == [0] * 6


def test_only_low_confidence_and_contrast_count() -> None:
    images = [{"confidence": v, "gm_area": v} for v in (1.0, 2.0, 3.0, 4.0, 10.0)]

    scores = outlier_scores(images)

    assert scores[0].keys() == {"confidence", "gm_area"}
    assert scores[-1].keys() == {"gm_area"}
