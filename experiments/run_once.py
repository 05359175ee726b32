"""One command, timed and weighed in a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Wall-clock seconds from process start to exit, and peak memory in MB."""

    seconds: float
    megabytes: float


_CHILD = """
import resource, subprocess, sys, time
start = time.perf_counter()
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
sys.exit(status)
"""


def cost_of(arguments: list[str], *, threads: int = 2) -> Cost:
    """Run ``scgm ARGUMENTS``, which has to succeed."""
    scgm = str(Path(sys.executable).with_name("scgm"))
    environment = {**os.environ, "SCGM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, scgm, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, megabytes = map(float, done.stdout.split())
    return Cost(seconds, megabytes)
