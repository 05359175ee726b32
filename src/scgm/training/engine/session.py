"""A run as its parts see it: configuration, folder, device, and its state on disk."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from scgm.errors import OutputError
from scgm.training.config.settings import TrainConfig
from scgm.training.engine.compute import Compute
from scgm.training.engine.distributed import Team
from scgm.training.engine.state import Place, State, save_state

Report = Callable[[str], None]
LOG = "log.jsonl"


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One run, as one of its processes sees it.

    ``earlier`` is the state that it continues from. ``started`` is the time, by the clock of this
    process, at which it would have started if it had not been interrupted.
    """

    config: TrainConfig
    folder: Path
    team: Team
    compute: Compute
    report: Report
    earlier: State | None
    started: float

    @property
    def seconds(self) -> float:
        """Seconds that the run has taken so far, earlier parts of it included."""
        return time.perf_counter() - self.started

    @property
    def log(self) -> Path:
        """The file with a line for every report."""
        return self.folder / LOG

    def reached(self, stage: str) -> bool:
        """Whether the earlier part of the run got as far as this stage and no further."""
        return self.earlier is not None and self.earlier.place.stage == stage

    def save(self, place: Place, tensors: Mapping[str, Tensor]) -> None:
        """Write the state, if this process is the one that writes."""
        if not self.team.lead:
            return
        length = self.log.stat().st_size if self.log.exists() else 0
        place = replace(place, seconds=self.seconds, log_bytes=length)
        team = self.team
        state = State(self.config, team.device.type, team.size, place, tensors)
        save_state(self.folder, state)


def cut_log(folder: Path, place: Place) -> None:
    """Remove from the log what was done after the state was saved: it will be done again."""
    log = folder / LOG
    try:
        if log.stat().st_size > place.log_bytes:
            with log.open("rb+") as file:
                file.truncate(place.log_bytes)
    except FileNotFoundError:
        return
    except OSError as error:
        msg = f"{log}: it cannot be written ({error.strerror}); check the folder"
        raise OutputError(msg) from error
