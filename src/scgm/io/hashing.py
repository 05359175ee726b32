"""Checksums of files and of their content."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

_GZIP, _AT_ONCE = b"\x1f\x8b", 2**20


def sha256_of_file(file: Path) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits, without holding all of it.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sha256_of_unpacked(file: Path) -> str:
    """Return the SHA-256 of what a file holds, the same for ``a.nii`` and ``a.nii.gz``.

    Of a packed file that is damaged it is that of the file as it is.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with file.open("rb") as content:
        if content.read(len(_GZIP)) != _GZIP:
            return sha256_of_file(file)
    digest = hashlib.sha256()
    try:
        with gzip.open(file, "rb") as unpacked:
            while part := unpacked.read(_AT_ONCE):
                digest.update(part)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return sha256_of_file(file)
    return digest.hexdigest()


def sha256_of(content: bytes | str) -> str:
    """Return the SHA-256 of bytes, or of a text in UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()
