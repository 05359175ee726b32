"""Writing a file whole or not at all, whenever the process is killed or the disk is full."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO

from scgm.errors import OutputError
from scgm.io.locks import LockedError, is_abandoned, lock_handle

TEMPORARY = ".scgm-tmp-"
_FEW, _AT_ONCE = 4, 8
_WAIT_S, _PAUSE_S = 5.0, 0.005
_unsynced: ContextVar[Path | None] = ContextVar("_unsynced", default=None)


def write_bytes(path: Path, content: bytes, *, advice: str = "check folder and space") -> None:
    """Replace a file at once: until the new one is on the disk, the old one stays.

    Parameters
    ----------
    path : Path
        The file, in a folder that exists.
    content : bytes
        All of it.
    advice : str
        How the message ends if it cannot be written.

    Raises
    ------
    OutputError
        If it cannot be written; nothing is left behind then.
    """
    with writing(path, advice=advice) as file:
        file.write(content)


@contextmanager
def writing(path: Path, *, advice: str = "check folder and space") -> Iterator[BinaryIO]:
    """Write a file piece by piece, whole or not at all; as `write_bytes`."""
    synced = path.parent != _unsynced.get()
    try:
        if synced:
            remove_abandoned(path.parent)
        with _temporary(path.parent) as (file, temporary):
            yield file
            file.flush()
            if synced:
                os.fsync(file.fileno())
            if os.name != "posix":
                file.close()  # Windows moves no open file
            temporary.replace(path)
        if synced:
            sync_folder(path.parent)
    except OSError as error:
        msg = f"{path}: it cannot be written ({error.strerror or error}); {advice}"
        raise OutputError(msg) from error


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all; as `write_bytes`.

    Bytes of file names that are not UTF-8 are written as escapes.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all; as `write_bytes`."""
    write_text(path, json.dumps(content, indent=2) + "\n")


@contextmanager
def unsynced(folder: Path) -> Iterator[None]:
    """Write files in a folder without bringing each to the disk: syncing takes milliseconds.

    It is for files that are synced together later (`sync_files`), or that can be made again.
    """
    token = _unsynced.set(folder)
    try:
        yield
    finally:
        _unsynced.reset(token)


def sync_files(paths: Sequence[Path]) -> None:
    """Bring files to the disk, all at once: a disk takes little longer for many than for one."""
    if len(paths) < _FEW:
        for path in paths:
            sync_file(path)
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(sync_file, paths))


def sync_file(path: Path) -> None:
    """Bring a file that was written to the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a new file, locked as long as this process uses it, and remove what is left of it."""
    while True:
        # Several processes of one run can write the same file at once: no two share a name.
        path = folder / f"{TEMPORARY}{os.urandom(8).hex()}"
        try:
            with path.open("xb") as file:
                lock_new(file.fileno())
                if os.fstat(file.fileno()).st_nlink == 0:
                    continue  # another process took it for an abandoned one before it was locked
                yield file, path
                return
        finally:
            path.unlink(missing_ok=True)


def lock_new(handle: int) -> None:
    """Lock a file that was just made, which another process may hold while it looks at it.

    Where there are no locks, nothing is locked, and nothing is ever cleaned up.

    Raises
    ------
    LockedError
        If another process holds it for long.
    """
    until = time.monotonic() + _WAIT_S
    while True:
        try:
            lock_handle(handle)
        except LockedError:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
        except OSError:
            return
        else:
            return


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of processes that died."""
    for path in folder.glob(f"{TEMPORARY}*"):
        _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    """Remove a file while it is locked, so that an owner who locks it next sees that it is gone."""
    if os.name != "posix":  # Windows removes no open file
        if is_abandoned(path):
            path.unlink(missing_ok=True)
        return
    with suppress(OSError), path.open("r+b", buffering=0) as file:  # its owner lives, or no locks
        lock_handle(file.fileno())
        path.unlink(missing_ok=True)
