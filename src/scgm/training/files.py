"""Writing a file whole or not at all, whenever the process is killed or the disk is full."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from scgm.errors import OutputError


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file at once: until the new one is on the disk, the old one stays.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    # With the process in its name: several of one run can write the same file at once.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = error.strerror or error
        msg = f"{path}: cannot be written ({reason}); make room, then go on with --resume"
        raise OutputError(msg) from error


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder last, too, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    write_whole(path, text.encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, str] | None = None
) -> None:
    """Write tensors (safetensors) whole or not at all; ``facts`` go into the file's head."""
    # Copies, since tensors that share memory are refused.
    plain = {
        key: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, value in tensors.items()
    }
    write_whole(path, save(plain, dict(facts) if facts else None))
