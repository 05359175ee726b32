"""Twenty steps of a tiny network from fixed random numbers have the losses that they always had.

A change of these losses means that training changed. If that was intended, print the new ones:
``python -m tests.training.test_golden``.
"""

import tempfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from scgm.networks.unet import UNet
from scgm.synthesis.draw import Draw
from scgm.training.config.settings import Stage
from scgm.training.engine.loop import Task, fit
from scgm.training.engine.losses import segmentation_loss
from tests.helpers.training_files import Images, session_in

STEPS = 20
GOLDEN = {1: 11.16631, 5: 8.079756, 10: 7.109247, 20: 6.436553}


def losses_of_twenty_steps(folder: Path) -> list[float]:
    """Train on noisy disks within larger disks; return the loss of each step."""
    draw, losses = Draw(0), []
    axis = torch.linspace(-1, 1, 32)
    radius = (axis[:, None] ** 2 + axis[None, :] ** 2).sqrt()
    disks = torch.stack([(radius < 0.8).float(), (radius < 0.4).float()])
    targets = disks[None].expand(4, 2, 32, 32)

    def batch() -> Images:
        return Images(targets.sum(dim=1, keepdim=True) + 0.3 * draw.normal(4, 1, 32, 32))

    def loss(network: nn.Module, batch: Images, _: float) -> Tensor:
        value = segmentation_loss(network(batch.images), targets, torch.ones(4, 2, 1, 1))
        losses.append(float(value.detach()))
        return value

    torch.manual_seed(0)
    stage = Stage(steps=STEPS, batch=4, learning_rate=0.01, schedule="poly")
    fit(UNet((4, 8)), Task("golden", stage, draw, batch, loss), session_in(folder))
    return losses


@pytest.mark.slow
def test_the_losses_of_twenty_steps_are_those_that_were_stored(tmp_path: Path) -> None:
    losses = losses_of_twenty_steps(tmp_path)

    assert len(losses) == STEPS
    found = {step: losses[step - 1] for step in GOLDEN}
    assert found == pytest.approx(GOLDEN, abs=1e-4)
    assert losses[-1] < 0.6 * losses[0]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        printed = losses_of_twenty_steps(Path(name))
    print({step: round(printed[step - 1], 6) for step in GOLDEN})  # noqa: T201
