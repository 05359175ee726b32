"""The bytes of an image file, packed or not, their checksum, and what can go wrong with them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from scgm.errors import GeometryError, ImageReadError

CHUNK = 1 << 20

_GZIP = b"\x1f\x8b"

# Deflate cannot pack more than this many bytes into one.
_DEFLATE_LIMIT = 1032

# How much beyond the voxels is unpacked: enough for padding, too little for a bomb.
_TRAILING_LIMIT = 1 << 16

_OTHER_FORMATS = (
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"NRRD", "an NRRD file"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"BZh", "packed with bzip2"),
    (0, b"\xfd7zXZ", "packed with xz"),
    (128, b"DICM", "a DICOM file"),
)

# Formats that begin with no mark of their own.
_BY_NAME = (
    ((".mgz", ".mgh"), "an image of FreeSurfer"),
    ((".mha", ".mhd"), "a MetaImage file"),
)

_POINTERS = (
    (b"version https://git-lfs", "Git LFS", "git lfs pull"),
    (b"annex/objects/", "git-annex", "git annex get or datalad get"),
)

_NOT_REGULAR = (
    (stat.S_ISDIR, "this is a folder; give an image file"),
    (stat.S_ISFIFO, "this is a named pipe; give a regular file"),
    (stat.S_ISSOCK, "this is a socket; give a regular file"),
    (stat.S_ISCHR, "this is a device; give a regular file"),
    (stat.S_ISBLK, "this is a device; give a regular file"),
)

_LOOP = "it is a link that leads back to itself; give the file itself"

_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (EOFError, zlib.error),
        "it is damaged or cut short (unpacking it with gzip fails); copy or download it again",
    ),
    ((FileNotFoundError,), "there is no such file; check the path"),
    ((IsADirectoryError,), "this is a folder; give an image file"),
    ((PermissionError,), "it may not be read; ask for the permission to read it"),
    ((MemoryError,), "it does not fit into memory; crop the image"),
)


class _Hashed:
    """A file that computes its checksum while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, count: int) -> bytes:
        block = self._file.read(count)
        self._digest.update(block)
        return block

    def sha256(self) -> str:
        """Return the checksum of the whole file, after reading what is left of it."""
        while self.read(CHUNK):
            pass
        return self._digest.hexdigest()


class _Unzipped:
    """The content of all members of a gzip file; `zlib` checks the sum of each."""

    def __init__(self, file: _Hashed) -> None:
        self._file = file
        self._member: zlib._Decompress | None = zlib.decompressobj(31)
        self._packed = b""
        self.garbage = 0

    def read(self, count: int) -> bytes:
        """Return up to *count* bytes, and none at the end."""
        while self._member is not None:
            self._packed = self._packed or self._file.read(CHUNK)
            if not self._packed:
                raise EOFError
            block = self._member.decompress(self._packed, count)
            self._packed = self._member.unconsumed_tail
            if self._member.eof:
                self._packed = self._member.unused_data
                self._member = self._next_member()
            if block:
                return block
        return b""

    def _next_member(self) -> zlib._Decompress | None:
        """Pass over zeros; what follows is another member, or is of no use."""
        while True:
            self._packed = self._packed.lstrip(b"\0")
            if len(self._packed) >= len(_GZIP):
                break
            more = self._file.read(CHUNK)
            if not more:
                break
            self._packed += more
        if self._packed.startswith(_GZIP):
            return zlib.decompressobj(31)
        self.garbage = len(self._packed)
        return None


class Stream:
    """The content of a file, unpacked where it is gzip. It holds no more than was asked for.

    Parameters
    ----------
    file : binary file
        A regular file, opened for reading, at its start.

    Attributes
    ----------
    zipped : bool
        Whether the file is gzip, by its content.
    most : int
        The number of bytes that it can hold at most, known without unpacking it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.zipped = file.read(2) == _GZIP
        file.seek(0)
        self._file = file
        self._before = os.fstat(file.fileno())
        size = self._before.st_size
        self.most = size * _DEFLATE_LIMIT if self.zipped else size
        self._raw = _Hashed(file)
        self._content: _Hashed | _Unzipped = _Unzipped(self._raw) if self.zipped else self._raw

    def require(self, count: int) -> None:
        """Make sure, before any memory is taken, that the file can hold this many bytes.

        Raises
        ------
        ImageReadError
            If it cannot.
        """
        if count > self.most:
            msg = (
                f"it is damaged or cut short: its header asks for {count} bytes, the file holds "
                f"{'at most ' if self.zipped else ''}{self.most}; copy or download it again"
            )
            raise ImageReadError(msg)

    def read(self, count: int) -> bytearray:
        """Return the next *count* bytes, or those that are left."""
        block = bytearray()
        while len(block) < count and (more := self._content.read(min(CHUNK, count - len(block)))):
            block += more
        return block

    def skip(self, count: int) -> int:
        """Pass over *count* bytes, or those that are left, and return their number."""
        left = count
        while left and (more := self._content.read(min(CHUNK, left))):
            left -= len(more)
        return count - left

    def finish(self) -> tuple[str, tuple[str, ...]]:
        """Read to the end, which is where gzip checks its sum.

        Returns
        -------
        sha256 : str
            Checksum of the file, of the very bytes that were read.
        warnings : tuple of str
            What follows the voxels.

        Raises
        ------
        ImageReadError
            If much follows the voxels in a packed file, or the file was changed meanwhile.
        """
        if isinstance(self._content, _Unzipped):
            trailing = self.skip(_TRAILING_LIMIT + 1)
            garbage = self._content.garbage
            if max(trailing, garbage) > _TRAILING_LIMIT:
                msg = "more than 64 KiB follow the voxel data; export the image again"
                raise ImageReadError(msg)
        else:
            trailing, garbage = self.most - self._file.tell(), 0
        digest = self._raw.sha256()
        after = os.fstat(self._file.fileno())
        if (after.st_size, after.st_mtime_ns) != (self._before.st_size, self._before.st_mtime_ns):
            msg = "it was changed while it was read; try again when nothing writes to it"
            raise ImageReadError(msg)
        found = ((trailing, "after the voxels"), (garbage, "after the gzip data"))
        return digest, tuple(_ignored(count, where) for count, where in found if count)


def _ignored(count: int, where: str) -> str:
    return f"1 byte {where} was ignored" if count == 1 else f"{count} bytes {where} were ignored"


@contextmanager
def opened(path: Path) -> Iterator[Stream]:
    """Open a regular file; anything else is refused at once, without waiting for a writer.

    Raises
    ------
    ImageReadError
        If it is no regular file, or no file can have that name.
    """
    try:
        _require_regular(path.stat().st_mode)
        # Without waiting, because the file may be another one by now.
        handle = os.open(path, _READ_FLAGS)
    except ValueError as error:
        msg = "no file can have this name here; rename it, or use a UTF-8 locale"
        raise ImageReadError(msg) from error
    with os.fdopen(handle, "rb") as file:
        _require_regular(os.fstat(handle).st_mode)
        yield Stream(file)


_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def _require_regular(mode: int) -> None:
    for is_kind, reason in _NOT_REGULAR:
        if is_kind(mode):
            raise ImageReadError(reason)


@contextmanager
def explained(name: Path | str) -> Iterator[None]:
    """Turn what goes wrong in reading a file into one `ImageReadError` that starts with *name*.

    Numbers out of range give no warnings of numpy; the checks on their results find them.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except (ImageReadError, GeometryError) as error:
        msg = f"{name}: {error}"
        raise ImageReadError(msg) from error
    except (OSError, EOFError, zlib.error, MemoryError) as error:
        msg = f"{name}: {_reason(error, name)}"
        raise ImageReadError(msg) from error


def _reason(error: BaseException, name: Path | str) -> str:
    if isinstance(error, FileNotFoundError) and Path(name).is_symlink():
        return "it is a link to a file that is not there; get its content first"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return _LOOP
    for kinds, reason in _REASONS:
        if isinstance(error, kinds):
            return reason
    return f"it cannot be read ({getattr(error, 'strerror', None) or error}); check the file"


def what_else(start: bytes, name: str) -> str:
    """Say what a file is that starts with these bytes and is not an image that can be read."""
    name = name.lower()
    if not start:
        return "the file is empty; copy or download it again"
    for mark, kind, command in _POINTERS:
        if mark in start:
            return f"it is a pointer of {kind}, not the image; get its content first ({command})"
    if name.endswith((".img", ".img.gz")):
        return "it is one half of a pair .hdr and .img; join them to one .nii.gz file"
    marked = (kind for offset, mark, kind in _OTHER_FORMATS if start[offset:].startswith(mark))
    named = (kind for endings, kind in _BY_NAME if name.endswith(endings))
    for kind in (*marked, *named):
        return f"it is {kind}, not a NIfTI image; convert it to .nii.gz (DICOM: dcm2niix)"
    return "it is not a NIfTI image; give a .nii or .nii.gz file, or DICOM"
