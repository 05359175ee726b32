"""A worker does not outlive the process that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scgm.io import parent

# A parent that starts a child, writes down its id, and waits to be killed.
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", CHILD, str(os.getpid())], stdout=subprocess.PIPE)
child.stdout.readline()  # the child watches from here on
print(child.pid, flush=True)
child.wait()
"""
CHILD = """
import sys, time
from scgm.io import parent
ASK
parent.end_with_parent(int(sys.argv[1]))
print("ready", flush=True)
time.sleep(60)
"""
# One of the two ways alone: the signal of the kernel, and the thread.
ONLY_SIGNAL = "parent._watch = lambda _: None"
ONLY_THREAD = "parent._ask_kernel = lambda: None"


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("only", [ONLY_SIGNAL, ONLY_THREAD])
def test_a_worker_ends_when_its_parent_is_killed(only: str) -> None:
    program = PARENT.replace("CHILD", repr(CHILD.replace("ASK", only)))
    running = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ}
    )
    assert running.stdout is not None
    child = int(running.stdout.readline())
    assert is_running(child)

    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    for _ in range(100):
        if not is_running(child):
            break
        time.sleep(0.1)

    assert not is_running(child)


def test_a_worker_whose_parent_is_gone_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)

    parent._watch(os.getppid() + 1)

    assert ended == [1]
