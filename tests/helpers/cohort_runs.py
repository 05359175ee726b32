"""Runs of ``scgm cohort`` as processes of their own, killed or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MOST_S = 300.0


@dataclass(frozen=True)
class CohortRun:
    """How a cohort is segmented: the folder of the images, the model, and more options."""

    data: Path
    model: Path
    options: tuple[str, ...] = ()

    def start(self, out: Path) -> subprocess.Popen[str]:
        """Start a run in a process group of its own."""
        command = [sys.executable, "-m", "scgm", "cohort", self.data, out, "participant"]
        return subprocess.Popen(
            [*map(str, command), "--model", str(self.model), *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, out: Path) -> str:
        """Run to the end, which must be a good one; return what it said."""
        with started(self, out) as process:
            said, _ = process.communicate(timeout=MOST_S)
        assert process.returncode == 0, said
        return said

    def kill_at(self, out: Path, done: int, later_s: float, *, whole_group: bool) -> bool:
        """Kill a run (SIGKILL); return whether it had not ended by itself.

        It is killed *later_s* after so many images are done (or after its start, for none).
        Workers of a process that was killed alone end by themselves: it waits for that.
        """
        with started(self, out) as process:
            wait_for(lambda: results(out) >= done or process.poll() is not None)
            time.sleep(later_s)
            if process.poll() is not None:
                return False
            (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
            process.wait(MOST_S)
            wait_for(lambda: not group_lives(process.pid))
        return True


@contextmanager
def started(run: CohortRun, out: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a run; nothing of it is left at the end."""
    process = run.start(out)
    try:
        yield process
    finally:
        if process.poll() is None or group_lives(process.pid):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait(MOST_S)
        if process.stdout:
            process.stdout.close()


def group_lives(group: int) -> bool:
    """Tell whether a process of a group lives."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def wait_for(condition: Callable[[], object], most_s: float = MOST_S) -> None:
    """Wait until something is so."""
    until = time.monotonic() + most_s
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def results(out: Path) -> int:
    """Count the images that have a result."""
    return len(list(out.glob("sub-*/anat/*_seg.json")))


def in_tables(out: Path) -> int:
    """Count the images that stand in the table of their subject, which is written after them."""
    tables = out.glob("sub-*/sub-*_images.tsv")
    return sum(len(path.read_text().splitlines()) - 1 for path in tables)


def children(parent: int) -> list[int]:
    """Return the processes that descend from a process, in the order of their numbers (Linux)."""
    found = [parent]
    for number in sorted(int(path.name) for path in Path("/proc").glob("[0-9]*")):
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) in found:
            found.append(number)
    return found[1:]
