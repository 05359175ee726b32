"""Moments, depth and planes: numbers on paper."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgm.segmenters.classical.cord_shape import axis_moments, depth_mm, moments, plane_of


def test_the_moments_of_a_rectangle_are_those_on_paper() -> None:
    """Of 6 rows and 4 columns, as squares: side^2 / 12; as points: (n^2 - 1) / 12."""
    mask = np.zeros((20, 30), bool)
    mask[2:8, 10:14] = True

    found = moments(mask)

    assert found.center.tolist() == pytest.approx([4.5, 11.5])
    np.testing.assert_allclose(found.squares, np.diag([36 / 12, 16 / 12]), atol=1e-12)
    np.testing.assert_allclose(found.points, np.diag([35 / 12, 15 / 12]), atol=1e-12)


def test_a_sloping_pair_has_a_positive_covariance() -> None:
    """Samples at (0, 0) and (2, 4), the second three times as heavy."""
    weights = np.zeros((3, 5), np.float32)
    weights[0, 0], weights[2, 4] = 1, 3

    found = moments(weights)

    assert found.center.tolist() == pytest.approx([1.5, 3.0])
    np.testing.assert_allclose(found.points, 0.25 * 0.75 * np.array([[4, 8], [8, 16]]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.01, 1.0, 50.0]))
def test_moments_do_not_depend_on_the_unit_of_the_weights(seed: int, scale: float) -> None:
    weights = np.random.default_rng(seed).random((7, 9))

    one, other = moments(weights), moments(scale * weights)

    np.testing.assert_allclose(other.center, one.center)
    np.testing.assert_allclose(other.points, one.points)


def test_moments_along_the_axes_are_those_of_the_plane() -> None:
    weights = np.random.default_rng(0).random((9, 9))

    means, variances = axis_moments(weights, np.arange(9))
    doubled, wider = axis_moments(weights, 2.0 * np.arange(9))

    np.testing.assert_allclose(means, moments(weights).center)
    np.testing.assert_allclose(variances, moments(weights).points.diagonal())
    np.testing.assert_allclose([doubled, wider], [2 * means, 4 * variances])


def test_depth_counts_from_the_outside_and_from_the_border_of_the_window() -> None:
    mask = np.zeros((5, 9), bool)
    mask[:, :5] = True

    np.testing.assert_allclose(depth_mm(mask, 0.5)[2], [0.5, 1.0, 1.5, 1.0, 0.5, 0, 0, 0, 0])


def test_a_plane_is_found_from_its_values() -> None:
    places = np.argwhere(np.ones((4, 6))) * 0.5
    places = places - places.mean(axis=0)

    level, slope = plane_of(7 + places @ [2.0, -3.0], places)

    assert level == pytest.approx(7)
    assert slope.tolist() == pytest.approx([2.0, -3.0])
