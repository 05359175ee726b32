"""A folder that is made for files goes again if none came to lie in it."""

from pathlib import Path

import pytest

from scgm.errors import OutputError
from scgm.io.folders import made_folder
from scgm.io.transaction import file_set


def test_an_empty_folder_goes_with_those_above_that_were_made(tmp_path: Path) -> None:
    (tmp_path / "was there").mkdir()

    with made_folder(tmp_path / "was there" / "a" / "b"):
        assert (tmp_path / "was there" / "a" / "b").is_dir()

    assert (tmp_path / "was there").is_dir()
    assert not (tmp_path / "was there" / "a").exists()


def test_a_folder_with_something_in_it_stays(tmp_path: Path) -> None:
    with made_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "beside").write_text("")

    assert [path.name for path in (tmp_path / "a").iterdir()] == ["beside"]


def test_an_empty_folder_that_was_there_stays(tmp_path: Path) -> None:
    with made_folder(tmp_path):
        pass

    assert tmp_path.is_dir()


def test_a_set_that_cannot_be_made_leaves_no_folder(tmp_path: Path) -> None:
    def fails() -> None:
        with file_set(tmp_path / "out", ("a",)) as staging:
            (staging / "a").write_text("half")
            msg = "no room"
            raise OutputError(msg)

    with pytest.raises(OutputError, match="no room"):
        fails()

    assert not (tmp_path / "out").exists()
