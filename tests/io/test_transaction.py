"""A set of files is whole, old or new, whatever happens while it is written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scgm.errors import OutputError
from scgm.io import transaction
from scgm.io.locks import is_abandoned
from scgm.io.transaction import FOLDER_LOCK, PREFIX, check_set, file_set
from tests.helpers.faults import KINDS, Fault, count_operations, fail_once, faults, in_child, stop
from tests.io.lock_faults import locks_fail

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks processes")

NAMES = ("a", "b", "c", "d")
OLD = {"a": b"old a", "b": b"old b", "d": b"old d"}
NEW = {"a": b"new a", "b": b"new b", "c": b"new c"}  # has one more, and one less


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sync nothing: a disk is slow, and what counts here is the order of operations."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def write(folder: Path, content: dict[str, bytes], **options: Any) -> None:
    with file_set(folder, NAMES, **options) as staging:
        for name, data in content.items():
            (staging / name).write_bytes(data)


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def operations(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Count the operations of replacing the old set."""
    write(folder, OLD)
    return count_operations(monkeypatch, lambda: write(folder, NEW, overwrite=True))


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("old", [{}, OLD], ids=["fresh", "overwrite"])
def test_a_fault_at_any_operation_leaves_the_old_or_the_new_set_after_the_next_run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    old: dict[str, bytes],
    kind: Callable[..., Fault],
    after: bool,
) -> None:
    (tmp_path / "count").mkdir()
    outcomes = set()
    for at in range(1, operations(tmp_path / "count", monkeypatch) + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        if old:
            write(folder, old)

        def run(folder: Path = folder, at: int = at) -> None:
            with faults(monkeypatch, kind(at, after=after)):
                write(folder, NEW, overwrite=True)

        in_child(run)
        check_set(folder, NAMES, overwrite=True)  # what the next run begins with

        left = held(folder)
        left.pop(FOLDER_LOCK, None)  # taken over by whoever writes next
        assert left in (old, NEW), at
        assert not list(folder.glob(f"{PREFIX}*")), at
        write(folder, {"a": b"newer"}, overwrite=True)
        assert held(folder) == {"a": b"newer"}
        outcomes.add(left == NEW)

    assert outcomes == {True, False}


@pytest.mark.parametrize("kind", [stop, fail_once], ids=["stop", "fail_once"])
def test_a_living_process_that_fails_leaves_a_whole_set_at_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[..., Fault],
) -> None:
    """Without any other run; so nobody sees half a set after an interruption or a full disk."""
    (tmp_path / "count").mkdir()
    for at in range(1, operations(tmp_path / "count", monkeypatch) + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        write(folder, OLD)

        def run(folder: Path = folder, at: int = at) -> None:
            with faults(monkeypatch, kind(at, after=False)):
                write(folder, NEW, overwrite=True)

        in_child(run)

        left = held(folder)
        left.pop(FOLDER_LOCK, None)
        assert left in (OLD, NEW), at


def test_a_set_is_written_and_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path / "new" / "folder", OLD)
    write(tmp_path / "new" / "folder", NEW, overwrite=True)

    assert held(tmp_path / "new" / "folder") == NEW
    assert len(list((tmp_path / "new" / "folder").iterdir())) == len(NEW)


def test_an_earlier_set_is_kept_without_overwrite(tmp_path: Path) -> None:
    write(tmp_path, {"d": b"mine"})

    with pytest.raises(OutputError, match=r"d: it exists already; use --overwrite"):
        write(tmp_path, {"a": b"new"})

    assert held(tmp_path) == {"d": b"mine"}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("what", ["folder", "link", "dangling link", "fifo"])
def test_only_regular_files_are_replaced(tmp_path: Path, what: str, overwrite: bool) -> None:
    place = tmp_path / "out" / "b"
    place.parent.mkdir()
    (tmp_path / "mine").write_bytes(b"mine")
    if what == "folder":
        place.mkdir()
        (place / "precious").write_bytes(b"mine")
    elif what == "fifo":
        os.mkfifo(place)
    else:
        place.symlink_to(tmp_path / ("mine" if what == "link" else "nowhere"))
    before = place.lstat()

    with pytest.raises(OutputError, match=r"b: (this is not a regular file|it exists already)"):
        write(tmp_path / "out", NEW, overwrite=overwrite)

    assert place.lstat() == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b"]


def test_only_claimed_files_that_did_not_change_are_replaced(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    claims = {name: hashlib.sha256(data).hexdigest() for name, data in OLD.items()}
    write(tmp_path, NEW, overwrite=True, claims=lambda _: claims)
    assert held(tmp_path) == NEW

    with pytest.raises(OutputError, match="a: it was not written by scgm, or was changed since"):
        write(tmp_path, OLD, overwrite=True, claims=lambda _: claims)

    assert held(tmp_path) == NEW


def test_a_file_that_appears_while_the_set_is_made_is_kept(tmp_path: Path) -> None:
    def run() -> None:
        with file_set(tmp_path, NAMES) as staging:
            (staging / "a").write_bytes(b"new")
            (tmp_path / "c").write_bytes(b"other")

    with pytest.raises(OutputError, match="c: it exists already"):
        run()

    assert held(tmp_path) == {"c": b"other"}


def test_what_a_living_process_writes_is_not_touched(tmp_path: Path) -> None:
    with file_set(tmp_path, ("x",)) as staging:
        (staging / "x").write_bytes(b"x")
        write(tmp_path, OLD)
        write(tmp_path, NEW, overwrite=True)
        assert (staging / "x").exists()

    assert held(tmp_path) == {**NEW, "x": b"x"}


def test_what_another_process_looks_at_when_it_is_begun_is_not_touched_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_mark(handle: int) -> bool:
        marks = tmp_path.glob(f"{PREFIX}*/alive")
        return any(os.path.samestat(os.fstat(handle), mark.stat()) for mark in marks)

    with (
        locks_fail(monkeypatch, errno.EAGAIN, times=1, of=is_mark),
        file_set(tmp_path, ("x",)) as staging,
    ):
        (staging / "x").write_bytes(b"x")
        write(tmp_path, OLD)
        assert (staging / "x").exists()

    assert held(tmp_path) == {**OLD, "x": b"x"}


def test_who_checks_a_place_looks_at_what_others_write_there_within_the_lock_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = []

    def watched(mark: Path) -> bool:
        locked.append((tmp_path / FOLDER_LOCK).exists())
        return is_abandoned(mark)

    with file_set(tmp_path, ("x",)) as staging:
        monkeypatch.setattr(transaction, "is_abandoned", watched)
        check_set(tmp_path, ("y",))
        assert staging.exists()

    assert locked
    assert all(locked)


def test_what_dead_processes_left_is_removed(tmp_path: Path) -> None:
    def run() -> None:
        with file_set(tmp_path, NAMES) as staging:
            (staging / "a").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(run) == -signal.SIGKILL
    assert list(tmp_path.glob(f"{PREFIX}*"))

    write(tmp_path, OLD)

    assert {path.name for path in tmp_path.iterdir()} == set(OLD)


def test_a_journal_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    work = tmp_path / "out" / f"{PREFIX}0123"
    (work / "new").mkdir(parents=True)
    (work / "old").mkdir()
    (work / "alive").touch()
    (tmp_path / "precious").write_bytes(b"mine")
    (work / "journal.json").write_text(json.dumps({"new": [], "old": ["../precious"]}))

    write(tmp_path / "out", OLD)

    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert held(tmp_path / "out") == OLD


def test_a_file_of_the_user_is_not_replaced_by_finishing_an_earlier_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died with 'a' in neither place; the user then put another file there."""
    write(tmp_path, OLD)

    def at_the_second_move(source: Path, target: Path) -> None:
        if Path(target).parent == tmp_path:
            os.kill(os.getpid(), signal.SIGKILL)
        Path(source).replace(target)

    def run() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", at_the_second_move)
            write(tmp_path, NEW, overwrite=True)

    in_child(run)
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").write_bytes(b"mine")

    with pytest.raises(OutputError, match="a: it is in the way of files whose writing was"):
        write(tmp_path, NEW, overwrite=True)
    write_other = file_set(tmp_path, ("other",))
    with write_other as staging:
        (staging / "other").write_bytes(b"x")
    assert (tmp_path / "a").read_bytes() == b"mine"

    (tmp_path / "a").unlink()
    check_set(tmp_path, NAMES, overwrite=True)
    assert held(tmp_path) == {**NEW, "other": b"x"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_sets_that_race_do_not_mix(tmp_path: Path, overwrite: bool) -> None:
    for race in range(20):
        folder = tmp_path / str(race)
        sets = [{name: bytes([number]) for name in NAMES} for number in range(4)]
        read, write_end = os.pipe()
        children = []
        for content in sets:
            child = os.fork()
            if child == 0:
                try:
                    os.close(write_end)
                    with file_set(folder, NAMES, overwrite=overwrite) as staging:
                        for name, data in content.items():
                            (staging / name).write_bytes(data)
                        os.read(read, 1)  # all move at once, when the pipe is closed
                    os._exit(0)
                except OutputError:
                    os._exit(1)
                finally:
                    os._exit(2)
            children.append(child)
        os.close(read)
        os.close(write_end)
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

        assert held(folder) in sets
        assert len(list(folder.iterdir())) == len(NAMES)
        assert ended.count(0) >= 1
        assert overwrite or sorted(ended) == [0, 1, 1, 1]


def test_a_name_that_is_too_long_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the name has more than 255 bytes; rename the input"):
        check_set(tmp_path, ("ä" * 128,))


@pytest.mark.parametrize("way", ["loop", "file", "below a file"])
def test_a_place_that_cannot_be_a_folder_is_named(tmp_path: Path, way: str) -> None:
    place = tmp_path / "place"
    if way == "loop":
        place.symlink_to(place)
    else:
        place.write_bytes(b"mine")
    folder = place / "below" if way == "below a file" else place

    with pytest.raises(OutputError, match=r"^[^\n]*place"):
        write(folder, OLD)
    with pytest.raises(OutputError, match=r"^[^\n]*place"):
        check_set(folder, NAMES)
