"""Temporary folders beside the results of a benchmark, and those that a killed run has left."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scgm.errors import OutputError

_PREFIX = ".run-"
_NAME = re.compile(r"\.run-(\d+)-\w+")


def new_scratch(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """Make a temporary folder in *folder*; its name says which process it belongs to."""
    return tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=folder)


def remove_stale(folder: Path) -> None:
    """Remove the temporary folders of processes that have ended."""
    for path in folder.glob(f"{_PREFIX}*"):
        named = _NAME.fullmatch(path.name)
        if named and path.is_dir() and not path.is_symlink() and not _is_running(int(named[1])):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process: int) -> bool:
    """Tell whether there is such a process; if that cannot be known, there is."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Say in one sentence why results cannot be written into *folder*.

    Raises
    ------
    OutputError
        In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        msg = (
            f"{folder}: results cannot be written ({error.strerror or error}); check the folder "
            "and the space on the disk"
        )
        raise OutputError(msg) from error
