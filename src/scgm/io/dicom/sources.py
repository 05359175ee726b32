"""The files of a folder, of a ZIP or a single one; nothing is ever unpacked to the disk."""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import BinaryIO

from scgm.errors import ImageReadError

_ZIP = b"PK\x03\x04"
_MARK, _MARK_AT = b"DICM", 128
_NIFTI = (".nii", ".nii.gz")
_POINTER = b"version https://git-lfs"
_START = _MARK_AT + len(_MARK)
# Groups that a file without the mark can start with, least significant byte first.
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")
_LONGEST_FIRST_VALUE = 1 << 16

# A ZIP that promises more than this is not read; images pack to a tenth, not to a thousandth.
_MOST_FILES = 200_000
_MOST_BYTES = 64 << 30
_MOST_BYTES_OF_ONE = 4 << 30
_BOMB_FROM = 256 << 20
_BOMB_RATIO = 200
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its name within what the user gave, and where its bytes are."""

    name: str
    path: Path | None = None
    archive: zipfile.ZipFile | None = None
    member: zipfile.ZipInfo | None = None

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open it.

        Raises
        ------
        ImageReadError
            If it cannot be read.
        """
        if self.path is not None:
            with self.path.open("rb") as file:
                yield file
        else:
            yield io.BytesIO(self._unpacked())

    def start(self) -> bytes:
        """Return its first bytes.

        Raises
        ------
        ImageReadError
            If it cannot be read: it may be a slice, which must not be lost.
        """
        try:
            if self.archive is not None and self.member is not None:
                with self._unpacking(), self.archive.open(self.member) as file:
                    return file.read(_START)
            with self.opened() as file:
                return file.read(_START)
        except OSError as error:
            # Not named: a name can be that of the patient, who is not known yet.
            msg = f"a file in it cannot be read ({error.strerror}); check the permissions of all"
            raise ImageReadError(msg) from error

    def _unpacked(self) -> bytes:
        assert self.archive is not None
        assert self.member is not None
        with self._unpacking():
            return self.archive.read(self.member)

    @contextmanager
    def _unpacking(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as e:
            msg = "a file in it cannot be unpacked, so it is damaged; copy the ZIP again"
            raise ImageReadError(msg) from e


def is_dicom(path: Path) -> bool:
    """Tell whether a path is for this package: a folder, a ZIP or a DICOM file.

    Pipes are not opened, which would wait for their other end.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    if stat.S_ISDIR(mode):
        return True
    if not stat.S_ISREG(mode):
        return False
    try:
        start = Part(path.name, path).start()
    except ImageReadError:
        return False
    return start.startswith(_ZIP) or looks_like_dicom(start)


def looks_like_dicom(start: bytes) -> bool:
    """Tell from its first 132 bytes whether a file is DICOM, with or without the mark."""
    if start[_MARK_AT:].startswith(_MARK):
        return True
    if len(start) < 12 or start[:2] not in _FIRST_GROUPS:
        return False
    element = int.from_bytes(start[2:4], "little")
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    length = int.from_bytes(start[6:8] if explicit else start[4:8], "little")
    return element < 0x100 and length < _LONGEST_FIRST_VALUE


@contextmanager
def parts_of(path: Path) -> Iterator[list[Part]]:
    """List the DICOM files of a folder (with all folders in it), of a ZIP, or the one given.

    Links to folders are not followed.

    Raises
    ------
    ImageReadError
        If it cannot be read, is a ZIP that leads elsewhere or unpacks to too much, or holds none.
    """
    if path.is_dir():
        yield _dicom(_files_below(path), "this is a folder without DICOM files")
        return
    single = Part(path.name, path)
    if not single.start().startswith(_ZIP):
        yield [single]
        return
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        msg = "it is a damaged ZIP; copy or download it again"
        raise ImageReadError(msg) from error
    with archive:
        yield _dicom(_members(archive), "it is a ZIP without DICOM files")


def _dicom(parts: list[Part], otherwise: str) -> list[Part]:
    starts = [part.start() for part in parts]
    found = [part for part, start in zip(parts, starts, strict=True) if looks_like_dicom(start)]
    if not found and any(part.name.lower().endswith(_NIFTI) for part in parts):
        msg = f"{otherwise}, but with NIfTI images; name these, or use 'scgm cohort' for the folder"
        raise ImageReadError(msg)
    _require_content(parts, starts)
    if not found:
        msg = f"{otherwise}; give an image file, or a folder or ZIP with DICOM files"
        raise ImageReadError(msg)
    return found


def _require_content(parts: list[Part], starts: list[bytes]) -> None:
    """Refuse what is left of slices that were not copied whole: they would be lost in silence."""
    shown = [start for part, start in zip(parts, starts, strict=True) if not _is_hidden(part)]
    empty = sum(not start.strip(b"\0") for start in shown)
    if empty:
        msg = (
            f"it holds files without content ({empty}, zeros alone), as after a copy that broke "
            "off; copy the series again, or move them away"
        )
        raise ImageReadError(msg)
    if any(start.startswith(_POINTER) for start in shown):
        msg = "it holds pointers of Git LFS, not the files; get their content first (git lfs pull)"
        raise ImageReadError(msg)


def _is_hidden(part: Part) -> bool:
    return part.name.replace("\\", "/").rpartition("/")[2].startswith(".")


def _files_below(folder: Path) -> list[Part]:
    parts = []
    for above, folders, names in os.walk(folder, onerror=_refuse):
        folders.sort()
        for name in sorted(names):
            file = Path(above, name)
            if file.is_symlink() and not file.exists():
                msg = "it holds links to files that are not there; get their content first"
                raise ImageReadError(msg)
            if file.is_file():
                parts.append(Part(str(file.relative_to(folder)), file))
    return parts


def _refuse(error: OSError) -> None:
    msg = f"a folder in it cannot be read ({error.strerror}); check its permissions"
    raise ImageReadError(msg) from error


def _members(archive: zipfile.ZipFile) -> list[Part]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    _check(members)
    named = sorted(members, key=lambda member: member.filename)
    return [Part(member.filename, archive=archive, member=member) for member in named]


def _check(members: list[zipfile.ZipInfo]) -> None:
    """Refuse a ZIP that is made to do harm, before anything of it is unpacked."""
    for member in members:
        path = PureWindowsPath(member.filename)  # it knows both kinds of slashes
        if path.drive or path.root or ".." in path.parts:
            msg = "it is a ZIP with a path that leads out of it; pack the files anew"
            raise ImageReadError(msg)
        if member.flag_bits & _ENCRYPTED:
            msg = "its files are locked with a password; unpack it and give the folder"
            raise ImageReadError(msg)
    whole = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    largest = max((member.file_size for member in members), default=0)
    swollen = whole > _BOMB_FROM and whole > _BOMB_RATIO * max(packed, 1)
    too_much = whole > _MOST_BYTES or largest > _MOST_BYTES_OF_ONE or len(members) > _MOST_FILES
    if swollen or too_much:
        msg = (
            f"it is a ZIP of {len(members)} files that unpack to {whole / 1e9:.1f} GB; such a ZIP "
            "is not opened: unpack it and give the folder of one examination"
        )
        raise ImageReadError(msg)
