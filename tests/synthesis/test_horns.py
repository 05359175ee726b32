"""Thin ends of the posterior horns: towards the surface, in the asked share."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from scgm.synthesis.draw import Draw
from scgm.synthesis.horns import ThinEnds, with_thin_horns

PIXEL = 0.125
WHOLE = ThinEnds(share=1.0, width_mm=(0.15, 0.5), reach=(1.0, 1.5))


def shapes(count: int) -> Tensor:
    """Return round cords of 5 mm radius with two horns, whose ends are 2 mm from the surface."""
    axis = (torch.arange(160) - 79.5) * PIXEL
    row, column = axis[:, None], axis[None, :]
    cord = (row**2 + column**2 < 25).float()
    horn = ((column.abs() - 2).abs() < 0.3) & (row > -2.6) & (row < 1)
    return torch.stack([cord, horn.float()])[None].repeat(count, 1, 1, 1)


def test_horns_reach_the_surface_on_both_sides_and_the_cord_stays() -> None:
    before = shapes(20)
    after = with_thin_horns(before, PIXEL, WHOLE, Draw(0))
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
    added = (with_thin_horns(before, PIXEL, WHOLE, Draw(1)) - before)[:, 1].sum(dim=(1, 2))
    width = added * PIXEL**2 / (2 * 2.0)

    least, most = WHOLE.width_mm
    assert least * 0.6 < float(width.min()) < float(width.max()) < most * 1.3


def test_ends_of_a_shorter_reach_stop_before_the_surface() -> None:
    """The horns end 2.6 mm behind the middle, and the surface is 2 mm further."""
    before = shapes(40)
    half = with_thin_horns(before, PIXEL, replace(WHOLE, reach=(0.5, 0.5)), Draw(4))
    row = ((torch.arange(160) - 79.5) * PIXEL)[None, :, None]
    rearmost = torch.where(half[:, 1] >= 0.5, row, torch.inf).flatten(1).amin(dim=1)

    assert bool(((rearmost < -3.3) & (rearmost > -4.1)).all())


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_others_stay_as_they_are(share: float) -> None:
    before = shapes(100)
    after = with_thin_horns(before, PIXEL, replace(WHOLE, share=share), Draw(2))
    changed = (after - before).flatten(1).amax(dim=1) > 0.3

    assert float(changed.float().mean()) == pytest.approx(share, abs=0.15)


def test_a_slice_without_gray_matter_gets_none() -> None:
    before = shapes(3)
    before[:, 1] = 0

    torch.testing.assert_close(with_thin_horns(before, PIXEL, WHOLE, Draw(3)), before)
