"""The bytes of an image file, packed or not, and what can go wrong with them."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from scgm.errors import GeometryError, ImageReadError

_CHUNK = 1 << 20

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
    (128, b"DICM", "a DICOM file"),
)

_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (EOFError, zlib.error, gzip.BadGzipFile),
        "it is damaged or cut short (unpacking it with gzip fails); copy or download it again",
    ),
    ((FileNotFoundError,), "there is no such file; check the path"),
    ((IsADirectoryError,), "this is a folder; give an image file"),
    ((PermissionError,), "it may not be read; ask for the permission to read it"),
    ((MemoryError,), "it does not fit into memory; crop the image"),
)


class Stream:
    """The content of a file, unpacked where it is gzip. It holds no more than was asked for.

    Parameters
    ----------
    file : binary file
        Opened for reading, at its start.

    Attributes
    ----------
    zipped : bool
        Whether the file is gzip, by its content.
    most : int
        The number of bytes that it can hold at most, known without unpacking it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        size = os.fstat(file.fileno()).st_size
        self.most = size * _DEFLATE_LIMIT if self.zipped else size
        self._content: BinaryIO | gzip.GzipFile = file
        if self.zipped:
            self._content = gzip.GzipFile(fileobj=file)

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
        while more := self._content.read(min(_CHUNK, count - len(block))):
            block += more
        return block

    def skip(self, count: int) -> int:
        """Pass over *count* bytes, or those that are left, and return their number."""
        left = count
        while more := self._content.read(min(_CHUNK, left)):
            left -= len(more)
        return count - left

    def finish(self) -> int:
        """Read to the end, which is where gzip checks its sum, and return the bytes passed over.

        Raises
        ------
        ImageReadError
            If a packed file goes on and on.
        """
        if not self.zipped:
            return self.most - self._content.tell()
        trailing = self.skip(_TRAILING_LIMIT + 1)
        if trailing > _TRAILING_LIMIT:
            msg = "it goes on long after its voxels, as no image does; export the image again"
            raise ImageReadError(msg)
        return trailing


@contextmanager
def explained(name: Path | str) -> Iterator[None]:
    """Turn what goes wrong in reading a file into one `ImageReadError` that starts with *name*."""
    try:
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
    for kinds, reason in _REASONS:
        if isinstance(error, kinds):
            return reason
    return f"it cannot be read ({getattr(error, 'strerror', None) or error}); check the file"


def what_else(start: bytes) -> str:
    """Say what a file is that starts with these bytes and is not NIfTI."""
    if not start:
        return "the file is empty; copy or download it again"
    for offset, mark, kind in _OTHER_FORMATS:
        if start[offset:].startswith(mark):
            return f"it is {kind}, not a NIfTI image; convert it to .nii.gz (DICOM: dcm2niix)"
    return "it is not a NIfTI image; give a .nii or .nii.gz file (from DICOM: dcm2niix)"
