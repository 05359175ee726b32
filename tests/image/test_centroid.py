"""The middle of masks and of weights."""

import numpy as np

from scgm.image.centroid import centroids


def test_the_middle_of_a_mask_is_the_mean_of_its_pixels() -> None:
    mask = np.zeros((2, 6, 9), bool)
    mask[0, 1:4, 2:8] = True
    mask[1, 5, 0] = True

    np.testing.assert_array_equal(centroids(mask), [(2, 4.5), (5, 0)])


def test_a_heavier_pixel_pulls_the_middle_to_itself() -> None:
    weights = np.zeros((1, 4, 5), np.float32)
    weights[0, 0, 0], weights[0, 3, 4] = 1, 3

    np.testing.assert_array_equal(centroids(weights), [(2.25, 3)])


def test_nothing_has_no_middle() -> None:
    assert np.isnan(centroids(np.zeros((1, 3, 3), bool))).all()
