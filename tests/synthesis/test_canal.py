"""Canals that are changed: what is put in the place of a cord, and fluid that becomes like it."""

import pytest
import torch
from torch import Tensor

from scgm.synthesis.canal import fade_fluid, take_cord_out
from scgm.synthesis.draw import Draw
from tests.helpers.label_shapes import disc

SIZE, COUNT = 64, 40
BONE, CORD = 0.2, 0.5
SAC = disc(SIZE, 7)


def scan(fluid: float) -> tuple[Tensor, Tensor]:
    """Cord of radius 5 pixels in a sac of radius 7, in bone: images and shares of cord."""
    cord = disc(SIZE, 5)
    image = torch.where(cord > 0, CORD, torch.where(SAC > 0, fluid, BONE))
    return image.expand(COUNT, -1, -1).clone(), cord.expand(COUNT, -1, -1)


@pytest.mark.parametrize("fluid", [1.0, 0.1])
def test_in_front_the_place_of_the_cord_is_fluid(fluid: float) -> None:
    """Also where the fluid is the darker one; its level differs by up to 15 %."""
    image, cord = scan(fluid)

    empty, done = take_cord_out(image, cord, Draw(0))

    assert bool(done.all())
    front = cord.clone()
    front[:, : SIZE // 2 + 3] = 0
    level = (empty * front).sum(dim=(1, 2)) / front.sum(dim=(1, 2)) / fluid
    assert 0.8 < float(level.min()) < 0.95
    assert 1.05 < float(level.max()) < 1.2


@pytest.mark.parametrize(("fluid", "sign"), [(1.0, -1), (0.1, 1)])
def test_behind_there_are_roots_that_differ_from_the_fluid(fluid: float, sign: int) -> None:
    image, cord = scan(fluid)

    empty, _ = take_cord_out(image, cord, Draw(0))

    level = empty[:, SIZE // 2 + 4, 30:34].mean(dim=1)
    off = sign * (empty[:, : SIZE // 2] - level[:, None, None]) * cord[:, : SIZE // 2]
    front = sign * (empty[:, SIZE // 2 + 3 :] - level[:, None, None]) * cord[:, SIZE // 2 + 3 :]
    assert float((off.amax(dim=(1, 2)) > 0.07).float().mean()) > 0.9
    assert float((off > 0.07).float().mean()) > 2 * float((front > 0.07).float().mean())


def test_what_lies_apart_from_the_canal_stays() -> None:
    image, cord = scan(1.0)
    apart = disc(SIZE, 10) == 0

    for changed in (take_cord_out(image, cord, Draw(0))[0], fade_fluid(image, cord, Draw(0))):
        assert torch.equal(changed[:, apart], image[:, apart])
        assert not torch.equal(changed, image)


def test_an_image_without_a_cord_stays_as_it_is() -> None:
    image, cord = scan(1.0)

    empty, done = take_cord_out(image, 0 * cord, Draw(0))

    assert torch.equal(empty, image)
    assert not bool(done.any())


@pytest.mark.parametrize(("fluid", "differs"), [(0.52, False), (0.7, True), (0.46, False)])
def test_a_cord_like_its_fluid_is_not_taken_out(fluid: float, differs: bool) -> None:
    """Without it the image would look the same, and could not be told to show none."""
    image, cord = scan(fluid)

    empty, done = take_cord_out(image, cord, Draw(0))

    assert bool(done.all()) == bool(done.any()) == differs
    assert torch.equal(empty, image) != differs


def test_faded_fluid_keeps_at_most_two_fifths_of_its_difference_from_the_cord() -> None:
    image, cord = scan(1.0)

    faded = fade_fluid(image, cord, Draw(0))

    away = (faded[:, (SAC > 0) & (cord[0] == 0)] - CORD) / (1.0 - CORD)
    assert torch.equal(faded[cord > 0], image[cord > 0])
    assert 0 <= float(away.min()) < 0.05
    assert 0.35 < float(away.max()) <= 0.4


def test_dark_fluid_does_not_fade() -> None:
    image, cord = scan(0.1)

    assert torch.equal(fade_fluid(image, cord, Draw(0)), image)
