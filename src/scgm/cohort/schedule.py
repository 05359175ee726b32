"""Images segmented side by side by Dask, a few more of them submitted than are being worked on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from scgm.cohort.choices import CohortChoices
from scgm.cohort.clusters import Cluster
from scgm.cohort.image_task import Outcome, failed, process, process_all
from scgm.cohort.scans import Scan
from scgm.errors import ScgmError

# Tasks that wait for each process that works: it must never be idle, and few must be in memory.
_WAITING = 2
_CORES_FOR_ONE, _MOST_IN_TASK = 32, 16
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


def images_in_task(cores: int) -> int:
    """Return how many images a task holds: many workers would wait for who hands them out.

    >>> images_in_task(2), images_in_task(64), images_in_task(500), images_in_task(10_000)
    (1, 2, 15, 16)
    """
    return min(max(cores // _CORES_FOR_ONE, 1), _MOST_IN_TASK)


class _Run:
    """Tasks of one connection to the scheduler."""

    def __init__(self, client: Any, choices: CohortChoices) -> None:
        from distributed import as_completed  # noqa: PLC0415  (of an extra)

        self._client = client
        self._choices = choices
        self._tasks: dict[str, list[Scan]] = {}
        self._again: list[Scan] = []
        self._being_submitted: list[Scan] = []
        completed: Any = as_completed
        self._ended = completed(loop=client.loop, raise_errors=False)
        self._cores = 1
        self._looked = 0.0

    def outcomes(self, scans: Iterator[Scan]) -> Iterator[Outcome]:
        """Submit images as there is room for them; yield what became of those that ended."""
        self._submit([next(scans, None)])  # the first one starts before the others are found
        self._fill(scans)
        for batch in self._ended.batches():
            yield from self._outcomes(batch)  # told before the connection may be lost
            self._fill(scans)

    def unfinished(self) -> list[Scan]:
        """Return the images whose end nobody has told yet."""
        submitted = chain.from_iterable(self._tasks.values())
        return [*submitted, *self._again, *self._being_submitted]

    def _fill(self, scans: Iterator[Scan]) -> None:
        """Submit tasks, a few more than there are processes, which come and go."""
        now = time.monotonic()
        if now - self._looked > _PAUSE_S:
            self._looked = now
            self._cores = max(1, sum(self._client.nthreads().values()))
        while self._again:
            self._submit([self._again.pop()])
        while len(self._tasks) < (1 + _WAITING) * self._cores:
            if not self._submit(list(islice(scans, images_in_task(self._cores)))):
                return

    def _submit(self, scans: Sequence[Scan | None]) -> bool:
        """Submit one task; return whether it has any image."""
        images = [scan for scan in scans if scan is not None]
        if images:
            self._being_submitted = images
            future = self._client.submit(process_all, images, self._choices, pure=False)
            self._tasks[future.key] = images
            self._being_submitted = []
            self._ended.add(future)
        return bool(images)

    def _outcomes(self, futures: list[Any]) -> Iterator[Outcome]:
        """Yield what became of images whose tasks have ended, and forget these."""
        status = {future.key: future.status for future in futures}
        if not {"cancelled", "lost"}.isdisjoint(status.values()):
            raise ConnectionError
        finished = [future for future in futures if status[future.key] == "finished"]
        results = self._client.gather(finished)
        for future, outcomes in zip(finished, results, strict=True):
            del self._tasks[future.key]
            yield from outcomes
            future.release()
        for future in futures:
            if status[future.key] == "error":
                yield from self._outcomes_of_error(future)
                future.release()

    def _outcomes_of_error(self, future: Any) -> list[Outcome]:
        images, outcomes = self._tasks[future.key], []
        if len(images) == 1:
            outcomes.append(self._lost(images[0], future.exception()))
        else:
            self._again += images  # one by one, as only one of them need be to blame
        del self._tasks[future.key]
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
