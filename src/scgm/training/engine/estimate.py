"""How long a training is going to take, measured on a few steps before it starts."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from scgm.training.engine.loop import Task
from scgm.training.engine.session import Session

WORTH_IT = 50  # steps from which on an estimate is made
TRIALS = 2  # steps that are taken; the first one, which is slower, does not count


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """One training of a network: how to make the network, and its task."""

    network: Callable[[], nn.Module]
    task: Task[Any]


def estimated_seconds(plan: Sequence[Planned], session: Session) -> float | None:
    """Return about how many seconds the steps that are left will take; None if they are few.

    Nothing of the run changes: random numbers and weights are those of copies.
    """
    left = _steps_left(plan, session)
    if sum(left) < WORTH_IT:
        return None
    devices = [session.team.device] if session.team.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        return sum(
            steps * _seconds_per_step(planned, session)
            for planned, steps in zip(plan, left, strict=True)
            if steps
        )


def _steps_left(plan: Sequence[Planned], session: Session) -> list[int]:
    """Return the steps of each training that an earlier part of the run has not done."""
    left = [planned.task.stage.steps for planned in plan]
    if session.earlier is None:
        return left
    names = [planned.task.name for planned in plan]
    place = session.earlier.place
    reached = names.index(place.stage)
    return [0] * reached + [left[reached] - place.step] + left[reached + 1 :]


def _seconds_per_step(planned: Planned, session: Session) -> float:
    task = planned.task
    network = copy.deepcopy(planned.network()).to(session.team.device).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.0)
    seconds = 0.0
    for _ in range(TRIALS):
        started = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        task.loss(network, task.batch(), 0.0).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if session.team.device.type == "cuda":
            torch.cuda.synchronize(session.team.device)
        seconds = time.perf_counter() - started
    return seconds
