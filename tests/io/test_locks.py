"""Locks between processes."""

import os
import signal
from pathlib import Path

import pytest

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
