import errno
import os
from pathlib import Path

import pytest

from scgm.errors import OutputError
from scgm.io.atomic import write_bytes, write_text
from scgm.io.locks import lock_handle


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
