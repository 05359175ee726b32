"""How far a cohort is: images done, images a minute, and the time that is left."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console

from scgm.cli.console import Messages, counted
from scgm.cli.log import log
from scgm.io.text import printable

if TYPE_CHECKING:
    from scgm.cohort.image_task import Outcome

# Where no person looks, as in the log of a batch job: a line from time to time.
_LINE_EVERY_S = 30.0


@dataclass(slots=True)
class CohortProgress:
    """Counts what became of the images of a cohort, and shows it."""

    messages: Messages
    states: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    total: int | None = None  # not known until all images are found
    started: float = field(default_factory=time.monotonic)
    _bar: Any = None
    _told: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """How many images have a result."""
        return self.states.total() - self.failed

    @property
    def failed(self) -> int:
        """How many images have none."""
        return self.states["failed"]

    @contextmanager
    def shown(self, count: Callable[[], int]) -> Iterator[None]:
        """Show how far it is while images are segmented; *count* them beside that."""
        threading.Thread(target=self._count, args=(count,), daemon=True).start()
        self.started = self._told = time.monotonic()
        console = Console(stderr=True)
        if self.messages.quiet or not console.is_terminal:
            yield
            return
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}", markup=False))
        with Progress(*columns, console=console, transient=True) as bar:
            self._bar = bar, bar.add_task(self.line(), total=None)
            yield
        self._bar = None

    def add(self, outcome: Outcome) -> None:
        """Take what became of an image; say it if it failed."""
        self.states[outcome.state] += 1
        if outcome.state == "failed":
            name = printable(outcome.source)
            sentence = printable(outcome.reason)
            self.messages.error(sentence if name in sentence else f"{name}: {sentence}")
            log(outcome.trace)
            self.faults += bool(outcome.trace)
        elif outcome.state == "edited":
            self.messages.warning(f"{outcome.source}: its result was changed by hand, and is kept")
        self._show()

    def line(self) -> str:
        """Say how far it is, in one line."""
        ended, speed = self.states.total(), self._a_minute()
        of_all = "" if self.total is None else f" of {self.total}"
        left = ""
        if self.total is not None and speed:
            left = f", {_duration(60 * (self.total - ended) / speed)} left"
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{ended}{of_all} images, {speed:.1f} a minute{left}{failed}"

    def tell(self) -> None:
        """Say at the end what became of all images."""
        words = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        ended = counted(self.states.total(), "image")
        self.messages.result(f"{ended}: {words or 'none found'}; {self._a_minute():.1f} a minute")

    def _a_minute(self) -> float:
        """Return how many images ended in a minute so far."""
        minutes = (time.monotonic() - self.started) / 60
        return self.states.total() / minutes if minutes else 0.0

    def _show(self) -> None:
        if self._bar is not None:
            bar, task = self._bar
            bar.update(
                task, description=self.line(), total=self.total, completed=self.states.total()
            )
        elif time.monotonic() - self._told > _LINE_EVERY_S and not self.messages.quiet:
            self._told = time.monotonic()
            sys.stderr.write(f"{self.line()}\n")

    def _count(self, count: Callable[[], int]) -> None:
        try:
            self.total = count()
        except Exception:  # noqa: BLE001  the time left is not worth an error
            self.total = None


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
