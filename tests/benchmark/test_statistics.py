"""Statistics of a benchmark: values that can be worked out on paper."""

import math

import numpy as np
import pytest
from scipy import stats

from scgm.benchmark.statistics import (
    compare_methods,
    fewest_units,
    holm,
    mean_interval,
    signed_rank_p,
)


def test_holm_multiplies_the_smallest_by_the_number_and_never_goes_down() -> None:
    # 0.01 * 4, then 0.02 * 3 = 0.06, then 0.03 * 2 = 0.06, then 0.04 * 1, held at 0.06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_ends_at_one() -> None:
    assert holm([0.6, 0.9]) == [1.0, 1.0]


def test_holm_of_a_single_test_changes_nothing() -> None:
    assert holm([0.03]) == [0.03]


def test_holm_does_not_count_what_was_not_tested() -> None:
    corrected = holm([math.nan, 0.01, 0.5])

    assert math.isnan(corrected[0])
    assert corrected[1:] == pytest.approx([0.02, 0.5])


EIGHT = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]


def test_the_interval_of_a_constant_is_that_constant() -> None:
    assert mean_interval([0.25] * 8, "aaaabbbb") == (0.25, 0.25)


def test_the_interval_of_one_site_is_students_t() -> None:
    """Of the eight: variance 8 * 0.25 / 7, standard error sqrt(1 / 28), t of 7 degrees 2.3646."""
    half = 2.364624 / math.sqrt(28)

    assert mean_interval(EIGHT, "a" * 8) == pytest.approx((0.5 - half, 0.5 + half), rel=1e-6)
    assert mean_interval(EIGHT, "abcdefgh") == pytest.approx((0.5 - half, 0.5 + half), rel=1e-6)


def test_sites_that_differ_widen_the_interval() -> None:
    """Residuals add up to -2 and 2: error sqrt(2 / 1 * 8) / 8 = 0.5, t of 1 degree 12.7062."""
    low, high = mean_interval(EIGHT, "aaaabbbb")

    assert (low, high) == pytest.approx((0.5 - 12.7062 / 2, 0.5 + 12.7062 / 2), rel=1e-5)


def test_sites_that_agree_by_chance_do_not_narrow_the_interval() -> None:
    """Each site has two of either value: the error between sites is 0."""
    assert mean_interval(EIGHT, "aabbaabb") == mean_interval(EIGHT, "a" * 8)


@pytest.mark.parametrize("count", range(8))
def test_below_eight_there_is_no_interval(count: int) -> None:
    assert all(math.isnan(end) for end in mean_interval([0.5] * count, "a" * count))


def test_the_interval_holds_the_mean_in_95_percent() -> None:
    rng = np.random.default_rng(0)
    ends = [mean_interval(rng.normal(size=8), "a" * 8) for _ in range(1000)]

    assert np.mean([low < 0 < high for low, high in ends]) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("comparisons", "fewest"), [(0, 6), (1, 6), (2, 7), (3, 7), (45, 11)])
def test_the_fewest_subjects_follow_from_the_comparisons(comparisons: int, fewest: int) -> None:
    """40 * m <= 2^n: 40 <= 64, 80 and 120 <= 128, 45 * 40 = 1800 <= 2048."""
    assert fewest_units(comparisons) == fewest
    for n, reached in ((fewest, True), (fewest - 1, False)):
        smallest = signed_rank_p(np.arange(1, n + 1) / 10)
        assert (max(comparisons, 1) * smallest <= 0.05) is reached


def test_no_ties_make_p_smaller_than_its_smallest() -> None:
    assert signed_rank_p([0.1] * 6) == pytest.approx(2 / 64)


def test_six_differences_of_one_sign_are_2_of_64_ways() -> None:
    assert signed_rank_p([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == pytest.approx(2 / 64)


def test_five_differences_of_one_sign_cannot_reach_a_twentieth() -> None:
    assert signed_rank_p([0.1, 0.2, 0.3, 0.4, 0.5]) == pytest.approx(2 / 32)


def test_the_signed_rank_test_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, 25)

    assert signed_rank_p(values) == pytest.approx(float(stats.wilcoxon(values).pvalue))


def test_equal_images_are_left_out_of_the_test() -> None:
    assert signed_rank_p([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == pytest.approx(2 / 64)


def test_subjects_without_a_difference_do_not_make_a_test_informative() -> None:
    """Three of six differ: the smallest p is 2 of 8 ways."""
    better = {"a": 0.9, "b": 0.9, "c": 0.9, "d": 0.0, "e": 0.0, "f": 0.0}
    worse = {**better, "a": 0.8, "b": 0.79, "c": 0.78}

    (found,) = compare_methods({"x": better, "y": worse}, dict.fromkeys(better, "site"))

    assert (found.n, found.unequal, found.fewest, found.p) == (6, 3, 6, 0.25)
    assert not found.informative


def test_methods_that_agree_everywhere_do_not_differ() -> None:
    assert signed_rank_p([0.0, 0.0, 0.0]) == 1.0


def test_without_images_there_is_no_p() -> None:
    assert math.isnan(signed_rank_p([]))


def test_a_constant_difference_is_found_with_its_sign() -> None:
    images = [f"image {number}" for number in range(8)]
    worse = {image: float(number) for number, image in enumerate(images)}
    better = {image: value + 0.5 for image, value in worse.items()}

    (found,) = compare_methods({"better": better, "worse": worse}, dict.fromkeys(images, "here"))

    assert (found.first, found.second, found.n) == ("better", "worse", 8)
    assert (found.mean, found.median, found.low, found.high) == (0.5, 0.5, 0.5, 0.5)
    assert found.p == found.p_holm
    assert found.informative


def test_every_pair_is_compared_once_and_corrected_for_all_of_them() -> None:
    images = range(7)
    scores = {
        name: {str(image): shift * (image + 1) for image in images}
        for name, shift in (("a", 0.0), ("b", 1.0), ("c", 3.0))
    }

    found = compare_methods(scores, dict.fromkeys(map(str, images), "here"))

    assert [(each.first, each.second) for each in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [each.p for each in found] == pytest.approx([2 / 128] * 3)
    assert [each.p_holm for each in found] == pytest.approx([6 / 128] * 3)
    assert all(each.informative and each.fewest == 7 for each in found)


def test_images_without_a_finite_score_of_both_do_not_count() -> None:
    first = {"a": 1.0, "b": math.nan, "c": -math.inf, "d": 2.0}
    second = {"a": 0.5, "b": 1.0, "c": 1.0}

    (found,) = compare_methods({"first": first, "second": second}, dict.fromkeys("abcd", "x"))

    assert found.n == 1
    assert found.mean == 0.5
    assert math.isnan(found.low)
    assert not found.informative


def test_the_mean_over_sites_counts_each_site_once() -> None:
    """Differences 1, 1, 1 at one site and 5 at the other: 2 over subjects, 3 over sites."""
    first = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 5.0}
    sites = {"a": "x", "b": "x", "c": "x", "d": "y"}

    (found,) = compare_methods({"first": first, "second": dict.fromkeys(first, 0.0)}, sites)

    assert (found.mean, found.site_mean, found.sites) == (2, 3, 2)
