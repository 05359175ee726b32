"""Faults at single operations on files: death of the process, interruption, input/output errors."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

OPERATIONS = ("rename", "replace", "fsync", "unlink", "rmdir", "mkdir", "open")

Fault = Callable[[int, bool], None]


class Stop(BaseException):
    """What a signal raises, wherever the program is."""


@contextmanager
def faults(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> Iterator[None]:
    """Call *fault* with the number of each operation on files, before and after it is done."""
    count = 0

    def wrapped(operation: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            number = count
            fault(number, False)
            result = operation(*arguments, **options)
            fault(number, True)
            return result

        return run

    with monkeypatch.context() as patch:
        for name in OPERATIONS:
            patch.setattr(os, name, wrapped(getattr(os, name)))
        yield


def in_child(run: Callable[[], None]) -> int:
    """Run in a process of its own; return its exit status: 9 if it ended by an exception."""
    child = os.fork()
    if child == 0:
        try:
            run()
            os._exit(0)
        except BaseException:
            os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def die(at: int, *, after: bool) -> Fault:
    def fault(number: int, done: bool) -> None:
        if (number, done) == (at, after):
            os.kill(os.getpid(), signal.SIGKILL)

    return fault


def stop(at: int, *, after: bool) -> Fault:
    def fault(number: int, done: bool) -> None:
        if (number, done) == (at, after):
            raise Stop

    return fault


def stop_twice(at: int, *, after: bool) -> Fault:
    """Stop once more while the first stop is answered."""

    def fault(number: int, done: bool) -> None:
        if done == after and number in (at, at + 2):
            raise Stop

    return fault


def fail_once(at: int, *, after: bool) -> Fault:
    def fault(number: int, done: bool) -> None:
        if (number, done) == (at, after):
            raise OSError(errno.EIO, "Input/output error")

    return fault


def fail_from(at: int, *, after: bool) -> Fault:
    """Also whatever would take the moves back fails."""

    def fault(number: int, done: bool) -> None:
        if number >= at and done == after:
            raise OSError(errno.EIO, "Input/output error")

    return fault


KINDS = (die, stop, stop_twice, fail_once, fail_from)


def count_operations(monkeypatch: pytest.MonkeyPatch, run: Callable[[], object]) -> int:
    """Count the operations on files of a run without any fault."""
    numbers: list[int] = []
    with faults(monkeypatch, lambda number, _: numbers.append(number)):
        run()
    return max(numbers)
