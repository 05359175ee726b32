"""Public tables that come as one archive, whose checksum nobody could list beforehand.

What is fetched is checked for what it must be (an unbroken archive that holds the tables, with
their columns), and its checksum is recorded beside the tables, so that two people can tell whether
they have the same numbers, and a later call whether anything has changed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scgm.datasets.download import listed_in, transfer, written
from scgm.errors import DownloadError, OutputError
from scgm.io.hashing import sha256_of_file

RECORD = "CHECKSUMS.json"
_TRIES = 3
_MOST_BYTES, _MOST_BYTES_OF_FILE = 2_000_000_000, 50_000_000
_PLAIN_NAME = re.compile(r"\w[\w.-]*")


class PublicArchive(BaseModel):
    """An archive of public tables, as the package lists it.

    Attributes
    ----------
    name, title, license, source, needed_for
        What it is, the page that tells about it, and what uses it.
    url
        Address of the archive (.zip), which holds one folder with everything in it.
    folder
        The folder in it whose files are kept.
    more_files
        Files beside that folder that are kept, too.
    tables, columns, least_tables
        How names of tables end, which columns they have, and how many there must be.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    license: str
    source: str
    needed_for: str
    url: str = Field(pattern="^https?://.*[.]zip$")
    folder: str
    more_files: tuple[str, ...] = ()
    tables: str
    columns: tuple[str, ...]
    least_tables: int = Field(ge=1)


class FetchedArchive(BaseModel):
    """What was fetched: address and checksum of the archive, and checksums of the files kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    sha256: str
    bytes: int
    files: dict[str, str]


def public_archives() -> tuple[PublicArchive, ...]:
    """Return the archives that can be fetched, in the order of their names."""
    return tuple(
        PublicArchive.model_validate_json(path.read_bytes()) for path in listed_in("archives")
    )


def fetched_before(archive: PublicArchive, folder: Path) -> FetchedArchive | None:
    """Return what an earlier call has fetched to a folder, if its files are unchanged.

    Raises
    ------
    OutputError
        If the folder holds something else, or a file has changed since.
    """
    if not os.path.lexists(folder):
        return None
    try:
        earlier = FetchedArchive.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError) as error:
        msg = f"{folder}: it exists already and holds no {RECORD}; move it away, or choose another"
        raise OutputError(msg) from error
    for name, sha256 in earlier.files.items():
        path = folder / name
        if not path.is_file() or sha256_of_file(path) != sha256:
            msg = f"{path}: it has changed since it was fetched; move {folder} away and repeat"
            raise OutputError(msg)
    if earlier.url != archive.url:
        msg = (
            f"{folder}: it was fetched from {earlier.url}, this version takes {archive.url}; move "
            "it away, or choose another folder"
        )
        raise OutputError(msg)
    return earlier


def fetch_archive(archive: PublicArchive, folder: Path) -> FetchedArchive:
    """Fetch an archive, check it, and put its tables into a new folder, whole or not at all.

    Raises
    ------
    DownloadError
        If it cannot be fetched, is cut off several times, or holds something else.
    OutputError
        If it cannot be written.
    """
    with written(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{archive.name}-", dir=folder.parent) as scratch:
            packed, staged = Path(scratch, "archive.zip"), Path(scratch, "files")
            staged.mkdir()
            _download(archive, packed)
            with zipfile.ZipFile(packed) as content:
                names = list(_unpack(archive, content, staged))
            _check(archive, staged)
            found = FetchedArchive(
                url=archive.url,
                sha256=sha256_of_file(packed),
                bytes=packed.stat().st_size,
                files={name: sha256_of_file(staged / name) for name in sorted(names)},
            )
            record = json.dumps(found.model_dump(), indent=1) + "\n"
            (staged / RECORD).write_text(record, encoding="utf-8")
            staged.rename(folder)
    return found


def _download(archive: PublicArchive, packed: Path) -> None:
    for _ in range(_TRIES):
        try:
            transfer(archive.url, packed, _MOST_BYTES)
        except DownloadError as error:
            raise type(error)(_without_resuming(str(error))) from error
        if _is_whole(packed):
            return
        packed.unlink(missing_ok=True)  # servers that pack on demand cannot send the rest alone
    msg = (
        f"{archive.url}: what came {_TRIES} times is no unbroken archive; try again later, or see "
        f"{archive.source}"
    )
    raise DownloadError(msg)


def _without_resuming(sentence: str) -> str:
    """Return what a transfer says without its promise: an archive is fetched from its start."""
    for promise in (", which resumes where it stopped", ", it resumes there"):
        sentence = sentence.replace(promise, "")
    return sentence


def _is_whole(packed: Path) -> bool:
    try:
        with zipfile.ZipFile(packed) as content:
            return content.testzip() is None
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return False


def _unpack(archive: PublicArchive, content: zipfile.ZipFile, folder: Path) -> Iterator[str]:
    """Write the files that are kept; yield their names."""
    for member in content.infolist():
        inside = PurePosixPath(*PurePosixPath(member.filename).parts[1:])
        wanted = str(inside.parent) == archive.folder or str(inside) in archive.more_files
        if member.is_dir() or not wanted or not _PLAIN_NAME.fullmatch(inside.name):
            continue
        if member.file_size > _MOST_BYTES_OF_FILE:
            msg = f"{archive.url}: {inside} is larger than any table; see {archive.source}"
            raise DownloadError(msg)
        with content.open(member) as packed, (folder / inside.name).open("wb") as out:
            shutil.copyfileobj(packed, out)
        yield inside.name


def _check(archive: PublicArchive, folder: Path) -> None:
    """Refuse tables of another kind than this version reads."""
    tables = sorted(folder.glob(f"*{archive.tables}"))
    if len(tables) < archive.least_tables:
        msg = (
            f"{archive.url}: it holds {len(tables)} tables in {archive.folder}, at least "
            f"{archive.least_tables} were expected; it has changed, see {archive.source}"
        )
        raise DownloadError(msg)
    for table in tables:
        with table.open(encoding="utf-8-sig", errors="replace") as file:
            names = tuple(file.readline().rstrip("\r\n").split(","))
        if names != archive.columns:
            msg = (
                f"{archive.url}: {table.name} has other columns than were expected; it has "
                f"changed, see {archive.source}"
            )
            raise DownloadError(msg)
