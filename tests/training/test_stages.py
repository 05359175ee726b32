"""What the networks of a run learn from: the loss that the configuration names, and its recipe."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from scgm.synthesis.draw import Draw
from scgm.synthesis.scenes import SCENE, Scenes
from scgm.synthesis.windows import Crops, WindowBatch
from scgm.training.engine.losses import segmentation_loss
from scgm.training.engine.stages import Networks
from tests.helpers.training_files import session_in


class Undecided(nn.Module):
    """Answers with logits of 0."""

    def forward(self, images: Tensor) -> Tensor:
        """Return two maps of the size of the images."""
        return torch.zeros(len(images), 2, *images.shape[2:])


def networks(folder: Path, **segmenter: object) -> Networks:
    """Return the networks of a configuration; nothing that they learn from is drawn."""
    nothing = torch.zeros(1, SCENE, SCENE)
    flag = torch.ones(1, dtype=torch.bool)
    crops = Crops(nothing, nothing, nothing, flag, flag, flag, torch.zeros(1).long(), torch.ones(1))
    scenes = Scenes(nothing, nothing, nothing, torch.ones(1))
    return Networks(session_in(folder, segmenter=segmenter), scenes, crops, None, (), {})


@pytest.mark.parametrize(("loss", "weight"), [("dice", 0.0), ("dice+entropy", 5.0)])
def test_the_loss_is_the_one_of_the_configuration(tmp_path: Path, loss: str, weight: float) -> None:
    torch.manual_seed(0)
    batch = WindowBatch(torch.rand(2, 1, 8, 8), torch.rand(2, 2, 8, 8), torch.ones(2, 2, 1, 1))
    task = networks(tmp_path, loss=loss).segmenter_task(Draw(0))
    expected = segmentation_loss(
        torch.zeros(2, 2, 8, 8), batch.targets, batch.known, entropy_weight=weight
    )

    assert torch.equal(task.loss(Undecided(), batch, 0.0), expected)


def test_the_batch_is_as_large_as_the_configuration_says(tmp_path: Path) -> None:
    task = networks(tmp_path, batch=6, real_share=1, augmentation="ddc-2018").segmenter_task(
        Draw(0)
    )

    assert len(task.batch().images) == 6
