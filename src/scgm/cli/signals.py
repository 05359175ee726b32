"""Ctrl-C and requests to end: the program stops in order, and its exit status says why."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows lacks the last one
_STATUS_OF_SIGNALS = 128
_came: list[int] = []  # signals since `stoppable` began


class Stopped(BaseException):
    """A signal asked the program to end; no handler of errors takes it for one."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = _STATUS_OF_SIGNALS + number


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP raise `Stopped`, but for those that are ignored (nohup)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    _came.clear()
    earlier = {number: signal.getsignal(number) for number in known}
    try:
        for number, handler in earlier.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, _stop)
        yield
    finally:
        for number, handler in earlier.items():
            if handler is not None:
                signal.signal(number, handler)
        _came.clear()


def stop_if_asked() -> None:
    """Raise `Stopped` if a signal came, as code in C can lose it or make another error of it."""
    if _came:
        raise Stopped(_came[0])


def _stop(number: int, _: FrameType | None) -> None:
    _came.append(number)
    raise Stopped(number)
