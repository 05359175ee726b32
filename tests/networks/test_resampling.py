"""Resampling by matrices: truths of averaging and of linear interpolation."""

import pytest
import torch

from scgm.networks.resampling import grid_mm, resample, resample_inside, resampling_matrix


def test_finer_samples_interpolate_linearly() -> None:
    """Between pixel centers at 0 and 1 mm, a sample at 0.3 mm weighs them 0.7 and 0.3."""
    weights = resampling_matrix(torch.tensor([0.3]), 0.1, 3, 1.0)

    assert weights.tolist() == [pytest.approx([0.7, 0.3, 0.0], abs=1e-6)]


def test_coarser_samples_average_over_their_area() -> None:
    """A 2 mm sample centered between two 1 mm pixels is their mean."""
    weights = resampling_matrix(torch.tensor([0.5]), 2.0, 4, 1.0)

    assert weights.tolist() == [pytest.approx([0.5, 0.5, 0.0, 0.0], abs=1e-6)]


def test_rows_sum_to_the_share_of_the_footprint_inside() -> None:
    """A sample whose footprint is half outside the image has weights that sum to one half."""
    weights = resampling_matrix(torch.tensor([-0.5, 1.0]), 1.0, 5, 1.0)

    assert weights.sum(dim=1).tolist() == pytest.approx([0.5, 1.0])


def test_a_ramp_stays_a_ramp() -> None:
    """Resampling keeps a linear function of position, wherever the footprint is inside."""
    image = torch.arange(20.0)[:, None] * 0.8 + torch.arange(30.0)[None, :] * 0.5 * 10
    rows, columns = torch.tensor([3.3, 7.9]), torch.tensor([2.2, 8.1, 11.0])
    result = resample(
        image, resampling_matrix(rows, 0.25, 20, 0.8), resampling_matrix(columns, 1.5, 30, 0.5)
    )

    assert torch.allclose(result, rows[:, None] + columns[None, :] * 10, atol=1e-4)


def test_outside_is_zero_and_said_to_be_outside() -> None:
    """A constant image stays constant inside, and is 0 with ``inside`` 0 far outside."""
    positions = torch.tensor([-3.0, 0.0, 2.0, 9.0])
    weights = resampling_matrix(positions, 1.0, 4, 1.0)
    values, inside = resample_inside(torch.full((4, 4), 7.0), weights, weights)

    assert inside[:, 1].tolist() == [0, 1, 1, 0]
    assert values[:, 1].tolist() == pytest.approx([0, 7, 7, 0])


def test_grid_is_centered() -> None:
    """Four samples 0.5 mm apart around 10 mm."""
    grid = grid_mm(torch.tensor(10.0), 4, 0.5)

    assert grid.tolist() == pytest.approx([9.25, 9.75, 10.25, 10.75])


def test_a_corner_sample_that_is_half_inside_along_both_axes_keeps_the_value() -> None:
    """A quarter of its footprint is covered; the value is the mean over that quarter."""
    weights = resampling_matrix(torch.tensor([-0.5, 1.0]), 1.0, 4, 1.0)
    values, inside = resample_inside(torch.full((4, 4), 7.0), weights, weights)

    assert inside.tolist() == [[1, 1], [1, 1]]
    assert values.flatten().tolist() == pytest.approx([7.0] * 4)
