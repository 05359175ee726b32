import errno
import os
from pathlib import Path

import pytest

from scgm.errors import OutputError
from scgm.io import atomic
from scgm.io.atomic import TEMPORARY, remove_abandoned, write_bytes, write_text, writing
from scgm.io.locks import is_abandoned, lock_handle
from tests.io.lock_faults import locks_fail

posix = pytest.mark.skipif(os.name != "posix", reason="flock is of POSIX")


def test_a_file_holds_what_was_written(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    write_bytes(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    file = tmp_path / "a"
    write_bytes(file, b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(step, fail)
    with pytest.raises(OutputError, match=r"a: it cannot be written \(No space left on device\)"):
        write_bytes(file, b"new")

    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_a_dead_process_left_is_removed_and_a_living_ones_stays(tmp_path: Path) -> None:
    """The temporary file of a process is locked as long as it lives."""
    (tmp_path / ".scgm-tmp-dead").write_bytes(b"half")
    living = os.open(tmp_path / ".scgm-tmp-living", os.O_RDWR | os.O_CREAT)
    lock_handle(living)

    write_bytes(tmp_path / "a", b"new")

    assert {path.name for path in tmp_path.iterdir()} == {"a", ".scgm-tmp-living"}
    os.close(living)
    write_bytes(tmp_path / "a", b"newer")
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


def test_text_that_is_not_utf_8_is_escaped(tmp_path: Path) -> None:
    write_text(tmp_path / "a", os.fsdecode(b"caf\xe9"))

    assert (tmp_path / "a").read_bytes() == b"caf\\udce9"


@posix
def test_a_file_that_another_process_looks_at_when_it_is_made_is_locked_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it is taken for one of a dead process, and removed."""
    with locks_fail(monkeypatch, errno.EAGAIN, times=1), writing(tmp_path / "a") as file:
        file.write(b"new")
        remove_abandoned(tmp_path)

    assert (tmp_path / "a").read_bytes() == b"new"


@posix
def test_a_file_that_another_process_holds_for_long_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_WAIT_S", 0.02)

    with (
        locks_fail(monkeypatch, errno.EAGAIN),
        pytest.raises(OutputError, match="another process is writing here"),
    ):
        write_bytes(tmp_path / "a", b"new")

    assert list(tmp_path.iterdir()) == []


@posix
def test_where_there_are_no_locks_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locks_fail(monkeypatch, errno.ENOLCK):
        write_bytes(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"new"


@posix
def test_what_a_dead_process_left_is_locked_until_it_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its owner could lock it in between, and would write to a file that goes."""
    left, unlink, free = tmp_path / f"{TEMPORARY}dead", Path.unlink, []
    left.write_bytes(b"half")

    def watched(path: Path, *, missing_ok: bool = False) -> None:
        free.append(is_abandoned(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", watched)
    remove_abandoned(tmp_path)

    assert free == [False]
    assert not left.exists()
