"""Scenes for the cord finder: targets, weights, and what lies beyond the field of view."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scgm.networks.preparation import COARSE_MIN, COARSE_MM
from scgm.synthesis.draw import Draw
from scgm.synthesis.scenes import (
    SCENE,
    SCENE_MM,
    Scenes,
    _field_of_view,
    _shifts,
    _targets,
    _through_curves,
    scene_batch,
)
from tests.helpers.label_shapes import disc, one_scene


class InView(Draw):
    """No field of view is cut, and scenes stay in the middle."""

    def chance(self, probability: float, *shape: int) -> torch.Tensor:
        """Return true where a cord is to be taken out as often as that is wanted, else false."""
        return super().chance(probability, *shape) & (len(shape) == 1)

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Return nothing but zeros for shifts."""
        drawn = super().uniform(low, high, *shape)
        return 0 * drawn if shape[1:] == (2,) else drawn


def test_scene_targets_are_probabilities_over_places() -> None:
    batch = scene_batch(one_scene(), 64, Draw(0))

    assert torch.allclose(batch.targets.sum(dim=1), torch.ones(64), atol=1e-4)
    absent = batch.targets[:, -1]
    assert 0 < int(absent.sum()) < 64  # both kinds occur


def test_the_target_lies_on_the_cord() -> None:
    """Where the cord is wholly in view, the brightest spot of these scenes is the target."""
    batch = scene_batch(one_scene(), 32, Draw(0))
    there = (batch.targets[:, -1] == 0) & (batch.weight == 1)
    peak = batch.targets[there, :-1].argmax(dim=1)
    images = batch.images[there, 0].flatten(1)
    value = images.gather(1, peak[:, None])[:, 0]
    middle = images.flatten(1).quantile(0.5, dim=1)

    assert int(there.sum()) >= 8
    assert float((value > middle).float().mean()) > 0.8


def test_a_slice_without_a_cord_counts_half() -> None:
    """A cord that is missed is lost; a slice wrongly called full shows no cord to segment."""
    scene = one_scene()
    without = Scenes(scene.image, scene.inside, 0 * scene.cord, scene.weight, scene.canal_known)

    batch = scene_batch(without, 16, Draw(0))

    assert batch.weight.tolist() == pytest.approx([0.5] * 16)
    assert batch.targets[:, -1].tolist() == [1.0] * 16


def test_a_fifth_of_the_scenes_with_a_cord_has_it_taken_out() -> None:
    """A cord in the middle of a whole view is always seen: those without one count half."""
    batch = scene_batch(one_scene(), 400, InView(0))
    empty = batch.targets[:, -1] == 1

    assert float(empty.float().mean()) == pytest.approx(0.2, abs=0.05)
    assert set(batch.weight[empty].tolist()) == {0.5}
    assert set(batch.weight[~empty].tolist()) == {1.0}


def test_a_cord_that_is_known_by_its_center_alone_is_not_taken_out() -> None:
    """A disc in its middle is no outline: parts of the cord would stay in a scene without one."""
    scenes = replace(one_scene(), canal_known=torch.zeros(1, dtype=torch.bool))

    assert set(scene_batch(scenes, 40, InView(0)).targets[:, -1].tolist()) == {0.0}


def test_random_contrasts_are_straight_between_five_knots_and_differ_between_scenes() -> None:
    places = torch.tensor([0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 2.0]).expand(50, 1, -1)

    heights = _through_curves(places, Draw(0))[:, 0]

    assert torch.allclose(heights[:, 1], (heights[:, 0] + heights[:, 2]) / 2, atol=1e-6)
    assert torch.equal(heights[:, 6], heights[:, 5])  # from the brightest on
    assert 0.2 < float(heights[:, 2].std()) < 0.4
    assert float(heights.min()) >= 0
    assert float(heights.max()) <= 1


def test_only_a_cord_that_is_clearly_there_or_clearly_not_counts() -> None:
    """100 % of a cord in view, 20 % of it, and none: 1, 0 and the weight of an empty slice."""
    cord = disc(COARSE_MIN, 6).expand(3, -1, -1)
    kept = torch.ones(3, COARSE_MIN, COARSE_MIN)
    kept[1, : COARSE_MIN // 2 + 3] = 0  # rows from 3.5 pixels beside the middle on: a fifth
    kept[2] = 0
    shares = (cord * kept).sum(dim=(1, 2)) / cord.sum(dim=(1, 2))

    targets, weight = _targets(cord, kept)

    assert 0.1 < float(shares[1]) < 0.3
    assert torch.allclose(weight, torch.tensor([1.0, 0.0, 0.5]))
    assert targets[:, -1].tolist() == [0.0, 1.0, 1.0]


def test_a_cord_counts_from_35_percent_in_view_and_is_absent_up_to_3() -> None:
    shares = torch.tensor([0.36, 0.34, 0.04, 0.02])
    cord = disc(COARSE_MIN, 6).expand(4, -1, -1)

    targets, weight = _targets(cord, shares[:, None, None].expand_as(cord))

    assert weight.tolist() == pytest.approx([1.0, 0.0, 0.0, 0.5])
    assert targets[:, -1].tolist() == [0.0, 1.0, 1.0, 1.0]


def test_the_target_is_a_peak_of_2_mm_around_the_middle() -> None:
    """A Gaussian of 2 mm on pixels of 1.5 mm."""
    cord = disc(COARSE_MIN, 6)[None].roll((10, -7), dims=(1, 2))
    peak = _targets(cord, torch.ones_like(cord))[0][0, :-1].reshape(COARSE_MIN, COARSE_MIN)
    place = (torch.arange(COARSE_MIN) - (COARSE_MIN - 1) / 2) * 1.5
    row, column = ((peak.sum(dim=axis) * place).sum() for axis in (1, 0))
    spread = ((peak.sum(dim=1) * (place - row) ** 2).sum()).sqrt()

    torch.testing.assert_close(torch.stack([row, column]), torch.tensor([15.0, -10.5]))
    torch.testing.assert_close(spread, torch.tensor(2.0), rtol=0.01, atol=0.0)


@pytest.mark.slow
def test_two_of_five_views_are_padded_with_zeros() -> None:
    """The finder sees r = v / (v + mean), so r / (1 - r) sums to the pixels that count as image.

    The field of view never fills these scenes. In padded ones all pixels count nevertheless.
    """
    batch = scene_batch(one_scene(view_mm=70.0), 250, Draw(0))
    seen = batch.images[:, 0].double()
    counted = (seen / (1 - seen)).sum(dim=(1, 2))
    whole = float(COARSE_MIN**2)
    padded = (counted - whole).abs() < 0.001 * whole

    assert 0.33 < float(padded.float().mean()) < 0.47
    assert float(counted[~padded].max()) < 0.9 * whole


def test_half_of_the_views_lie_within_30_mm_of_the_cord_the_others_within_85() -> None:
    """Along each axis: a half, and of the other half 30 of 85 parts, lie within 30 mm."""
    cord = one_scene().cord.roll((20, -8), dims=(1, 2)).expand(600, -1, -1)
    away = _shifts(cord, Draw(0))[:, 0, 0] - torch.tensor([-8 * SCENE_MM, 20 * SCENE_MM])

    assert 75 < float(away.abs().max()) <= 85.1
    near = float((away.abs() <= 30).float().mean())
    assert near == pytest.approx(0.5 + 0.5 * 30 / 85, abs=0.05)


class Always(Draw):
    """What may happen, happens."""

    def chance(self, probability: float, *shape: int) -> torch.Tensor:
        """Return nothing but true."""
        return torch.ones(shape, dtype=torch.bool)


def test_a_small_view_holds_the_middle_of_the_cord_at_any_place() -> None:
    """At least 2.5 % of its length from its border, and anywhere in between."""
    size = 4 * COARSE_MIN + 1
    cord = disc(size, 4).expand(300, -1, -1)
    kept = _field_of_view(cord, Always(0))
    assert bool(kept[:, size // 2, size // 2].all())
    for shown in (kept.amax(dim=2), kept.amax(dim=1)):
        first, count = shown.argmax(dim=1), shown.sum(dim=1)
        length, place = count * COARSE_MM, ((size - 1) / 2 - first + 0.5) / count

        assert 20 < float(length.min()) < 26
        assert 170 < float(length.max()) < 192
        assert -0.02 < float(place.min()) < 0.1
        assert 0.9 < float(place.max()) < 1.02
        assert float(place.std()) == pytest.approx(0.95 / 12**0.5, abs=0.03)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_scenes_are_finite_bounded_and_drawn_again_by_the_same_seed(seed: int) -> None:
    scenes = one_scene()
    batch, again = (scene_batch(scenes, 4, Draw(seed)) for _ in range(2))

    assert float(batch.images.min()) >= 0
    assert float(batch.images.max()) < 1
    assert float(batch.targets.min()) >= 0
    for name in ("images", "targets", "weight"):
        assert torch.equal(getattr(batch, name), getattr(again, name))
    assert batch.images.shape == (4, 1, COARSE_MIN, COARSE_MIN)
    assert SCENE * 1.25 > COARSE_MIN * 1.5  # a scene is larger than what is seen of it
