"""One step of training, by hand: the limit on gradients, the average of the weights, rounding."""

import pytest
import torch
from torch import nn

from scgm.synthesis.draw import Draw
from scgm.training.config.settings import Stage
from scgm.training.engine.checkpoints import round_weights
from scgm.training.engine.distributed import Team
from scgm.training.engine.learner import Learner
from tests.helpers.training_files import CPU


def learner_of(**values: float) -> Learner:
    """Return a learner of one weight, 3, at a constant rate of 0.01."""
    network = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(network.weight, 3.0)
    stage = Stage.model_validate(
        {
            "steps": 10**6,
            "epoch_steps": 10**6,
            "schedule": "poly",
            "learning_rate": 0.01,
            "weight_decay": 0,
            **values,
        }
    )
    return Learner(network, stage, Draw(0), Team(CPU))


def weight_of(network: nn.Module) -> float:
    return float(next(network.parameters()).detach())


def step(learner: Learner, number: int = 0) -> None:
    """Take a step down 50 times the square of the weight."""
    assert learner.learn(50 * next(learner.network.parameters()).square().sum(), number)


def test_without_a_limit_gradients_move_the_weights() -> None:
    """The first step of Adam is the rate, whatever the gradient: 3 - 0.01."""
    learner = learner_of(clip=0)
    step(learner)

    assert weight_of(learner.network) == pytest.approx(2.99)
    # 100 w, not limited
    assert float(next(learner.network.parameters()).grad) == pytest.approx(300)


def test_a_limit_is_the_largest_norm_of_a_gradient() -> None:
    learner = learner_of(clip=5)
    step(learner)

    assert float(next(learner.network.parameters()).grad) == pytest.approx(5, rel=1e-4)


@pytest.mark.parametrize(
    ("number", "average", "decay"),
    [(0, 0.998, 0.1), (8, 0.998, 0.5), (10_000, 0.998, 0.998), (8, 0.25, 0.25), (8, 0.0, 0.0)],
)
def test_the_average_of_the_weights_follows_quickly_at_first(
    number: int, average: float, decay: float
) -> None:
    """Its decay at step n is (n + 1) / (n + 10), and at most that of the stage."""
    learner = learner_of(average=average)
    step(learner, number)
    moved = weight_of(learner.network)

    expected = decay * 3 + (1 - decay) * moved
    assert weight_of(learner.averaged) == pytest.approx(expected, abs=1e-6)
    assert moved != 3


def test_weights_of_convolutions_are_rounded_to_half_precision_and_no_others() -> None:
    """Half precision has ten bits behind the point: 1 + 2 ** -12 becomes 1."""
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), nn.Linear(1, 1))
    for values in network.parameters():
        nn.init.constant_(values, 1 + 2.0**-12)
    round_weights(network)

    found = {name: float(value) for name, value in network.state_dict().items()}
    assert [found[f"{layer}.weight"] for layer in range(3)] == [1, 1 + 2.0**-12, 1]
    assert found["0.bias"] == 1 + 2.0**-12


def test_a_loss_is_reported_as_the_mean_since_the_last_report() -> None:
    learner = learner_of(clip=0)
    losses = []
    for number in range(2):
        losses.append(50 * weight_of(learner.network) ** 2)
        step(learner, number)

    assert learner.mean_loss() == pytest.approx(sum(losses) / 2)
    step(learner, 2)
    assert learner.mean_loss() < losses[1]
    assert bool(torch.isfinite(torch.tensor(weight_of(learner.averaged))))
