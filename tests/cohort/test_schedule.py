"""What is told of images when the connection to the scheduler is lost."""

from collections.abc import Iterator
from typing import Any

import pytest

from scgm.cohort import schedule


class _Task:
    def __init__(self, key: str, images: list[str]) -> None:
        self.key, self.images = key, images
        self.status = "error" if images == ["b"] else "finished"

    def exception(self) -> Exception:
        """Lose the connection."""
        raise ConnectionError

    def release(self) -> None:
        """Forget it."""


class _Ended:
    def __init__(self, **_: object) -> None:
        self.tasks: list[_Task] = []

    def add(self, task: _Task) -> None:
        """Add a task, which has ended at once."""
        self.tasks.append(task)

    def batches(self) -> Iterator[list[_Task]]:
        """Yield the tasks that have ended."""
        while self.tasks:
            batch, self.tasks = self.tasks, []
            yield batch


class _Client:
    """A client whose connection is lost when it is asked for its processes again."""

    loop = None

    def __init__(self, most: float = float("inf")) -> None:
        self.asked = self.submitted = 0
        self.most = most

    def nthreads(self) -> dict[str, int]:
        """Return one process, once."""
        self.asked += 1
        if self.asked > 1:
            raise ConnectionError
        return {"worker": 1}

    def submit(self, _: object, images: list[str], *__: object, **___: object) -> _Task:
        """Return a task, unless the connection is lost."""
        if self.submitted == self.most:
            raise ConnectionError
        self.submitted += 1
        return _Task(str(self.submitted), images)

    def gather(self, tasks: list[_Task]) -> list[list[str]]:
        """Return the images as their outcomes."""
        return [task.images for task in tasks]


@pytest.mark.parametrize("most", [0, 1, 2, float("inf")])
def test_every_image_is_told_or_unfinished_after_the_connection_is_lost(
    monkeypatch: pytest.MonkeyPatch, most: float
) -> None:
    monkeypatch.setattr("distributed.as_completed", _Ended)
    monkeypatch.setattr(schedule, "_PAUSE_S", -1)
    client: Any = _Client(most)
    choices: Any = None
    run = schedule._Run(client, choices)
    waiting: Any = iter("abcde")
    told: list[Any] = []

    with pytest.raises(ConnectionError):
        told.extend(run.outcomes(waiting))  # keeps what was told before the end

    assert sorted([*told, *run.unfinished(), *waiting]) == list("abcde")


def test_what_ended_beside_an_error_is_told_when_the_connection_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("distributed.as_completed", _Ended)
    client: Any = _Client()
    choices: Any = None
    run = schedule._Run(client, choices)
    waiting: Any = iter("abcde")
    told: list[Any] = []

    with pytest.raises(ConnectionError):
        told.extend(run.outcomes(waiting))

    assert told == ["a", "c"]
    assert sorted([*told, *run.unfinished(), *waiting]) == list("abcde")
