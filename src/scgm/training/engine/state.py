"""The state of an unfinished run in one file, from which it continues as if never interrupted.

A safetensors file holds the network, its average, the best weights so far, the optimizer and the
random generators; its header holds, as JSON, the configuration and where the run is.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from scgm.errors import ConfigError, ModelError
from scgm.training.config.settings import TrainConfig
from scgm.training.engine.files import read_tensors, write_tensors

STATE = "state.safetensors"
# What may be different when a run continues: nothing that it learns depends on it.
FREE = ("tensorboard", "save_every")


@dataclass(slots=True)
class Place:
    """Where a run is.

    ``step`` counts the steps done of ``stage``; ``dice`` is the latest score, ``best_dice`` and
    ``best_step`` are the best one and its step (None and 0 before any), ``waited`` counts the
    validations since. ``log_bytes`` is the length of the log.
    """

    stage: str
    step: int = 0
    seconds: float = 0.0
    dice: float | None = None
    best_dice: float | None = None
    best_step: int = 0
    waited: int = 0
    log_bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Everything that a run needs to continue."""

    config: TrainConfig
    device: str
    processes: int
    place: Place
    tensors: Mapping[str, Tensor]


def save_state(folder: Path, state: State) -> None:
    """Replace the state in a folder; until that is done, the one before stays whole."""
    head = {
        "config": state.config.model_dump(mode="json"),
        "device": state.device,
        "processes": state.processes,
        "place": asdict(state.place),
    }
    write_tensors(folder / STATE, state.tensors, {"scgm": json.dumps(head)})


def read_state(folder: Path) -> State:
    """Read the state of an unfinished run.

    Raises
    ------
    ConfigError
        If there is none.
    ModelError
        If it is damaged.
    """
    path = folder / STATE
    if not path.is_file():
        msg = f"{folder}: there is no unfinished training to continue; start one without --resume"
        raise ConfigError(msg)
    try:
        tensors, facts = read_tensors(path)
        head = json.loads(facts["scgm"])
        return State(
            TrainConfig.model_validate(head["config"]),
            head["device"],
            head["processes"],
            Place(**head["place"]),
            tensors,
        )
    except (ModelError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = " ".join(str(error).split()).removeprefix(f"{path}: ")
        msg = f"{path}: training cannot continue from it ({why}); start again in another --output"
        raise ModelError(msg) from error


def require_same(folder: Path, state: State, config: TrainConfig) -> None:
    """Refuse to continue with another configuration.

    Raises
    ------
    ConfigError
        Naming the first key that differs.
    """
    before = dict(_flat(state.config.model_dump(mode="json")))
    now = dict(_flat(config.model_dump(mode="json")))
    for key in (*before, *now):
        if key not in FREE and before.get(key) != now.get(key):
            was, is_now = (repr(side[key]) if key in side else "nothing" for side in (before, now))
            msg = (
                f"{folder}: this training was started with {key} = {was}, not {is_now}; continue "
                "with the same configuration, or give another --output"
            )
            raise ConfigError(msg)


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield keys such as ``segmenter.steps`` and ``source.3.site``, and their values."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            rows = {str(index): row for index, row in enumerate(value)}
            yield from _flat(rows, f"{prefix}{key}.")
        elif value != []:
            yield f"{prefix}{key}", value
