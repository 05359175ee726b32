"""Jobs: one at a time, each in a process of its own that can be ended at any moment.

A process that has loaded its libraries waits for the next job, so that none waits for a start.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from scgm.errors import ScgmError
from scgm.studio.limits import Limits

WORKER = (sys.executable, "-P", "-m", "scgm.studio.worker")
_LINE = 1 << 20


class QueueFullError(ScgmError):
    """More jobs wait than are taken."""


class State(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Job:
    """A job, and what became of it."""

    id: str
    folder: Path
    task: dict[str, Any]
    state: State = State.WAITING
    stage: str = ""
    error: str = ""
    ready: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state not in (State.WAITING, State.RUNNING)

    def hear(self, said: dict[str, Any]) -> None:
        """Take what the worker says of itself."""
        self.stage = str(said.get("stage", self.stage))
        self.error = str(said.get("error", self.error))
        self.ready.extend(str(name) for name in said.get("ready", ()))

    def shown(self) -> dict[str, Any]:
        """Return what the page is told."""
        return {
            "job": self.id,
            "state": self.state,
            "stage": self.stage,
            "error": self.error,
            "ready": self.ready,
        }


class Jobs:
    """All jobs of a server.

    Parameters
    ----------
    folder : Path
        Where each job gets a folder of its own.
    limits : Limits
        How long and how many.
    worker : tuple of str
        The program that does a job.
    """

    def __init__(self, folder: Path, limits: Limits, worker: tuple[str, ...] = WORKER) -> None:
        self._folder, self._limits, self._worker = folder, limits, worker
        self._jobs: dict[str, Job] = {}
        self._queue: asyncio.Queue[Job] = asyncio.Queue()
        self._running: tuple[Job, Process] | None = None
        self._spare: Process | None = None
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to work."""
        self._spare = await self._start_worker()
        self._loop = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End all processes and wait for them."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        for process in filter(None, (self._spare, self._running and self._running[1])):
            await _end(process)

    def find(self, job_id: str) -> Job | None:
        """Return a job."""
        return self._jobs.get(job_id)

    def submit(self, task: dict[str, Any]) -> Job:
        """Put a job at the end of the queue.

        Raises
        ------
        QueueFullError
            If too many wait.
        """
        if self._queue.qsize() >= self._limits.waiting:
            msg = f"{self._limits.waiting} jobs wait already; try again when one is done"
            raise QueueFullError(msg)
        number = secrets.token_hex(8)
        folder = self._folder / number
        folder.mkdir()
        job = Job(number, folder, {**task, "folder": str(folder)})
        self._jobs[number] = job
        self._queue.put_nowait(job)
        self._forget_oldest()
        return job

    async def cancel(self, job: Job) -> None:
        """End a job, wherever it is; one that is over is left as it is."""
        if job.over:
            return
        job.state, job.error = State.CANCELLED, "cancelled"
        if self._running is not None and self._running[0] is job:
            await _end(self._running[1])

    async def _work(self) -> None:
        while True:
            job = await self._queue.get()
            if job.over:
                continue
            try:
                await self._run(job)
            except Exception as error:  # noqa: BLE001  (the jobs after it are done all the same)
                _fail(job, f"the server could not do this job ({_reason(error)}); try again")

    async def _run(self, job: Job) -> None:
        process, self._spare = self._spare, None
        if process is None or process.returncode is not None:  # it died while it waited
            process = await self._start_worker()
            if job.over:  # cancelled meanwhile
                self._spare = process
                return
        self._running = job, process
        job.state = State.RUNNING
        try:
            async with asyncio.timeout(self._limits.job_s):
                await _tell(process, job.task)
                await _listen(process, job.hear)
                status = await process.wait()
            _conclude(job, status)
        except TimeoutError:
            _fail(job, f"not done after {self._limits.job_s:g} s; crop the image")
        finally:
            await _end(process)
            self._running = None
        self._spare = await self._start_worker()

    async def _start_worker(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *self._worker,
            json.dumps({"parent": os.getpid(), "memory": self._limits.memory_bytes}),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=_LINE,
        )

    def _forget_oldest(self) -> None:
        over = [job for job in self._jobs.values() if job.over]
        for job in over[: max(0, len(over) - self._limits.kept)]:
            del self._jobs[job.id]
            shutil.rmtree(job.folder, ignore_errors=True)


async def _tell(process: Process, task: dict[str, Any]) -> None:
    assert process.stdin is not None
    with suppress(ConnectionError):  # its end is noticed where it is listened to
        process.stdin.write(json.dumps(task).encode() + b"\n")
        await process.stdin.drain()


async def _listen(process: Process, hear: Callable[[dict[str, Any]], None]) -> None:
    """Take each line that the worker writes, to the end."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        with suppress(ValueError):
            hear(json.loads(line))


def _conclude(job: Job, status: int) -> None:
    if job.over:
        return
    if status == 0 and not job.error:
        job.state = State.DONE
    else:
        _fail(
            job,
            job.error
            or f"the process ended with status {status}; the image may need more memory than "
            "there is",
        )


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError):
        return "its process said what cannot be read"
    return str(getattr(error, "strerror", None) or type(error).__name__)


def _fail(job: Job, sentence: str) -> None:
    if not job.over:
        job.state, job.error = State.FAILED, sentence


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
