"""Matplotlib's folders."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from scgm.io.font_cache import use_quiet_font_cache
use_quiet_font_cache()
import matplotlib
print(matplotlib.get_configdir(), matplotlib.get_cachedir(), sep="\\n")
"""


def started(home: Path, temporary: Path, **more: str) -> tuple[list[Path], str]:
    """Return the folders that matplotlib has, and what was complained of."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    }
    env = {**kept, "HOME": str(home), "TMPDIR": str(temporary), **more}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=env
    )
    return [Path(line) for line in run.stdout.splitlines()], run.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


def test_a_home_without_its_folders_gets_none(home: Path, temporary: Path) -> None:
    folders, complaints = started(home, temporary)

    assert {folder.parent for folder in folders} == {temporary}
    assert not list(home.iterdir())
    assert complaints == ""


def test_a_home_that_cannot_be_made_is_not_complained_of(temporary: Path) -> None:
    folders, complaints = started(Path("/dev/null/home"), temporary)

    assert {folder.parent for folder in folders} == {temporary}
    assert complaints == ""


def test_who_uses_matplotlib_keeps_its_settings(home: Path, temporary: Path) -> None:
    places = [home / ".config" / "matplotlib", home / ".cache" / "matplotlib"]
    if sys.platform != "linux":
        places = [home / ".matplotlib"] * 2
    for place in places:
        place.mkdir(parents=True, exist_ok=True)

    assert started(home, temporary)[0] == places


def test_a_folder_that_the_user_names_is_taken(home: Path, temporary: Path) -> None:
    assert started(home, temporary, MPLCONFIGDIR=str(home / "own"))[0] == [home / "own"] * 2


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
def test_a_folder_that_others_can_write_to_is_not_taken(home: Path, temporary: Path) -> None:
    open_to_all = temporary / f"scgm-fonts-{os.getuid()}"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)

    folders, _ = started(home, temporary)

    assert open_to_all not in folders
    assert stat.S_IMODE(open_to_all.stat().st_mode) == 0o777
    assert not list(open_to_all.iterdir())
