"""The file of ``--log``: every message of a run, with its time."""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from scgm.errors import OutputError
from scgm.io.text import printable

_HEAD = "# log of scgm\n"
_open_log: list[Path] = []  # at most one: that of this run


def start_log(path: Path) -> None:
    """Write all messages from now on to a file, behind those of earlier runs.

    Raises
    ------
    OutputError
        If the file is not a log of scgm, or cannot be written.
    """
    try:
        if path.exists() or path.is_symlink():
            _check(path)
        else:
            path.write_text(_HEAD, encoding="utf-8")
        with path.open("a", encoding="utf-8"):
            pass
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"{path}: the log cannot be written ({reason}); give another file"
        raise OutputError(msg) from error
    _open_log[:] = [path]
    log(f"$ {shlex.join(['scgm', *sys.argv[1:]])}")


def log(text: str) -> None:
    """Add a message to the log, if there is one; a log that breaks does not end the run."""
    for path in _open_log:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        with suppress(OSError), path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{now} {printable(text, keep=chr(10))}\n")


def stop_log() -> None:
    """Write no more messages to a file."""
    _open_log.clear()


def _check(path: Path) -> None:
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(_HEAD)) == _HEAD.encode():
                return
    msg = f"{path}: it exists and is not a log of scgm; give --log another file"
    raise OutputError(msg)
