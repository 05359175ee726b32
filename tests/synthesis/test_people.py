"""Shapes of other people: other white matter, swollen gray matter, ends of horns."""

import pytest
import torch

from scgm.synthesis.draw import Draw
from scgm.synthesis.people import (
    WIDER,
    thick_slices,
    with_other_white_matter,
    with_swollen_gray_matter,
)
from tests.helpers.label_shapes import CROP, some_crops


def test_white_matter_differs_while_gray_matter_stays() -> None:
    labels = torch.stack([some_crops().cord[0], some_crops().gm[0]]).expand(200, -1, -1, -1)
    changed = with_other_white_matter(labels, Draw(0))
    torch.testing.assert_close(changed[:, 1], labels[:, 1])
    across = (changed[:, 0].sum(dim=(1, 2)) / labels[:, 0].sum(dim=(1, 2))).sqrt()
    assert across.min() == pytest.approx(WIDER[0], abs=0.01)
    assert across.max() == pytest.approx(WIDER[1], abs=0.01)


def test_gray_matter_stays_within_a_narrower_cord() -> None:
    labels = torch.stack([some_crops().cord[0], some_crops().cord[0]]).expand(50, -1, -1, -1)
    cord, gm = with_other_white_matter(labels, Draw(0)).unbind(dim=1)
    assert (gm <= cord).all()
    assert (gm.sum(dim=(1, 2)) < 0.98 * labels[:, 1].sum(dim=(1, 2))).any()


def test_gray_matter_of_templates_gets_thick_and_thin() -> None:
    ramp = torch.linspace(1, 0, CROP).expand(CROP, -1)
    labels = torch.stack([torch.ones_like(ramp), ramp]).expand(200, -1, -1, -1)
    width = thick_slices(labels, labels, Draw(0))[:, 1, 0].sum(dim=-1) / CROP
    assert width.min() < 0.25
    assert width.max() > 0.55


def test_swollen_gray_matter_leaves_a_rim_and_the_other_shapes_as_they_are() -> None:
    crops = some_crops()
    before = torch.stack([crops.cord[:1], crops.gm[:1]], dim=1).repeat(80, 1, 1, 1)
    after = with_swollen_gray_matter(before, 0.25, 0.4, Draw(5))
    area = before[:, 1].sum(dim=(1, 2))
    growth = after[:, 1].sum(dim=(1, 2)) / area

    torch.testing.assert_close(after[:, 0], before[:, 0])
    assert bool((after[:, 1] >= before[:, 1] - 1e-6).all())
    assert bool((after[:, 1] <= after[:, 0]).all())
    assert float((growth > 1.05).float().mean()) == pytest.approx(0.4, abs=0.15)
    assert float(growth.max()) > 1.5
    assert torch.equal(after[growth < 1.001], before[growth < 1.001])
