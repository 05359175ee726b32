"""Checksums of files and of their content."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256_of_file(file: Path) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits, without holding all of it.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sha256_of(content: bytes | str) -> str:
    """Return the SHA-256 of bytes, or of a text in UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()
