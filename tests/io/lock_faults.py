"""Locks that cannot be had, as while another process holds them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest


@contextmanager
def locks_fail(
    monkeypatch: pytest.MonkeyPatch,
    error: int,
    *,
    times: float = float("inf"),
    of: Callable[[int], bool] = lambda _: True,
) -> Iterator[None]:
    """Let the first locks fail of open files for which *of* is true."""
    import fcntl  # noqa: PLC0415  (does not exist on Windows)

    flock, failed = fcntl.flock, count()

    def failing(handle: int, operation: int) -> None:
        if of(handle) and next(failed) < times:
            raise OSError(error, os.strerror(error))
        flock(handle, operation)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", failing)
        yield
