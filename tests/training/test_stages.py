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


def crops_of(cord: Tensor) -> Crops:
    """Return one crop (1, y, x) without gray matter."""
    nothing, flag = torch.zeros_like(cord), torch.ones(1, dtype=torch.bool)
    return Crops(nothing, cord, nothing, flag, flag, flag, torch.zeros(1).long(), torch.ones(1))


def networks(folder: Path, fine: Crops | None = None, **segmenter: object) -> Networks:
    """Return the networks of a configuration; nothing is drawn but what is ``fine``."""
    nothing = torch.zeros(1, SCENE, SCENE)
    scenes = Scenes(nothing, nothing, nothing, torch.ones(1), torch.ones(1, dtype=torch.bool))
    session = session_in(folder, segmenter=segmenter)
    return Networks(session, scenes, crops_of(nothing), fine, (), {})


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


@pytest.mark.parametrize(("share", "count"), [(0.01, 1), (0.3, 3), (1.0, 10)])
def test_a_share_of_each_batch_has_fine_pixels(tmp_path: Path, share: float, count: int) -> None:
    """Fine crops are full of cord, the others have none."""
    fine = crops_of(torch.ones(1, SCENE, SCENE))
    made = networks(tmp_path, fine, batch=10, fine_share=share, finest_mm=0.125, real_share=0)
    batch = made.segmenter_task(Draw(0)).batch()

    assert len(batch.images) == len(batch.targets) == len(batch.known) == 10
    assert int((batch.targets[:, 0].amax(dim=(1, 2)) > 0.5).sum()) == count


@pytest.mark.parametrize(("network", "channels"), [("unet", 2), ("ddc", 1)])
def test_windows_tell_how_large_their_pixels_are(
    tmp_path: Path, network: str, channels: int
) -> None:
    """Two of ten are fine; the network of the paper has one input, as published."""
    fine = crops_of(torch.ones(1, SCENE, SCENE))
    made = networks(
        tmp_path,
        fine,
        network=network,
        batch=10,
        fine_share=0.2,
        finest_mm=0.125,
        real_share=0,
    )
    images = made.segmenter_task(Draw(0)).batch().images

    assert images.shape[1] == channels
    assert made.segmenter()(images).shape[1] == 2
    if network == "unet":
        assert images[:, 1].amax(dim=(1, 2)).tolist() == [0.0] * 8 + [-1.0] * 2
        assert torch.equal(images[:, 1].amax(dim=(1, 2)), images[:, 1].amin(dim=(1, 2)))
