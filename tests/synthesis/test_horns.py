"""Thin ends of the posterior horns: from the horn to the surface, in the asked share."""

import pytest
import torch
from torch import Tensor

from scgm.synthesis.draw import Draw
from scgm.synthesis.horns import WIDTH_MM, with_thin_horns

PIXEL = 0.125


def shapes(count: int) -> Tensor:
    """Return round cords of 5 mm radius with two horns, whose ends are 2 mm from the surface."""
    axis = (torch.arange(160) - 79.5) * PIXEL
    row, column = axis[:, None], axis[None, :]
    cord = (row**2 + column**2 < 25).float()
    horn = ((column.abs() - 2).abs() < 0.3) & (row > -2.6) & (row < 1)
    return torch.stack([cord, horn.float()])[None].repeat(count, 1, 1, 1)


def test_horns_reach_the_surface_on_both_sides_and_the_cord_stays() -> None:
    before = shapes(20)
    after = with_thin_horns(before, PIXEL, 1.0, Draw(0))
    gm = after[:, 1] >= 0.5
    rim = torch.nn.functional.max_pool2d(1 - before[:, :1], 3, 1, 1)[:, 0] * before[:, 0]

    torch.testing.assert_close(after[:, 0], before[:, 0])
    assert bool((after[:, 1] >= before[:, 1]).all())
    for side in (slice(0, 80), slice(80, 160)):
        assert bool((gm & (rim > 0))[:, :80, side].flatten(1).any(dim=1).all())
    assert not bool((gm & (before[:, 0] == 0)).any())


def test_they_are_between_0_15_and_0_5_mm_wide() -> None:
    """About 2.2 mm to the surface on each side: the area over the length is the width."""
    before = shapes(60)
    added = (with_thin_horns(before, PIXEL, 1.0, Draw(1)) - before)[:, 1].sum(dim=(1, 2))
    width = added * PIXEL**2 / (2 * 2.0)

    assert WIDTH_MM[0] * 0.6 < float(width.min()) < float(width.max()) < WIDTH_MM[1] * 1.3


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_others_stay_as_they_are(share: float) -> None:
    before = shapes(100)
    changed = (with_thin_horns(before, PIXEL, share, Draw(2)) - before).flatten(1).amax(dim=1) > 0.3

    assert float(changed.float().mean()) == pytest.approx(share, abs=0.15)


def test_a_slice_without_gray_matter_gets_none() -> None:
    before = shapes(3)
    before[:, 1] = 0

    torch.testing.assert_close(with_thin_horns(before, PIXEL, 1.0, Draw(3)), before)
