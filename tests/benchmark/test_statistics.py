"""Statistics of a benchmark: values that can be worked out on paper."""

import math

import numpy as np
import pytest
from scipy import stats

from scgm.benchmark.statistics import (
    FEWEST_IMAGES,
    bootstrap_interval,
    compare_methods,
    holm,
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


def test_the_interval_of_a_constant_is_that_constant() -> None:
    assert bootstrap_interval([0.25] * 7) == (0.25, 0.25)


def test_the_interval_of_two_values_reaches_from_one_to_the_other() -> None:
    """Their mean is the lower, the middle or the upper in 25, 50 and 25 % of the draws."""
    assert bootstrap_interval([0.0, 1.0]) == (0.0, 1.0)


def test_the_interval_of_many_values_is_that_of_their_standard_error() -> None:
    values = np.random.default_rng(3).normal(size=400)
    half = 1.96 * values.std() / math.sqrt(400)

    low, high = bootstrap_interval(values)

    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_the_interval_is_always_the_same() -> None:
    assert bootstrap_interval([1.0, 2.0, 4.0]) == bootstrap_interval([1.0, 2.0, 4.0])


@pytest.mark.parametrize("values", [[], [0.5]])
def test_one_value_has_no_interval(values: list[float]) -> None:
    assert all(math.isnan(end) for end in bootstrap_interval(values))


def test_six_differences_of_one_sign_are_2_of_64_ways() -> None:
    assert signed_rank_p([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == pytest.approx(2 / 64)


def test_five_differences_of_one_sign_cannot_reach_a_twentieth() -> None:
    assert signed_rank_p([0.1, 0.2, 0.3, 0.4, 0.5]) == pytest.approx(2 / 32)
    assert FEWEST_IMAGES == 6


def test_the_signed_rank_test_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, 25)

    assert signed_rank_p(values) == pytest.approx(float(stats.wilcoxon(values).pvalue))


def test_equal_images_are_left_out_of_the_test() -> None:
    assert signed_rank_p([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == pytest.approx(2 / 64)


def test_methods_that_agree_everywhere_do_not_differ() -> None:
    assert signed_rank_p([0.0, 0.0, 0.0]) == 1.0


def test_without_images_there_is_no_p() -> None:
    assert math.isnan(signed_rank_p([]))


def test_a_constant_difference_is_found_with_its_sign() -> None:
    images = [f"image {number}" for number in range(8)]
    worse = {image: float(number) for number, image in enumerate(images)}
    better = {image: value + 0.5 for image, value in worse.items()}

    (found,) = compare_methods({"better": better, "worse": worse})

    assert (found.first, found.second, found.n) == ("better", "worse", 8)
    assert (found.mean, found.median, found.low, found.high) == (0.5, 0.5, 0.5, 0.5)
    assert found.p == found.p_holm
    assert found.informative


def test_every_pair_is_compared_once_and_corrected_for_all_of_them() -> None:
    images = range(6)
    scores = {
        name: {str(image): shift * (image + 1) for image in images}
        for name, shift in (("a", 0.0), ("b", 1.0), ("c", 3.0))
    }

    found = compare_methods(scores)

    assert [(each.first, each.second) for each in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [each.p for each in found] == pytest.approx([2 / 64] * 3)
    assert [each.p_holm for each in found] == pytest.approx([6 / 64] * 3)


def test_images_without_a_finite_score_of_both_do_not_count() -> None:
    first = {"a": 1.0, "b": math.nan, "c": -math.inf, "d": 2.0}
    second = {"a": 0.5, "b": 1.0, "c": 1.0}

    (found,) = compare_methods({"first": first, "second": second})

    assert found.n == 1
    assert found.mean == 0.5
    assert math.isnan(found.low)
    assert not found.informative
