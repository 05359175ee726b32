"""How much phantoms count among the scans."""

import pytest
import torch

from scgm.synthesis.scenes import Scenes
from scgm.training.data.phantoms import phantom_scenes, with_phantoms


def scenes(weights: list[float]) -> Scenes:
    maps = torch.zeros(len(weights), 4, 4)
    return Scenes(maps, maps, maps, torch.tensor(weights))


def test_the_weights_of_phantoms_sum_to_1_and_all_are_alike() -> None:
    made = []
    drawn = phantom_scenes(4, 0, lambda: made.append(1))

    assert drawn.weight.tolist() == [0.25] * 4
    assert len(made) == 4
    assert drawn.image.shape == drawn.cord.shape


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_phantoms_make_up_their_share_of_the_draws(share: float) -> None:
    both = with_phantoms(scenes([2.0, 4.0]), scenes([0.5, 0.5]), share)

    assert both.weight[:2].tolist() == [2, 4]
    assert float(both.weight[2:].sum() / both.weight.sum()) == pytest.approx(share)
