"""How much phantoms count among the scans."""

import numpy as np
import pytest
import torch

from scgm.phantom.tissues import Tissue
from scgm.synthesis.scenes import Scenes
from scgm.training.data import phantoms as module
from scgm.training.data.phantoms import pack_roots, phantom_scenes, with_phantoms


def scenes(weights: list[float]) -> Scenes:
    maps = torch.zeros(len(weights), 4, 4)
    return Scenes(
        maps, maps, maps, torch.tensor(weights), torch.ones(len(weights), dtype=torch.bool)
    )


def test_the_weights_of_phantoms_sum_to_1_and_all_are_alike() -> None:
    made = []
    drawn = phantom_scenes(4, 0, lambda: made.append(1))

    assert drawn.weight.tolist() == [0.25] * 4
    assert len(made) == 4
    assert drawn.image.shape == drawn.cord.shape


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_cord_of_a_specimen_is_never_taken_out(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """A specimen is nothing but a cord: roots in the medium in its place would look like it."""
    monkeypatch.setattr(module, "EX_VIVO", share)
    monkeypatch.setattr(module, "BRAIN", 0.0)
    monkeypatch.setattr(module, "ROOTS_ALONE", 0.0)

    assert phantom_scenes(4, 0).canal_known.tolist() == [share == 0] * 4


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_phantoms_make_up_their_share_of_the_draws(share: float) -> None:
    both = with_phantoms(scenes([2.0, 4.0]), scenes([0.5, 0.5]), share)

    assert both.weight[:2].tolist() == [2, 4]
    assert float(both.weight[2:].sum() / both.weight.sum()) == pytest.approx(share)


@pytest.mark.parametrize("seed", range(5))
def test_packed_roots_fill_the_back_of_the_sac_and_nothing_else(seed: int) -> None:
    """Row 10 is the rearmost of the sac, which is 20 by 30 points large."""
    labels = np.full((50, 60), Tissue.BONE_CORTEX, np.uint8)
    labels[10:30, 15:45] = Tissue.CSF
    pack_roots(labels, np.random.default_rng(seed))
    roots = labels == Tissue.NERVE_ROOT

    assert 0.3 < roots[10, 15:45].mean() <= 1
    assert roots[29, 25:35].sum() == 0
    assert roots.sum() == roots[10:30, 15:45].sum()


def test_without_a_sac_there_are_no_roots_to_pack() -> None:
    labels = np.full((8, 8), Tissue.BONE_CORTEX, np.uint8)
    pack_roots(labels, np.random.default_rng(0))

    assert set(labels.ravel()) == {Tissue.BONE_CORTEX}
