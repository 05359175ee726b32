"""Reading damaged files in processes with little memory: each must end in one sentence, soon."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from types import FrameType

from scgm.errors import ScgmError
from scgm.image.orientation import to_axial
from scgm.io.read import read_labels, read_volume
from tests.helpers.nifti_mutants import mutant, originals

LIMIT_S = 5
LIMIT_BYTES = 10**9
_BATCH = 2000


class TooLong(BaseException):
    """Reading a file took longer than it may."""


def fuzz(count: int, seed: int) -> Counter[str]:
    """Read so many damaged files; return how often reading ended in which way.

    "read" and "refused" (with one sentence that can be printed) are right; everything else is a
    fault: another exception, a warning, more than 5 s, more than 1 GB, the death of the process.
    """
    ends: Counter[str] = Counter()
    for start in range(0, count, _BATCH):
        ends += _in_child(seed + start, min(_BATCH, count - start))
    return ends


def faults_of(ends: Counter[str]) -> dict[str, int]:
    """Return the ends that are not right."""
    return {end: count for end, count in ends.items() if end not in {"read", "refused"}}


def _in_child(seed: int, count: int) -> Counter[str]:
    """Read in a process of its own, which can die."""
    sender, receiver = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(sender)
        try:
            ends = _read_all(seed, count)
            os.write(receiver, "\n".join(f"{n} {end}" for end, n in ends.items()).encode())
        finally:
            os._exit(0)
    os.close(receiver)
    with os.fdopen(sender, "rb") as answer:
        lines = answer.read().decode().splitlines()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    counts = Counter({line.partition(" ")[2]: int(line.partition(" ")[0]) for line in lines})
    if status or counts.total() < count:
        counts[f"the process died ({status}), first file {seed}"] += 1
    return counts


def _read_all(seed: int, count: int) -> Counter[str]:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT_BYTES, used + LIMIT_BYTES))
    signal.signal(signal.SIGALRM, _ring)
    files = originals()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scan.nii.gz")
        return Counter(_end(path, files, number) for number in range(seed, seed + count))


def _end(path: Path, files: list[bytes], number: int) -> str:
    """Read the damaged file of a number; say how it ended."""
    chance = random.Random(number)
    path.write_bytes(mutant(files, chance))
    read = chance.choice((read_volume, read_labels))
    signal.alarm(LIMIT_S)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            to_axial(read(path))
    except ScgmError as error:
        return "refused" if str(error).isprintable() else f"{number}: a sentence of several lines"
    except TooLong:
        return f"{number}: more than {LIMIT_S} s"
    except BaseException as error:
        return f"{number}: {type(error).__name__}: {error}"[:200].replace("\n", " ")
    finally:
        signal.alarm(0)
    return "read"


def _ring(number: int, frame: FrameType | None) -> None:
    raise TooLong


if __name__ == "__main__":
    sys.exit(bool(faults_of(fuzz(int(sys.argv[1]), 0))))
