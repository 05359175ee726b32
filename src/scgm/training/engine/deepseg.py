"""Training of the cascade: pre-training, the cord's network, then that of gray matter.

Stacks are painted from label shapes alone, so no scan that is segmented later has been seen.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from scgm.networks.deepseg import CORD_BOX, GRAY_BOX, Cascade, EncoderNetwork, SliceConv
from scgm.synthesis.deformation import Deformation
from scgm.synthesis.draw import Draw
from scgm.synthesis.stacks import StackBatch, stack_batch
from scgm.synthesis.windows import Crops
from scgm.training.config.settings import DeepsegStage, Stage
from scgm.training.engine.boltzmann import Schedule, pretrain
from scgm.training.engine.checkpoints import load_weights, round_weights, save_weights
from scgm.training.engine.estimate import Planned
from scgm.training.engine.loop import Task, fit
from scgm.training.engine.session import Session
from scgm.training.engine.state import Place
from scgm.training.engine.validation import slice_dice

# The cord finder puts the box on the cord to some millimeters, the cord's network the crop closer.
CORD_BENT, GRAY_BENT = Deformation(shift_mm=5.0), Deformation(shift_mm=2.0)
THRESHOLDS = tuple(number / 40 for number in range(4, 40))  # 0.1 to 0.975


def train_cascade(stage: DeepsegStage, crops: Crops, session: Session) -> tuple[Cascade, Place]:
    """Train both networks as a part of a run; also return where the last training ended.

    A run that is resumed after the cord's network was done reads that network from the folder.
    """
    cascade = Cascade(stage.cord_filters, stage.gray_filters).to(session.team.device)
    for part in parts_of(stage):
        network = getattr(cascade, part.name)
        trained, place = _trained(network, part, stage, crops, session)
        setattr(cascade, part.name, trained)
    return cascade.eval(), place


@dataclass(frozen=True, slots=True)
class Part:
    """One of the two networks: its stage, its boxes, and which label it is to find."""

    name: Literal["cord", "gray"]
    stage: Stage
    size: int
    how: Deformation
    seed: int

    def target(self, batch: StackBatch) -> Tensor:
        """Return the shares (n, Z, Y, X) of what the network is to find."""
        return batch.cord if self.name == "cord" else batch.gm


def parts_of(stage: DeepsegStage) -> tuple[Part, Part]:
    """Return what there is to train, in order; seeds lie behind those of the other networks."""
    return (
        Part("cord", stage.cord, CORD_BOX, CORD_BENT, seed=3),
        Part("gray", stage.gray, GRAY_BOX, GRAY_BENT, seed=4),
    )


def _trained(
    network: EncoderNetwork, part: Part, stage: DeepsegStage, crops: Crops, session: Session
) -> tuple[nn.Module, Place]:
    """Pre-train and train one network, choose its threshold, and save it."""
    path = session.folder / f"{part.name}.safetensors"
    if part.name == "cord" and session.reached("gray"):
        return load_weights(network, path), Place("cord")
    task = _task(part, stage, crops, session)
    if not session.reached(part.name):
        _pretrain(network, stage, task, session)
        start_at(network, stage.sensitivity[0])
    torch.compiler.reset()  # else the second network, of another size, is compiled for any size
    averaged, place = fit(network, task, session)
    round_weights(averaged)
    threshold = choose_threshold(averaged, part, task.batch, stage.threshold_batches)
    averaged.get_buffer("level").fill_(math.log(threshold / (1 - threshold)))
    session.report(f"{part.name}: threshold {threshold:.3f}")
    if session.team.lead:
        save_weights(averaged, path)
    return averaged, place


def planned_cascade(stage: DeepsegStage, crops: Crops, session: Session) -> list[Planned]:
    """Return both trainings, with random numbers of their own; pre-training is not among them."""

    def network(part: Part) -> nn.Module:
        cascade = Cascade(stage.cord_filters, stage.gray_filters)
        return cascade.cord if part.name == "cord" else cascade.gray

    return [
        Planned(partial(network, part), _task(part, stage, crops, session))
        for part in parts_of(stage)
    ]


def _task(part: Part, stage: DeepsegStage, crops: Crops, session: Session) -> Task[StackBatch]:
    """Return the task of one network."""
    draw = Draw(session.team.seed(session.config.seed + part.seed), session.team.device)
    stacks = part.stage.batch // stage.depth

    def batch() -> StackBatch:
        return stack_batch(crops, stacks, stage.depth, part.size, part.how, draw)

    def loss(network: nn.Module, batch: StackBatch, done: float) -> Tensor:
        with torch.autocast(batch.images.device.type, torch.bfloat16, session.compute.mixed):
            logits = network(batch.images)
        first, last = stage.sensitivity
        sensitivity = first + (last - first) * done
        return error_of(torch.sigmoid(logits.float()), part.target(batch), sensitivity)

    return Task(part.name, part.stage, draw, batch, loss)


def _pretrain(
    network: EncoderNetwork, stage: DeepsegStage, task: Task[StackBatch], session: Session
) -> None:
    """Start a network from machines that learned from a few batches, their labels not used."""
    if not stage.pretraining_epochs:
        return
    session.report(f"pre-training the network of the {task.name}")
    images = [task.batch().images for _ in range(stage.pretraining_batches)]
    schedule = Schedule(stage.pretraining_epochs, stage.pretraining_rate, session.compute.mixed)
    for number, trained in enumerate(pretrain(network, images, schedule, task.draw), start=1):
        error = sum(trained.errors[-len(images) :]) / len(images)
        session.report(f"pre-training, machine {number}: error {error:.3f}")


@torch.no_grad()
def start_at(network: EncoderNetwork, probability: float) -> None:
    """Let a network start around a probability; r of the loss is the best that is constant.

    Elsewhere the first steps push all kernels of the last layer down together until the answer is
    that constant, and little is left in them to learn from.
    """
    last = network.deconv[0]
    assert isinstance(last, SliceConv)
    assert last.bias is not None
    last.bias.fill_(math.log(probability / (1 - probability)))


def error_of(probability: Tensor, target: Tensor, sensitivity: float) -> Tensor:
    """Return the mean over stacks of the weighted squared errors within and without a tissue.

    ``r * sum S (S - y)^2 / sum S + (1 - r) * sum (1 - S) (S - y)^2 / sum (1 - S)`` for each stack
    (n, Z, Y, X) of probabilities y and shares S; an empty sum adds nothing.
    """
    square = (target - probability) ** 2
    within = _mean(square, target)
    without = _mean(square, 1 - target)
    return (sensitivity * within + (1 - sensitivity) * without).mean()


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of each stack (n,); 0 where nothing has weight."""
    return (values * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3)).clamp(min=1e-6)


@torch.no_grad()
def choose_threshold(
    network: nn.Module, part: Part, batch: Callable[[], StackBatch], count: int
) -> float:
    """Return the threshold with the highest mean Dice over the slices of painted batches."""
    total = torch.zeros(len(THRESHOLDS))
    for _ in range(count):
        drawn = batch()
        probability = torch.sigmoid(network(drawn.images)).flatten(0, 1)
        truth = part.target(drawn).flatten(0, 1)
        for index, threshold in enumerate(THRESHOLDS):
            # slice_dice cuts at 0.5; slices without the tissue do not count.
            found = (probability >= threshold).float()
            total[index] += slice_dice(found, truth).nansum().cpu()
    return THRESHOLDS[int(total.argmax())]
