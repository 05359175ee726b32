"""Writing several files as one: whatever happens, the whole old set is found or the whole new one.

How it is done
--------------
The new files are written to a hidden folder beside their targets (``.scgm-set-XXXX/new``) and
synced to the disk. A journal that names them is written last; from then on the new set is whole,
wherever its files lie. Then the old files move to ``old``, the new ones to their places, the
journal is removed, and the hidden folder with it.

A process that is alive and fails puts everything back. What a dead process has left is repaired by
the next one that writes to the folder: with a journal, the moves are finished (or taken back, where
that is not possible); without one, the hidden folder is removed. A process keeps a file in its
hidden folder locked as long as it lives, so nothing that is still being written is touched. A
second lock lets only one process at a time move files in a folder.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from scgm.errors import OutputError
from scgm.io.atomic import (
    lock_new,
    remove_abandoned,
    sync_files,
    sync_folder,
    unsynced,
    write_json,
)
from scgm.io.folders import made_folder
from scgm.io.hashing import sha256_of_file
from scgm.io.locks import is_abandoned, locked
from scgm.io.text import name_text

PREFIX = ".scgm-set-"
FOLDER_LOCK = ".scgm-lock"
_JOURNAL = "journal.json"
_ALIVE = "alive"

# Given a folder: the names (by `name_text`) and SHA-256 of the files there that may be replaced.
Claims: TypeAlias = Callable[[Path], Mapping[str, str]]


def checksums(files: Iterable[Path]) -> dict[str, str]:
    """Return name and SHA-256 of each file, as a record lists them for `claims_from`."""
    return {name_text(file.name): sha256_of_file(file) for file in files}


def claims_from(record: str, key: str = "files") -> Claims:
    """Let the files be replaced that a JSON file of the earlier set lists, and that file itself.

    Parameters
    ----------
    record : str
        Name of the JSON file.
    key : str
        Its field with what `checksums` returned. Without it, nothing may be replaced.
    """

    def claims(folder: Path) -> dict[str, str]:
        path = folder / record
        try:
            files = json.loads(path.read_text(encoding="utf-8"))[key]
            return {**files, name_text(record): sha256_of_file(path)}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}

    return claims


@contextmanager
def file_set(
    folder: str | Path,
    names: Sequence[str],
    *,
    overwrite: bool = False,
    claims: Claims | None = None,
) -> Iterator[Path]:
    """Write a set of files: all or none of them, at any failure of process, disk or power.

    >>> with file_set(folder, ("m.onnx", "m.json"), overwrite=True) as staging:  # doctest: +SKIP
    ...     (staging / "m.onnx").write_bytes(graph)
    ...     (staging / "m.json").write_text(card)

    Parameters
    ----------
    folder : str or Path
        Where the files go; made where it is missing, and removed again if none is written.
    names : sequence of str
        Every file name that a set can have. A file of these names that is in the folder but not
        in the new set is removed, so that a folder never shows two sets as one.
    overwrite : bool
        Replace files of an earlier set. Only regular files are replaced: never a folder or a link.
    claims : callable, optional
        Given the folder, returns the names and checksums of the files that may be replaced; by
        default all of *names*.

    Yields
    ------
    Path
        An empty folder, to which the files are written. They move when the block ends.

    Raises
    ------
    OutputError
        If a file may not be replaced, or they cannot be written.
    """
    target = _Target(Path(folder), tuple(names), overwrite, claims)
    try:
        _check_folder(target.folder)
        with made_folder(target.folder), _workplace(target) as work:
            target.check()
            with unsynced(work / "new"):
                yield work / "new"
            _commit(work, target)
    except OSError as error:
        msg = f"{folder}: the files cannot be written ({error.strerror or error})"
        raise OutputError(msg) from error


def check_set(
    folder: Path, names: Sequence[str], *, overwrite: bool = False, claims: Claims | None = None
) -> None:
    """Make sure that a set of files can go to a folder, which need not exist; see `file_set`.

    What an interrupted process has left there is repaired first.

    Raises
    ------
    OutputError
        If it cannot.
    """
    target = _Target(folder, tuple(names), overwrite, claims)
    try:
        _check_folder(folder)
        # Looked at within the lock alone: who looks at a mark locks it for a moment.
        if any(folder.glob(f"{PREFIX}*")):
            with locked(folder / FOLDER_LOCK):
                _repair(target)
        target.check()
    except OSError as error:
        msg = f"{folder}: files cannot be written there ({error.strerror or error})"
        raise OutputError(msg) from error


def repair(folder: Path) -> None:
    """Finish, or take back, what dead processes have left in a folder, if there is one.

    Raises
    ------
    OutputError
        If another process holds the folder for long, or it cannot be written.
    """
    if not folder.is_dir():
        return
    try:
        with locked(folder / FOLDER_LOCK):
            _repair(_Target(folder, (), overwrite=False, claims=None))
            remove_abandoned(folder)
    except OSError as error:
        msg = f"{folder}: files cannot be written there ({error.strerror or error})"
        raise OutputError(msg) from error


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a set goes, and what it may replace there."""

    folder: Path
    names: tuple[str, ...]
    overwrite: bool
    claims: Claims | None

    def check(self) -> None:
        """Raise `OutputError` if a file is in the way."""
        _name_check(self.folder, self.names)
        present = [self.folder / name for name in self.names if _exists(self.folder / name)]
        if not present:
            return
        if not self.overwrite:
            msg = f"{present[0]}: it exists already; use --overwrite, or another --output"
            raise OutputError(msg)
        for path in present:
            if path.is_symlink() or not path.is_file():
                msg = f"{path}: this is not a regular file and is not replaced; move it away"
                raise OutputError(msg)
        if self.claims is not None:
            self._check_claims(present, self.claims(self.folder))

    def _check_claims(self, present: Sequence[Path], claimed: Mapping[str, str]) -> None:
        for path in present:
            if claimed.get(name_text(path.name)) != sha256_of_file(path):
                msg = (
                    f"{path}: it was not written by scgm, or was changed since, and is never "
                    "replaced; move it away, or give another --output"
                )
                raise OutputError(msg)


@dataclass(frozen=True, slots=True)
class _Journal:
    """Which files a set consists of, and which were there before."""

    new: tuple[str, ...]
    old: tuple[str, ...]


@contextmanager
def _workplace(target: _Target) -> Iterator[Path]:
    """Make a hidden folder that is known to be in use; remove it at the end."""
    handle, work = -1, None
    try:
        # Within the lock, so that nobody takes a folder that is not yet marked for a left one.
        with locked(target.folder / FOLDER_LOCK):
            _repair(target)
            work = target.folder / f"{PREFIX}{os.urandom(8).hex()}"
            work.mkdir()
            handle = os.open(work / _ALIVE, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            lock_new(handle)
            (work / "new").mkdir()
            (work / "old").mkdir()
        yield work
    finally:
        if handle >= 0:
            os.close(handle)
        if work is not None and not _exists(work / _JOURNAL):
            _remove(work)


def _commit(work: Path, target: _Target) -> None:
    """Let the staged files take the places of the earlier ones."""
    staged = tuple(name for name in target.names if _exists(work / "new" / name))
    unknown = {path.name for path in (work / "new").iterdir()} - set(staged)
    if unknown:
        msg = f"not among the names of this set: {sorted(unknown)}"
        raise ValueError(msg)
    sync_files([work / "new" / name for name in staged])
    sync_folder(work / "new")
    with locked(target.folder / FOLDER_LOCK):
        _repair(target)
        target.check()
        present = tuple(name for name in target.names if _exists(target.folder / name))
        journal = _Journal(staged, present)
        try:
            write_json(work / _JOURNAL, asdict(journal))
            sync_folder(target.folder)
            _forward(work, target.folder, journal)
        except BaseException:
            _back(work, target.folder, journal)
            _forget(work)
            raise
        _forget(work)


def _forward(work: Path, folder: Path, journal: _Journal) -> None:
    """Finish the moves, from whatever point they have reached."""
    new, old = work / "new", work / "old"
    for name in journal.old:
        if _exists(folder / name) and not _exists(old / name):
            (folder / name).rename(old / name)
    for name in journal.new:
        if _exists(new / name):
            _move(new / name, folder / name)
    for place in (old, new, folder):
        sync_folder(place)


def _back(work: Path, folder: Path, journal: _Journal) -> None:
    """Take the moves back, from whatever point they have reached."""
    new, old = work / "new", work / "old"
    for name in journal.new:
        if not _exists(new / name) and _exists(folder / name):
            (folder / name).rename(new / name)
    for name in journal.old:
        if _exists(old / name):
            _move(old / name, folder / name)
    for place in (folder, old, new):
        sync_folder(place)


def _move(source: Path, place: Path) -> None:
    """Move a file to a place that must be free."""
    if _exists(place):
        msg = (
            f"{place}: it is in the way of files whose writing was interrupted; move it away, "
            "then run the command again"
        )
        raise OutputError(msg)
    source.rename(place)


def _forget(work: Path) -> None:
    """Remove the journal: its files are at their places."""
    (work / _JOURNAL).unlink(missing_ok=True)
    sync_folder(work)


def _left_behind(folder: Path) -> list[Path]:
    """Find the hidden folders of processes that do not live any more."""
    return [
        path
        for path in folder.glob(f"{PREFIX}*")
        if not path.is_symlink() and (is_abandoned(path / _ALIVE) or _is_empty(path))
    ]


def _is_empty(folder: Path) -> bool:
    """Tell whether a process died before it could mark its hidden folder."""
    try:
        return not any(folder.iterdir())
    except OSError:
        return False


def _repair(target: _Target) -> None:
    """Finish, or take back, what dead processes have left in a folder; the folder is locked."""
    for work in _left_behind(target.folder):
        try:
            if _exists(work / _JOURNAL):
                _resolve(work, target.folder)
        except (OSError, OutputError):
            if _concerns(work, target.names):
                raise
            continue  # another set's: it is left to whoever writes that one
        _remove(work)


def _remove(work: Path) -> None:
    """Remove a hidden folder, as far as possible; its mark goes last, so that it is found again."""
    for part in ("new", "old"):
        shutil.rmtree(work / part, ignore_errors=True)
    with suppress(OSError):
        for path in sorted(work.iterdir(), key=lambda path: path.name == _ALIVE):
            path.unlink()
        work.rmdir()


def _resolve(work: Path, folder: Path) -> None:
    journal = _read_journal(work)
    try:
        _forward(work, folder, journal)
    except OSError:
        _back(work, folder, journal)
    _forget(work)


def _concerns(work: Path, names: Sequence[str]) -> bool:
    try:
        journal = _read_journal(work)
    except (OSError, OutputError):
        return False
    return not set(names).isdisjoint((*journal.new, *journal.old))


def _read_journal(work: Path) -> _Journal:
    """Read a journal; a name in it that is a path was not written by us."""
    path = work / _JOURNAL
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        journal = _Journal(tuple(content["new"]), tuple(content["old"]))
        sound = all(_is_plain(name) for name in (*journal.new, *journal.old))
    except (ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound:
        msg = f"{path}: this is no journal of scgm; move the folder {work.name} away"
        raise OutputError(msg)
    return journal


def _is_plain(name: object) -> bool:
    """Tell whether a name leads to nothing outside its folder."""
    return isinstance(name, str) and name not in {"", ".", ".."} and not set(name) & set("/\0")


def _check_folder(folder: Path) -> None:
    """Make sure that this is a folder, or can become one."""
    above = next(path for path in (folder, *folder.absolute().parents) if _exists(path))
    if not above.is_dir():
        msg = f"{above}: this is not a folder; give a folder for the files"
        raise OutputError(msg)


def _name_check(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if len(os.fsencode(name)) > 255:
            msg = f"{folder / name}: the name has more than 255 bytes; rename the input"
            raise OutputError(msg)


def _exists(path: Path) -> bool:
    """Tell whether a name is taken, be it by a link that leads nowhere."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
