"""Checksums of the files of a series, wherever they lie and in whatever order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from scgm.io.dicom.headers import Instance
from scgm.io.dicom.sources import Part
from scgm.io.hashing import sha256_of

_BLOCK = 1 << 20


def file_hash(part: Part) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with part.opened() as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def series_hash(instances: Iterable[Instance]) -> str:
    """Return one checksum for the content of some files: the same for a folder and its ZIP."""
    return sha256_of("\n".join(sorted({file_hash(instance.part) for instance in instances})))
