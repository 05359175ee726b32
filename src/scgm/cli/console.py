"""What the user sees: messages, progress, and how a run ends."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scgm.errors import ScgmError, UsageError

EXIT_FAILED = 1  # an input could not be processed
EXIT_USAGE = 2  # the command line makes no sense
EXIT_FAULT = 3  # a fault of this program
EXIT_INTERRUPTED = 130

Verbose = Annotated[bool, typer.Option("--verbose", help="Say what is done, and every warning.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.")]


@dataclass(frozen=True, slots=True)
class Messages:
    """Prints for a command: results to stdout, everything else to stderr.

    Raises
    ------
    UsageError
        If it is to be verbose and quiet at once.
    """

    verbose: bool = False
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.verbose and self.quiet:
            msg = "--verbose and --quiet exclude each other"
            raise UsageError(msg)

    def result(self, text: str) -> None:
        """Print what the user asked for, unless quiet."""
        if not self.quiet:
            plain(text)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Print a table that the user asked for, its head first, unless quiet."""
        if self.quiet:
            return
        from rich.table import Table
        from rich.text import Text

        head, *body = rows
        table = Table(*head)
        for row in body:
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)

    def detail(self, text: str) -> None:
        """Print a step on the way, if verbose."""
        if self.verbose:
            plain(text, stderr=True)

    def warning(self, text: str) -> None:
        """Print what the user should look at, unless quiet."""
        if not self.quiet:
            plain(f"warning: {text}", stderr=True)

    def error(self, text: str) -> None:
        """Print what went wrong, always."""
        plain(f"error: {text}", stderr=True)

    @contextmanager
    def progress(self, total: int, what: str) -> Iterator[Callable[[], None]]:
        """Show a bar on stderr if a person looks; call what it yields after each thing."""
        console = Console(stderr=True)
        if self.quiet or total < 2 or not console.is_terminal:
            yield lambda: None
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)


def plain(text: str, *, stderr: bool = False) -> None:
    """Print *text* as it is: a file name in brackets is no markup, a long line stays one."""
    console = Console(stderr=stderr, soft_wrap=True, markup=False, highlight=False, emoji=False)
    console.print(text)


def explain(error: Exception) -> tuple[str, int]:
    """Say in one sentence what went wrong, and with which exit status that ends a run."""
    if isinstance(error, ScgmError):
        return str(error), EXIT_FAILED
    if isinstance(error, UsageError):
        return str(error), EXIT_USAGE
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs or crop the image", EXIT_FAILED
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"a fault of scgm, not yours ({what}); details are in {_write_log(error)}", EXIT_FAULT


@dataclass(frozen=True, slots=True)
class Failures:
    """Names the images of a batch that fail, and lets the others go on."""

    messages: Messages
    statuses: list[int] = field(default_factory=list)

    @contextmanager
    def of(self, image: Path) -> Iterator[None]:
        """Do something with *image*; an error is said and kept, not raised."""
        try:
            yield
        except Exception as error:  # whatever it is, it must not end the other images
            sentence, status = explain(error)
            self.messages.error(sentence if image.name in sentence else f"{image}: {sentence}")
            self.statuses.append(status)


@contextmanager
def exit_statuses() -> Iterator[None]:
    """End the process with one sentence and an exit status, whatever a command raises."""
    try:
        yield
    except KeyboardInterrupt:
        plain("error: interrupted", stderr=True)
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:  # the last door: nothing leaves it as a traceback
        sentence, status = explain(error)
        plain(f"error: {sentence}", stderr=True)
        sys.exit(status)


def _write_log(error: Exception) -> str:
    """Write the traceback of *error* to a new file, and return its name."""
    handle, name = tempfile.mkstemp(prefix="scgm-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        log.write(f"{sys.argv}\n{sys.version}\n{''.join(traceback.format_exception(error))}")
    return name
