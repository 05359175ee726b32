"""Locks between processes."""

import errno
import os
import signal
from pathlib import Path

import pytest

from scgm.io import locks
from scgm.io.locks import LockedError, is_abandoned, locked, open_locked


def test_a_held_lock_keeps_others_out(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        with pytest.raises(LockedError), locked(tmp_path / "lock", wait_s=0):
            pass
        assert not is_abandoned(tmp_path / "lock")

    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "lock", wait_s=0):
        pass


@pytest.mark.skipif(os.name != "posix", reason="forks processes")
def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        open_locked(tmp_path / "lock")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)

    assert is_abandoned(tmp_path / "lock")
    with locked(tmp_path / "lock", wait_s=0):
        pass


def test_a_file_that_is_missing_has_no_dead_owner(tmp_path: Path) -> None:
    assert not is_abandoned(tmp_path / "lock")


def test_a_lock_that_its_holder_removes_meanwhile_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is locked then is the file that others will find, not the one that was removed."""
    file, lock, calls = tmp_path / "lock", locks.lock_handle, 0

    def removed_first(handle: int, **_: bool) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            file.unlink()
        lock(handle)

    monkeypatch.setattr(locks, "lock_handle", removed_first)
    handle = open_locked(file)

    assert calls == 2
    assert os.path.samestat(os.fstat(handle), file.stat())
    os.close(handle)


def test_where_there_are_no_locks_nobody_is_kept_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here(_: int, **options: bool) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "lock_handle", none_here)

    with locked(tmp_path / "lock", wait_s=0):
        entered = True

    assert entered
    assert not is_abandoned(tmp_path / "lock")


def test_a_lock_that_fails_otherwise_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int, **options: bool) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(locks, "lock_handle", broken)

    with pytest.raises(OSError, match="Input/output error"), locked(tmp_path / "lock", wait_s=0):
        pass


@pytest.mark.skipif(os.name != "posix", reason="Windows has no shared locks")
def test_a_shared_lock_keeps_out_those_alone_that_do_not_share_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with locked(file, wait_s=0, shared=True):
        with locked(file, wait_s=0, shared=True):
            pass
        assert file.exists()
        with pytest.raises(LockedError), locked(file, wait_s=0):
            pass

    assert not file.exists()
    with locked(file, wait_s=0), pytest.raises(LockedError), locked(file, 0, shared=True):
        pass
