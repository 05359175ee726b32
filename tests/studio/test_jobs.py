"""Jobs in processes of their own."""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from scgm.studio.jobs import Job, Jobs, QueueFullError, State
from scgm.studio.limits import Limits

LIMITS = Limits(job_s=20, waiting=2, kept=2)

# A worker that does as it is told.
WORKER = """
import json, os, sys, time
task = json.loads(sys.stdin.readline() or "{}")
say = lambda **said: print(json.dumps(said), flush=True)
if task.get("do") == "work":
    open(task["folder"] + "/made.txt", "w").write("made")
    say(stage="working", ready=["made.txt"])
elif task.get("do") == "sleep":
    say(stage="sleeping", ready=[str(os.getpid())])
    time.sleep(600)
elif task.get("do") == "refuse":
    say(error="this is no image")
    sys.exit(1)
elif task.get("do") == "die":
    os.kill(os.getpid(), 9)
elif task.get("do") == "babble":
    print("no JSON", flush=True)
elif task.get("do") == "ramble":
    say(stage="x" * (1 << 21))
elif task.get("do") == "list":
    print("[1]", flush=True)
"""


def run(check: Callable[[Jobs], Awaitable[Any]], folder: Path, limits: Limits = LIMITS) -> Any:
    async def inside() -> Any:
        jobs = Jobs(folder, limits, (sys.executable, "-c", WORKER))
        await jobs.start()
        try:
            return await check(jobs)
        finally:
            await jobs.stop()

    return asyncio.run(inside())


async def over(job: Job) -> Job:
    while not job.over:
        await asyncio.sleep(0.01)
    return job


async def soon_over(job: Job) -> Job:
    return await asyncio.wait_for(over(job), 15)


async def started(job: Job) -> Job:
    while not job.ready:
        await asyncio.sleep(0.01)
    return job


def is_alive(process: str) -> bool:
    """Tell whether a process runs; one that has ended and waits to be noted does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    except OSError:
        return False
    return state[0] != "Z"


@pytest.mark.parametrize(
    ("do", "state", "error"),
    [
        ("work", State.DONE, ""),
        ("babble", State.DONE, ""),
        ("refuse", State.FAILED, "this is no image"),
        ("die", State.FAILED, "status -9"),
    ],
)
def test_a_job_ends_as_its_process_does(do: str, state: State, error: str, tmp_path: Path) -> None:
    job = run(lambda jobs: over(jobs.submit({"do": do})), tmp_path)

    assert job.state == state
    assert error in job.error


def test_what_a_job_has_made_lies_in_a_folder_of_its_own(tmp_path: Path) -> None:
    job = run(lambda jobs: over(jobs.submit({"do": "work"})), tmp_path)

    assert job.ready == ["made.txt"]
    assert (job.folder / "made.txt").read_text(encoding="utf-8") == "made"
    assert job.folder.parent == tmp_path


def test_after_a_process_that_died_the_next_job_is_done(tmp_path: Path) -> None:
    async def check(jobs: Jobs) -> list[State]:
        first, second = jobs.submit({"do": "die"}), jobs.submit({"do": "work"})
        return [(await over(first)).state, (await over(second)).state]

    assert run(check, tmp_path) == [State.FAILED, State.DONE]


@pytest.mark.parametrize("do", ["ramble", "list"])
def test_after_a_process_that_says_what_cannot_be_read_the_next_job_is_done(
    do: str, tmp_path: Path
) -> None:
    async def check(jobs: Jobs) -> list[Job]:
        first, second = jobs.submit({"do": do}), jobs.submit({"do": "work"})
        return [await soon_over(first), await soon_over(second)]

    first, second = run(check, tmp_path)

    assert (first.state, second.state) == (State.FAILED, State.DONE)
    assert first.error.startswith("the server could not do this job (")
    assert "\n" not in first.error


def test_after_processes_that_could_not_be_started_jobs_are_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    async def check(jobs: Jobs) -> list[Job]:
        with monkeypatch.context() as patched:
            patched.setattr(jobs, "_start_worker", refuse)
            # The first has the process that waited already.
            ended = [await soon_over(jobs.submit({"do": "work"})) for _ in range(2)]
        return [*ended, await soon_over(jobs.submit({"do": "work"}))]

    jobs = run(check, tmp_path)

    assert [job.state for job in jobs] == [State.DONE, State.FAILED, State.DONE]
    assert "(Resource temporarily unavailable)" in jobs[1].error


def test_a_server_whose_queue_has_ended_can_be_stopped(tmp_path: Path) -> None:
    async def broken() -> None:
        raise RuntimeError

    async def check(jobs: Jobs) -> None:
        assert jobs._loop is not None
        jobs._loop.cancel()
        jobs._loop = asyncio.create_task(broken())
        await asyncio.sleep(0)

    run(check, tmp_path)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc to look for processes in")
def test_a_cancelled_job_leaves_no_process(tmp_path: Path) -> None:
    async def check(jobs: Jobs) -> Job:
        job = await started(jobs.submit({"do": "sleep"}))
        assert is_alive(job.ready[0])
        await jobs.cancel(job)
        return job

    job = run(check, tmp_path)

    assert job.state == State.CANCELLED
    assert not is_alive(job.ready[0])


def test_a_job_that_waits_is_cancelled_without_being_started(tmp_path: Path) -> None:
    async def check(jobs: Jobs) -> list[Job]:
        first, second = jobs.submit({"do": "sleep"}), jobs.submit({"do": "work"})
        await started(first)
        await jobs.cancel(second)
        await jobs.cancel(first)
        last = await over(jobs.submit({"do": "work"}))
        return [second, last]

    second, last = run(check, tmp_path)

    assert (second.state, second.ready) == (State.CANCELLED, [])
    assert last.state == State.DONE


def test_a_job_cancelled_while_its_process_starts_is_not_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(jobs: Jobs) -> list[Job]:
        spare, start = jobs._spare, jobs._start_worker
        assert spare is not None
        spare.kill()  # so that the next job needs another process
        await spare.wait()

        async def cancelled_meanwhile() -> Process:
            monkeypatch.setattr(jobs, "_start_worker", start)
            process = await start()
            await jobs.cancel(first)
            return process

        monkeypatch.setattr(jobs, "_start_worker", cancelled_meanwhile)
        first = jobs.submit({"do": "work"})
        return [first, await over(jobs.submit({"do": "work"}))]

    first, second = run(check, tmp_path)

    assert (first.state, first.ready) == (State.CANCELLED, [])
    assert second.state == State.DONE


def test_a_job_that_is_done_stays_done(tmp_path: Path) -> None:
    async def check(jobs: Jobs) -> Job:
        job = await over(jobs.submit({"do": "work"}))
        await jobs.cancel(job)
        return job

    assert run(check, tmp_path).state == State.DONE


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc to look for processes in")
def test_a_job_ends_at_its_time_limit(tmp_path: Path) -> None:
    limits = Limits(job_s=1.5)

    job = run(lambda jobs: over(jobs.submit({"do": "sleep"})), tmp_path, limits)

    assert job.state == State.FAILED
    assert "1.5 s" in job.error
    assert not any(is_alive(process) for process in job.ready)


def test_no_more_jobs_wait_than_are_taken(tmp_path: Path) -> None:
    async def check(jobs: Jobs) -> int:
        await started(jobs.submit({"do": "sleep"}))
        jobs.submit({"do": "work"})
        jobs.submit({"do": "work"})
        with pytest.raises(QueueFullError, match="2 jobs wait"):
            jobs.submit({"do": "work"})
        return len(list(tmp_path.iterdir()))

    assert run(check, tmp_path) == 3


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc to look for processes in")
def test_the_server_takes_its_processes_with_it(tmp_path: Path) -> None:
    job = run(lambda jobs: started(jobs.submit({"do": "sleep"})), tmp_path)

    assert not is_alive(job.ready[0])


def test_only_the_last_results_are_kept(tmp_path: Path) -> None:
    async def check(jobs: Jobs) -> list[Job]:
        return [await over(jobs.submit({"do": "work"})) for _ in range(5)]

    jobs = run(check, tmp_path)

    there = [job.folder.is_dir() for job in jobs]
    assert there == [False, False, True, True, True]
