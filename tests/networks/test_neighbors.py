"""Maps averaged along the cord: by distance, cord on cord, and not across slices without one."""

import math

import pytest
import torch
from torch import Tensor

from scgm.networks.neighbors import averaged_along_cord

STEP = 0.25
STILL = torch.zeros(3, 2)
ALL = torch.ones(3)


def maps(values: list[float]) -> Tensor:
    """Return one channel of 40 x 40 samples for each slice, filled with its value."""
    return torch.tensor(values)[:, None, None, None].expand(-1, 1, 40, 40).clone()


@pytest.mark.parametrize("apart", [0.5, 1.0, 2.0])
def test_neighbors_count_by_a_gaussian_of_their_distance(apart: float) -> None:
    near, far = math.exp(-0.5 * apart**2), math.exp(-0.5 * (2 * apart) ** 2)

    found = averaged_along_cord(maps([1.0, 0.0, 0.0]), STILL, STEP, torch.tensor(apart), ALL)

    expected = [1 / (1 + near + far), near / (1 + 2 * near), far / (1 + near + far)]
    assert found[:, 0, 20, 20].tolist() == pytest.approx(expected, abs=1e-5)


def test_a_single_slice_and_slices_far_apart_stay_as_they_are() -> None:
    one = torch.rand(1, 2, 16, 16)
    three = torch.rand(3, 2, 16, 16)
    off = torch.tensor([[0.3, -0.4], [0.1, 0.2], [0.0, 0.7]])

    alone = averaged_along_cord(one, off[:1], STEP, torch.tensor(1.0), ALL[:1])
    apart = averaged_along_cord(three, off, STEP, torch.tensor(20.0), ALL)

    torch.testing.assert_close(alone, one)
    torch.testing.assert_close(apart, three)


def test_a_slice_without_cord_does_not_count_for_its_neighbors() -> None:
    presence = torch.tensor([1.0, 0.0, 1.0])
    value = math.exp(-0.5 * 2.0**2)

    found = averaged_along_cord(maps([1.0, 9.0, 0.0]), STILL, STEP, torch.tensor(1.0), presence)

    assert found[0, 0, 20, 20].item() == pytest.approx(1 / (1 + value), abs=1e-5)


def test_the_cord_of_a_neighbor_is_laid_on_the_own_one() -> None:
    """Discs that lie elsewhere in their windows: the mean is as sharp as if they did not."""
    middles = torch.tensor([[0.0, 0.0], [1.5, -2.0], [-1.0, 0.5]])
    axis = (torch.arange(64) - 31.5) * STEP
    discs = torch.stack(
        [
            (((axis[:, None] - row) ** 2 + (axis[None, :] - column) ** 2) < 3.0**2).float()
            for row, column in middles.tolist()
        ]
    )[:, None]

    found = averaged_along_cord(discs, middles, STEP, torch.tensor(0.1), ALL)
    still = averaged_along_cord(discs, STILL, STEP, torch.tensor(0.1), ALL)

    assert (found - discs).abs().mean() < 0.1 * (still - discs).abs().mean()
