"""The progress of a run: lines on the screen, the log, TensorBoard."""

import json
import math
import time
from typing import Protocol

from scgm.errors import ConfigError, OutputError, missing_library
from scgm.training.config.settings import Stage
from scgm.training.engine.session import Session
from scgm.training.engine.state import Place


class Board(Protocol):
    """The part of TensorBoard's writer that is used."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Add a number."""

    def close(self) -> None:
        """Write all that was added."""


SILENT_S = 10.0  # at most, between two lines on the screen


class Progress:
    """Reports on one stage; says nothing unless its process is the lead."""

    def __init__(self, session: Session, stage: Stage, place: Place) -> None:
        self.session, self.stage, self.place = session, stage, place
        self.started, self.first = time.perf_counter(), place.step
        self._reported = self.started
        self.board = _open_board(session, place) if session.config.tensorboard else None

    def step(self) -> None:
        """Report where the stage is, if nothing was reported for a while."""
        if time.perf_counter() - self._reported >= SILENT_S:
            self._say()

    def loss(self, loss: float, rate: float) -> None:
        """Report the mean loss of the latest steps."""
        if not self.session.team.lead:
            return
        speed = self._speed()
        self._log(loss=loss, rate=rate, per_s=speed)
        self._plot(loss=loss, rate=rate, images_per_s=speed)
        self._say(f"loss {loss:.4f}")

    def validation(self, dice: float) -> None:
        """Report the score of a validation."""
        if self.session.team.lead:
            self._log(dice=dice)
            self._plot(dice=dice)

    def close(self) -> None:
        """Write what is not yet written."""
        if self.board:
            self.board.close()

    def _speed(self) -> float:
        """Return images per second, since the stage began in this process."""
        done = self.place.step - self.first
        seconds = time.perf_counter() - self.started
        return done * self.stage.batch * self.session.team.size / seconds

    def _say(self, *more: str) -> None:
        """Print step, scores, speed and the time that is left."""
        place, speed = self.place, self._speed()
        left = (self.stage.steps - place.step) * self.stage.batch * self.session.team.size / speed
        parts = [f"{place.stage} {place.step}/{self.stage.steps}", *more]
        if place.dice is not None and place.best_dice is not None:
            parts.append(f"Dice {place.dice:.3f} (best {place.best_dice:.3f})")
        parts += [f"{speed:.3g} images/s", f"{in_words(left)} left"]
        self.session.report("  ".join(parts))
        self._reported = time.perf_counter()

    def _log(self, **values: float) -> None:
        """Add a line to the log, with numbers of five digits."""
        short = {key: float(f"{value:.5g}") for key, value in values.items()}
        row = {"stage": self.place.stage, "step": self.place.step, **short}
        try:
            with self.session.log.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(row) + "\n")
        except OSError as error:
            msg = (
                f"{self.session.log}: cannot be written ({error.strerror}); continue with --resume"
            )
            raise OutputError(msg) from error

    def _plot(self, **values: float) -> None:
        if self.board:
            for key, value in values.items():
                self.board.add_scalar(f"{self.place.stage}/{key}", value, self.place.step)


def in_words(seconds: float) -> str:
    """Return a duration in two units at most.

    >>> in_words(7), in_words(200), in_words(7500)
    ('7 s', '3 min 20 s', '2 h 5 min')
    """
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def require_tensorboard() -> None:
    """Make sure that TensorBoard's files can be written.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        import torch.utils.tensorboard  # noqa: F401, PLC0415 - an optional library
    except ImportError as error:
        msg = missing_library("tensorboard = true", error.name, "train") + ", or set it to false"
        raise ConfigError(msg) from error


def _open_board(session: Session, place: Place) -> Board | None:
    """Open a folder for a stage; what it holds of later steps will be written again."""
    if not session.team.lead:
        return None
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an optional library

    folder = session.folder / "tensorboard" / place.stage
    board: Board = SummaryWriter(str(folder), purge_step=place.step + 1)
    return board
