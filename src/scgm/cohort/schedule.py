"""Images segmented side by side by Dask, a few more of them submitted than are being worked on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from scgm.cohort.choices import CohortChoices
from scgm.cohort.clusters import Cluster
from scgm.cohort.image_task import Outcome, failed, process
from scgm.cohort.scans import Scan
from scgm.errors import ScgmError

# Tasks that wait for each process that works: it must never be idle, and few must be in memory.
_WAITING = 2
_RECONNECT_S = 300.0
_PAUSE_S = 2.0


class WorkerLostError(ScgmError):
    """The process that segmented an image was lost, and so was the next one."""


def run_here(scans: Iterable[Scan], choices: CohortChoices) -> Iterator[Outcome]:
    """Segment images one after the other, in this process."""
    for scan in scans:
        yield process(scan, choices)


def run_on(
    cluster: Cluster,
    scans: Iterable[Scan],
    choices: CohortChoices,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Outcome]:
    """Segment images on the workers of a cluster; yield what became of each as it ends.

    Images are taken from *scans* only as workers get free, so that memory does not grow with their
    number. If the scheduler is lost and comes back, what was not done is submitted again.

    Parameters
    ----------
    cluster : Cluster
        The workers.
    scans : iterable of Scan
        The images.
    choices : CohortChoices
        How they are segmented.
    say : callable
        Takes a sentence that the user should read.

    Raises
    ------
    OutputError
        If the scheduler is lost and does not come back.
    """
    waiting: Iterator[Scan] = iter(scans)
    while True:
        run = _Run(cluster.client(), choices)
        try:
            yield from run.outcomes(waiting)
        except _lost_errors():
            unfinished = run.unfinished()
            say(f"the scheduler is lost; waiting for it with {len(unfinished)} images")
            cluster.reconnect(_RECONNECT_S)
            waiting = chain(unfinished, waiting)
            continue
        return


class _Run:
    """Tasks of one connection to the scheduler."""

    def __init__(self, client: Any, choices: CohortChoices) -> None:
        from distributed import as_completed  # noqa: PLC0415  (of an extra)

        self._client = client
        self._choices = choices
        self._scans: dict[str, Scan] = {}
        completed: Any = as_completed
        self._ended = completed(loop=client.loop, raise_errors=False)
        self._most = 1
        self._looked = 0.0

    def outcomes(self, scans: Iterator[Scan]) -> Iterator[Outcome]:
        """Submit images as there is room for them; yield what became of those that ended."""
        self._submit(scans)  # the first image starts before the others are found
        self._look()
        self._submit(scans)
        for batch in self._ended.batches():
            outcomes = self._outcomes(batch)
            self._look()
            self._submit(scans)
            yield from outcomes

    def unfinished(self) -> list[Scan]:
        """Return the images whose end nobody has told yet."""
        return list(self._scans.values())

    def _look(self) -> None:
        """See how many processes there are; they come and go."""
        now = time.monotonic()
        if now - self._looked > _PAUSE_S:
            self._looked = now
            self._most = (1 + _WAITING) * max(1, sum(self._client.nthreads().values()))

    def _submit(self, scans: Iterator[Scan]) -> None:
        for scan in islice(scans, max(self._most - len(self._scans), 0)):
            future = self._client.submit(process, scan, self._choices, pure=False)
            self._scans[future.key] = scan
            self._ended.add(future)

    def _outcomes(self, futures: list[Any]) -> list[Outcome]:
        """Return what became of images whose tasks have ended, and forget these."""
        if any(future.status in ("cancelled", "lost") for future in futures):
            raise ConnectionError
        finished = [future for future in futures if future.status == "finished"]
        outcomes: list[Outcome] = self._client.gather(finished)
        for future in futures:
            scan = self._scans.pop(future.key)
            if future.status == "error":
                outcomes.append(self._lost(scan, future.exception()))
            future.release()
        return outcomes

    def _lost(self, scan: Scan, error: Exception) -> Outcome:
        if type(error).__name__ == "KilledWorker":
            msg = (
                f"{scan.source}: the process that segmented it ended twice without a word, for "
                "want of memory or of time; crop the image, or give fewer processes (--n-procs)"
            )
            error = WorkerLostError(msg)
        return failed(scan, self._choices, error)


def _lost_errors() -> tuple[type[BaseException], ...]:
    """Return what is raised when the scheduler is gone."""
    from distributed.client import FutureCancelledError  # noqa: PLC0415
    from distributed.comm.core import CommClosedError  # noqa: PLC0415

    return (ConnectionError, CommClosedError, FutureCancelledError, TimeoutError)
