"""Unpacking compressed pixels in a process of its own.

Decoders of JPEG are written in C. On damaged data some of them end the whole process, or print what
they think of it. In a process of their own they end that one, and the image is refused in one
sentence.

Both sides send eight bytes with a length, then as many bytes: a DICOM file there, an array in
numpy's format back, or nothing where it cannot be unpacked.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from scgm.io.dicom.packages import package, silence

# Unpacking a file takes far less; a decoder that needs longer does not end.
MOST_SECONDS = 120.0
COMMAND = [sys.executable, "-m", "scgm.io.dicom.unpack"]
_LENGTH_BYTES = 8


class Unpacker:
    """Unpacks files, one after the other, in a process that is started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def pixels(self, content: bytes) -> NDArray[Any]:
        """Return the pixels of a DICOM file.

        Raises
        ------
        ValueError
            If they cannot be unpacked.
        """
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        watch = Timer(MOST_SECONDS, process.kill)
        watch.start()
        try:
            _send(process.stdin, content)
            unpacked = _receive(process.stdout)
        except OSError as error:
            raise ValueError from error
        finally:
            watch.cancel()
        if not unpacked:
            raise ValueError
        return np.asarray(np.load(io.BytesIO(unpacked), allow_pickle=False))

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()
        self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(  # noqa: S603  (this program itself)
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process


@contextmanager
def unpacker() -> Iterator[Unpacker]:
    """Make an unpacker whose process ends with the block."""
    made = Unpacker()
    try:
        yield made
    finally:
        made.close()


def serve(received: IO[bytes], sent: IO[bytes]) -> None:
    """Unpack files until there are no more."""
    while content := _receive(received):
        _send(sent, _unpacked(content))


def _unpacked(content: bytes) -> bytes:
    try:
        with silence():
            pixels = package("pydicom").dcmread(io.BytesIO(content), force=True).pixel_array
        out = io.BytesIO()
        np.save(out, pixels, allow_pickle=False)
    except Exception:  # noqa: BLE001  whatever it is, the file cannot be unpacked
        return b""
    return out.getvalue()


def _send(stream: IO[bytes], content: bytes) -> None:
    stream.write(len(content).to_bytes(_LENGTH_BYTES, "little"))
    stream.write(content)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    return stream.read(int.from_bytes(stream.read(_LENGTH_BYTES), "little"))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
