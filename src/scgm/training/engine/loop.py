"""The training loop of all networks."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from torch import Tensor, nn

from scgm.errors import ScgmError
from scgm.synthesis.draw import Draw
from scgm.training.config.settings import Stage
from scgm.training.engine.files import write_tensors
from scgm.training.engine.learner import Learner, learning_rate
from scgm.training.engine.pictures import PICTURES, draw, spread
from scgm.training.engine.progress import Progress
from scgm.training.engine.session import Session
from scgm.training.engine.state import Place
from scgm.training.engine.validation import Validation

LOG_EVERY = 50
Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True, eq=False)
class Task(Generic[Batch]):
    """What a network learns, from which batches (dataclasses of tensors).

    The third argument of ``loss`` is the share of the steps that is done. ``validate`` scores the
    average of the weights every ``every`` steps; ``patience`` and ``keep`` are those of the
    configuration.
    """

    name: str
    stage: Stage
    draw: Draw
    batch: Callable[[], Batch]
    loss: Callable[[nn.Module, Batch, float], Tensor]
    validate: Callable[[nn.Module], Validation] | None = None
    every: int = 0
    patience: int = 0
    keep: str = "last"


def fit(network: nn.Module, task: Task[Batch], session: Session) -> tuple[nn.Module, Place]:
    """Train a network; return the moving average of its weights, and where training ended.

    Parameters
    ----------
    network
        On the device of the session.
    session
        Its folder gets a line of ``log.jsonl`` every 50 steps and for every validation, a picture
        of every validation, and the state to continue from.

    Raises
    ------
    ScgmError
        If the loss is not finite; the batch is then in the folder.
    """
    learner = Learner(network, task.stage, task.draw, session.team)
    place = _start(learner, task, session)
    if session.config.compile:
        network.compile()
    progress = Progress(session, task.stage, place)
    steps, every = task.stage.steps, session.config.save_every
    while not _over(place, task):
        batch = task.batch()
        loss = task.loss(learner.shared, batch, place.step / steps)
        if not learner.learn(loss, place.step):
            raise _not_finite(batch, float(loss.detach()), place, session)
        place.step += 1
        progress.step()
        if task.validate and (place.step % task.every == 0 or place.step == steps):
            _judge(learner, task.validate, place, session)
            progress.validation(place.dice or 0.0)
        if place.step % LOG_EVERY == 0 or _over(place, task):
            progress.loss(learner.mean_loss(), learning_rate(place.step - 1, task.stage))
        if place.step % every == 0 or _over(place, task):
            session.save(place, learner.tensors())
    progress.close()
    return learner.chosen(task.keep), place


def _start(learner: Learner, task: Task[Any], session: Session) -> Place:
    """Continue where an earlier part of the run stopped, or save where this stage begins."""
    if session.earlier is not None and session.reached(task.name):
        learner.restore(session.earlier.tensors)
        return session.earlier.place
    place = Place(task.name)
    session.save(place, learner.tensors())
    return place


def _over(place: Place, task: Task[Any]) -> bool:
    """Whether all steps are done, or the score has not risen for as many validations as allowed."""
    return place.step >= task.stage.steps or 0 < task.patience <= place.waited


def _judge(
    learner: Learner, validate: Callable[[nn.Module], Validation], place: Place, session: Session
) -> None:
    """Score the average of the weights, draw what it finds, and remember it if it is the best."""
    dice = 0.0
    if session.team.lead:
        found = validate(learner.averaged)
        dice = found.dice
        title = f"{place.stage}, step {place.step}, mean Dice {dice:.3f}"
        path = session.folder / PICTURES / f"{place.stage}-{place.step:06d}.png"
        draw(spread(found.shown), title, path)
    place.dice = session.team.agree(dice)
    better = place.best_dice is None or place.dice > place.best_dice
    if better or place.dice == place.best_dice:  # of equals the later one, which has learned more
        place.best_dice, place.best_step = place.dice, place.step
        learner.remember()
    place.waited = 0 if better else place.waited + 1


def _not_finite(batch: Any, loss: float, place: Place, session: Session) -> ScgmError:
    """Write the batch of a failed step, and return the error that names it."""
    ending = f"-{session.team.rank}" if session.team.rank else ""
    path = session.folder / f"bad_batch{ending}.safetensors"
    tensors = {field.name: getattr(batch, field.name) for field in fields(batch)}
    write_tensors(path, tensors, {"stage": place.stage, "step": str(place.step + 1)})
    return ScgmError(
        f"{session.folder}: at step {place.step + 1} of {place.stage} the loss ({loss}) or its "
        f"gradient is not a number; look at the batch, {path.name}, or lower learning_rate"
    )
