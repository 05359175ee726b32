"""Standard output and standard error as they are: closed, full, or unable to show some letters."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from scgm.errors import OutputError


class SteadyStream:
    """A stream whose reader may leave (``| head -1``): the program goes on, and says no more there.

    Parameters
    ----------
    inner : TextIO
        The stream.
    name : str
        What it is called in messages.
    must_work : bool
        Raise an `OutputError` when it cannot be written for another reason, as a full disk.
    """

    def __init__(self, inner: TextIO, name: str, *, must_work: bool) -> None:
        self._inner = inner
        self._name = name
        self._must_work = must_work
        with suppress(AttributeError, ValueError, OSError):
            inner.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]

    def write(self, text: str) -> int:
        """Write text."""
        with self._faults():
            self._inner.write(text)
        return len(text)

    def flush(self) -> None:
        """Send what was written on its way."""
        with self._faults():
            self._inner.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self._discard()
        except OSError as error:
            self._discard()
            if self._must_work:
                msg = f"{self._name} cannot be written ({error.strerror or error}); check its space"
                raise OutputError(msg) from error

    def _discard(self) -> None:
        """Send the rest nowhere, also what Python writes at its end."""
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._inner.fileno())
            os.close(nowhere)


@contextmanager
def steady_streams() -> Iterator[None]:
    """Make standard output and standard error steady, for as long as the program runs."""
    earlier = sys.stdout, sys.stderr
    sys.stdout = _steady(sys.stdout, "standard output", must_work=True)
    sys.stderr = _steady(sys.stderr, "standard error", must_work=False)
    try:
        yield
    finally:
        with suppress(OutputError):
            sys.stdout.flush()
        sys.stdout, sys.stderr = earlier


def _steady(stream: TextIO | None, name: str, *, must_work: bool) -> TextIO:
    """Wrap a stream; one that is closed (None) becomes one that leads nowhere."""
    inner = io.StringIO() if stream is None else stream
    return cast(TextIO, SteadyStream(inner, name, must_work=must_work))
