"""Writing a file whole or not at all, whenever the process is killed or the disk is full."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scgm.errors import OutputError


def write_bytes(path: Path, content: bytes, *, advice: str = "check folder and space") -> None:
    """Replace a file at once: until the new one is on the disk, the old one stays.

    Parameters
    ----------
    path : Path
        The file, in a folder that exists.
    content : bytes
        All of it.
    advice : str
        How the message ends if it cannot be written.

    Raises
    ------
    OutputError
        If it cannot be written; nothing is left behind then.
    """
    # With the process in its name: several processes of one run can write the same file at once.
    temporary = path.with_name(f".tmp-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        msg = f"{path}: it cannot be written ({error.strerror or error}); {advice}"
        raise OutputError(msg) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all; as `write_bytes`."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all; as `write_bytes`."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
