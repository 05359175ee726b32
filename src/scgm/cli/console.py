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
from typing import TextIO

from rich.console import Console

from scgm.cli.log import log, start_log, stop_log
from scgm.cli.signals import stop_if_asked
from scgm.cli.streams import steady_streams
from scgm.errors import UsageError, sentence_of
from scgm.io.text import printable

EXIT_FAILED = 1  # an input could not be processed
EXIT_USAGE = 2  # the command line makes no sense
EXIT_FAULT = 3  # a fault of this program


@dataclass(frozen=True, slots=True)
class Messages:
    """Prints for a command: results to stdout, everything else to stderr, all to the log.

    Parameters
    ----------
    verbose, quiet : bool
        Say more, or nothing but errors.
    log : Path, optional
        File to which every message is added, also those that are not printed.

    Raises
    ------
    UsageError
        If it is to be verbose and quiet at once.
    OutputError
        If the log cannot be written.
    """

    verbose: bool = False
    quiet: bool = False
    log: Path | None = None

    def __post_init__(self) -> None:
        if self.verbose and self.quiet:
            msg = "--verbose and --quiet exclude each other"
            raise UsageError(msg)
        if self.log is not None:
            start_log(self.log)

    def result(self, text: str) -> None:
        """Print what the user asked for, unless quiet."""
        plain(text, shown=not self.quiet)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Print a table that the user asked for, its head first, unless quiet."""
        log("\n".join("\t".join(row) for row in rows))
        if self.quiet:
            return
        from rich.table import Table
        from rich.text import Text

        head, *body = rows
        table = Table()
        for name in head:
            table.add_column(name, overflow="fold")  # no long word is cut off
        for row in body:
            table.add_row(*(Text(printable(cell, keep="\n")) for cell in row))
        console = Console()
        with console.capture() as drawn:
            console.print(table)
        _write(drawn.get(), sys.stdout)

    def detail(self, text: str) -> None:
        """Print a step, if verbose."""
        plain(text, stderr=True, shown=self.verbose)

    def warning(self, text: str) -> None:
        """Print what the user should look at, unless quiet."""
        plain(f"warning: {printable(text)}", stderr=True, shown=not self.quiet)

    def error(self, text: str) -> None:
        """Print what went wrong, always."""
        plain(f"error: {printable(text)}", stderr=True)

    @contextmanager
    def progress(self, total: int, what: str) -> Iterator[Callable[[], None]]:
        """Show on stderr, if a person looks, how far it is; call what it yields after each thing.

        A single thing shows a moving sign and the time that has passed.
        """
        console = Console(stderr=True)
        if self.quiet or not console.is_terminal:
            yield lambda: None
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        counted = (BarColumn(), MofNCompleteColumn()) if total > 1 else ()
        columns = (SpinnerColumn(), TextColumn(what, markup=False), *counted, TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)


def cell(value: str | float | None) -> str:
    """Return a value as a table on the screen shows it."""
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def counted(number: int, what: str) -> str:
    """Return a number with a word that is then singular or plural: 1 image, 2 images."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def plain(text: str, *, stderr: bool = False, shown: bool = True) -> None:
    """Print *text* as one piece, whatever it is: no markup, no line breaks, no control codes."""
    log(text)
    if shown:
        _write(printable(text, keep="\n") + "\n", sys.stderr if stderr else sys.stdout)


def _write(text: str, stream: TextIO) -> None:
    stream.write(text)
    stream.flush()


def explain(error: Exception) -> tuple[str, int]:
    """Say in one sentence what went wrong, and with which exit status that ends a run."""
    if sentence := sentence_of(error):
        return sentence, EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"a fault of scgm, not yours ({what}); {_write_report(error)}", EXIT_FAULT


@dataclass(frozen=True, slots=True)
class Failures:
    """Names the images of a batch that fail, and lets the others go on."""

    messages: Messages
    statuses: list[int] = field(default_factory=list)
    reasons: list[tuple[Path, str]] = field(default_factory=list)

    @contextmanager
    def of(self, image: Path) -> Iterator[None]:
        """Do something with *image*; an error is said and kept, not raised."""
        stop_if_asked()
        try:
            yield
        except Exception as error:  # noqa: BLE001  whatever it is, it must not end the other images
            stop_if_asked()
            sentence, status = explain(error)
            named = sentence if image.name in sentence else f"{image}: {sentence}"
            self.messages.error(named)
            self.statuses.append(status)
            self.reasons.append((image, named))


@contextmanager
def exit_statuses() -> Iterator[None]:
    """End the process with one sentence and an exit status, whatever a command raises."""
    with steady_streams():
        try:
            yield
        except Exception as error:  # noqa: BLE001  nothing leaves the program as a traceback
            stop_if_asked()
            sentence, status = explain(error)
            plain(f"error: {printable(sentence)}", stderr=True)
            sys.exit(status)
        finally:
            stop_log()


def _write_report(error: Exception) -> str:
    """Write the traceback of *error* to a new file; return where it is."""
    text = f"{sys.argv}\n{sys.version}\n{''.join(traceback.format_exception(error))}"
    log(text)
    try:
        handle, name = tempfile.mkstemp(prefix="scgm-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as report:
            report.write(text)
    except OSError as problem:
        return f"its details cannot be written ({problem.strerror or problem}); use --log FILE"
    return f"details are in {name}"
