"""Scans whose cord is taken out: what is put in its place, and that nothing else changes."""

import pytest
import torch
from torch import Tensor

from scgm.synthesis import cord_removal
from scgm.synthesis.cord_removal import take_cord_out
from scgm.synthesis.draw import Draw
from tests.helpers.label_shapes import disc

SIZE, COUNT = 64, 40
BONE, CORD = 0.2, 0.5


def scan(fluid: float) -> tuple[Tensor, Tensor]:
    """Cord of radius 5 pixels in a sac of radius 7, in bone: images and shares of cord."""
    cord = disc(SIZE, 5)
    sac = disc(SIZE, 7)
    image = torch.where(cord > 0, CORD, torch.where(sac > 0, fluid, BONE))
    return image.expand(COUNT, -1, -1).clone(), cord.expand(COUNT, -1, -1)


@pytest.mark.parametrize("fluid", [1.0, 0.1])
def test_without_roots_the_place_of_the_cord_is_fluid(
    fluid: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the fluid is the darker one; its level differs by up to 15 %."""
    monkeypatch.setattr(cord_removal, "WITH_ROOTS", 0.0)
    image, cord = scan(fluid)

    empty = take_cord_out(image, cord, Draw(0))

    level = (empty * cord).sum(dim=(1, 2)) / cord.sum(dim=(1, 2)) / fluid
    assert 0.8 < float(level.min()) < 0.95
    assert 1.05 < float(level.max()) < 1.2


def test_roots_are_as_dark_as_the_cord_and_most_of_them_lie_at_the_back() -> None:
    image, cord = scan(1.0)

    empty = take_cord_out(image, cord, Draw(0))

    dark = ((empty < 0.75) & (cord > 0)).double()
    back, front = dark[:, : SIZE // 2].sum(dim=(1, 2)), dark[:, SIZE // 2 :].sum(dim=(1, 2))
    assert 0.4 < float((back > 0).double().mean()) <= 0.9
    assert float(back.mean()) > 1.5 * float(front.mean())


def test_what_lies_beyond_the_cord_stays() -> None:
    image, cord = scan(1.0)

    empty = take_cord_out(image, cord, Draw(0))

    assert torch.equal(empty[:, disc(SIZE, 9) == 0], image[:, disc(SIZE, 9) == 0])
    assert not torch.equal(empty, image)


def test_an_image_without_a_cord_stays_as_it_is() -> None:
    image, cord = scan(1.0)

    assert torch.equal(take_cord_out(image, 0 * cord, Draw(0)), image)
