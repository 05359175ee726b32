"""A worker ends when the process that started it has ended, however that came about."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.5


def end_with_parent(parent: int) -> None:
    """End this process soon after process *parent*, which started it, has ended.

    Linux sends the signal itself; on other POSIX systems a thread looks for it twice a second.
    Windows offers neither: there a worker goes on until it is done.
    """
    if os.name != "posix":
        return
    if sys.platform == "linux":
        _ask_kernel()
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _ask_kernel() -> None:
    """Have the kernel send SIGKILL to this process when its parent ends."""
    import ctypes  # noqa: PLC0415  (of use here alone)

    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):  # a C library without it: the thread is left
        return


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)
