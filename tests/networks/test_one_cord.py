"""Of the pieces of a map, those that hang together with its middle are the cord."""

import pytest
import torch
from torch import Tensor

from scgm.networks.one_cord import without_other_pieces

SIZE, STEP_MM = 112, 0.25
AT_MM = (torch.arange(SIZE) - (SIZE - 1) / 2) * STEP_MM
ROWS, COLUMNS = AT_MM[:, None], AT_MM[None, :]
FROM_MIDDLE_MM = (ROWS**2 + COLUMNS**2).sqrt()


def disc(row_mm: float, column_mm: float, radius_mm: float) -> Tensor:
    away = (ROWS - row_mm) ** 2 + (COLUMNS - column_mm) ** 2
    return (away <= radius_mm**2).float()


def factor(cord: Tensor, step_mm: float = STEP_MM) -> Tensor:
    return without_other_pieces(cord[None], step_mm)[0]


CORD = ((ROWS / 4) ** 2 + (COLUMNS / 7) ** 2 <= 1).float()
RING = ((FROM_MIDDLE_MM >= 9) & (FROM_MIDDLE_MM <= 12)).float()


def test_a_ring_around_the_cord_is_taken_away_and_the_cord_stays() -> None:
    kept = factor(torch.maximum(CORD, RING))

    assert kept[CORD > 0].min() == 1
    assert kept[RING > 0].max() == 0


@pytest.mark.parametrize("turns", range(4))
def test_a_narrow_bridge_joins_no_pieces(turns: int) -> None:
    bridge = ((COLUMNS.abs() <= 0.25) & (ROWS >= 0) & (ROWS <= 10)).float()
    cord, ring, both = (
        torch.rot90(each, turns)
        for each in (CORD, RING, torch.maximum(torch.maximum(CORD, RING), bridge))
    )
    kept = factor(both)

    assert kept[cord > 0].min() == 1
    assert kept[ring > 0].mean() < 0.02


@pytest.mark.parametrize(
    "cord",
    [CORD, 0.7 * CORD, disc(0, 0, 1.5), disc(3, 2, 5), disc(9, 9, 4), 0.4 * RING, 0 * CORD],
    ids=["usual", "unsure", "small", "beside", "far away", "faint ring", "none"],
)
def test_a_map_of_one_piece_or_with_none_in_the_middle_stays_as_it_is(cord: Tensor) -> None:
    assert factor(cord).min() == 1


def test_two_halves_of_a_cord_both_belong_to_it() -> None:
    """A dark band of 1 mm through the cord, as a lesion."""
    halves = CORD * (COLUMNS.abs() >= 0.5)

    assert factor(halves)[halves > 0].min() == 1


def test_finer_pixels_and_odd_sizes_are_taken_alike() -> None:
    fine = torch.maximum(CORD, RING).repeat_interleave(2, 0).repeat_interleave(2, 1)[:-1, :-1]
    kept = factor(fine, STEP_MM / 2)

    cord, ring = (
        each.repeat_interleave(2, 0).repeat_interleave(2, 1)[:-1, :-1] for each in (CORD, RING)
    )
    assert kept.shape == fine.shape
    assert kept[cord > 0].min() == 1
    assert kept[ring > 0].mean() < 0.02


def test_the_far_end_of_a_wide_cord_beside_the_middle_stays_in_fine_pixels() -> None:
    at_mm = (torch.arange(224) - 111.5) * 0.125
    cord = (((at_mm[None, :] - 4) / 9) ** 2 + (at_mm[:, None] / 4.5) ** 2 <= 1).float()

    assert factor(cord, 0.125).min() == 1


def test_slices_do_not_look_at_each_other() -> None:
    maps = torch.stack([CORD, torch.maximum(CORD, RING), RING])
    together = without_other_pieces(maps, STEP_MM)

    for one, alone in zip(together, maps, strict=True):
        assert torch.equal(one, factor(alone))
