"""Contrast and shape, with values that can be worked out on paper."""

import math

import numpy as np
import pytest

from scgm.report.shape import contrast_to_noise, spread_over_size, width_over_height


def box(height: int, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    mask = np.zeros((40, 40), bool)
    mask[5 : 5 + height, 7 : 7 + width] = True
    return mask


def test_a_box_has_the_ratio_of_its_deviations() -> None:
    """The numbers from 1 to n have a variance of (n^2 - 1) / 12."""
    expected = math.sqrt((20**2 - 1) / (16**2 - 1))

    assert width_over_height(box(16, 20), (0.5, 0.5)) == pytest.approx(expected)


def test_pixels_that_are_no_squares_count_in_mm() -> None:
    assert width_over_height(box(10, 10), (0.5, 1.0)) == pytest.approx(2)


def test_spread_does_not_depend_on_size() -> None:
    """A large square: the root of (2 n^2 / 12) over n."""
    small, large = (spread_over_size(box(n, n), (0.3, 0.3)) for n in (30, 33))

    assert small == pytest.approx(math.sqrt(1 / 6), rel=0.01)
    assert large == pytest.approx(small, rel=0.001)


def test_two_parts_far_from_each_other_spread_more() -> None:
    apart = box(4, 4) | np.roll(box(4, 4), 25, axis=1)

    assert (spread_over_size(apart, (1, 1)) or 0) > 2 * (spread_over_size(box(4, 8), (1, 1)) or 9)


@pytest.mark.parametrize("measure", [width_over_height, spread_over_size])
def test_an_empty_mask_has_no_shape(measure: object) -> None:
    assert callable(measure)
    assert measure(np.zeros((4, 4), bool), (1.0, 1.0)) is None


def test_contrast_is_the_difference_over_the_noise_of_white_matter() -> None:
    """White matter is 9 or 11: mean 10, deviation 1. Gray matter is 13."""
    gm, cord = box(4, 4), box(8, 8)
    image = np.where(np.indices((40, 40)).sum(axis=0) % 2, 9, 11).astype(np.float32)
    image[gm] = 13

    assert contrast_to_noise(image, gm, cord) == pytest.approx(3, rel=0.02)


def test_without_noise_or_white_matter_there_is_no_contrast() -> None:
    image = np.ones((40, 40), np.float32)

    assert contrast_to_noise(image, box(4, 4), box(8, 8)) is None
    assert contrast_to_noise(image, box(4, 4), box(4, 4)) is None
