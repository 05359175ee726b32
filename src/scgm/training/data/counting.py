"""A line now and then about how far a long preparation is."""

import time
from collections.abc import Callable

SILENT_S = 5.0  # at least, between two lines


class Counter:
    """Counts things that are done, and reports the count every few seconds.

    Parameters
    ----------
    report
        Is given the line.
    what
        What is counted, as the line says it.
    total
        How many there are.
    """

    def __init__(self, report: Callable[[str], None], what: str, total: int) -> None:
        self.report, self.what, self.total = report, what, total
        self.done, self._reported = 0, time.monotonic()

    def step(self) -> None:
        """Count one more."""
        self.done += 1
        now = time.monotonic()
        if now - self._reported >= SILENT_S:
            self._reported = now
            self.report(f"{self.what}: {self.done} of {self.total}")
