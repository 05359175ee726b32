"""Locks between processes: held by a living process, given back by the system when it dies."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# How long to wait for another process; each holds a lock only while it moves its files.
WAIT_S = 60.0
_PAUSE_S = 0.02
# What file systems say that have no locks.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF}


class LockedError(OSError):
    """Another living process holds the lock."""


def lock_handle(handle: int, *, shared: bool = False) -> None:
    """Lock an open file at once; *shared*, together with others that lock it so.

    Windows has no shared locks: there it is locked for this process alone.

    Raises
    ------
    LockedError
        If another process (or another handle of this one) has locked it.
    OSError
        If this file system has no locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  (exists there alone)

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415  (does not exist on Windows)

            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise
        raise LockedError(errno.EBUSY, "another process is writing here") from error


def open_locked(file: Path, *, shared: bool = False) -> int:
    """Open a file, which is made if missing, and lock it; return its handle.

    *shared* as in `lock_handle`.

    Raises
    ------
    LockedError
        If another process has locked it.
    OSError
        If it cannot be opened, or this file system has no locks.
    """
    while True:
        handle = _open(file)
        try:
            lock_handle(handle, shared=shared)
            if _is_still(handle, file):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # the holder before us has removed it: try the new one


def is_abandoned(file: Path) -> bool:
    """Tell whether a file that its owner keeps locked has no living owner."""
    try:
        handle = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        lock_handle(handle)
    except OSError:  # held, or there are no locks here: nobody can tell
        return False
    finally:
        os.close(handle)
    return True


@contextmanager
def locked(file: Path, wait_s: float = WAIT_S, *, shared: bool = False) -> Iterator[None]:
    """Keep other processes out for a while; the file is removed at the end.

    *shared* keeps out those alone that do not share it.

    Where the file system has no locks, nobody is kept out.

    Raises
    ------
    LockedError
        If another process holds it for longer than *wait_s*.
    """
    until = time.monotonic() + wait_s
    handle = None
    try:
        while handle is None:
            try:
                handle = open_locked(file, shared=shared)
            except LockedError:
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_S)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                break
        yield
    finally:
        if handle is not None:
            with suppress(OSError):  # one that stays is taken over by the next process
                if not shared or _has_alone(handle):
                    file.unlink()
            os.close(handle)


def _has_alone(handle: int) -> bool:
    """Tell whether no other process shares a lock."""
    try:
        lock_handle(handle)
    except OSError:
        return False
    return True


def _open(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except PermissionError:  # another user's: it can be locked without the right to write
        if not file.exists():
            raise
        return os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))


def _is_still(handle: int, file: Path) -> bool:
    """Tell whether a name still belongs to the file that was opened by it."""
    try:
        return os.path.samestat(os.fstat(handle), file.lstat())
    except FileNotFoundError:
        return False
