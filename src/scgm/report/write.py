"""From results to a report: one HTML file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scgm.errors import OutputError, RecordError, ScgmError
from scgm.io.atomic import write_text
from scgm.report.entry import Entry, read_entry
from scgm.report.images import ImageFolders
from scgm.report.page import GENERATOR, page
from scgm.report.records import find_records, is_foreign, read_record

_HEAD_BYTES = 4096
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Report:
    """What a report shows.

    Attributes
    ----------
    path
        The file.
    shown
        How many images it shows.
    notices
        What is wrong with the files of images that it shows, one sentence each.
    left_out
        Why results could not be shown, one sentence each; the report lists them, too.
    """

    path: Path
    shown: int
    notices: tuple[str, ...]
    left_out: tuple[str, ...]


def write_report(
    results: Sequence[str | Path],
    output: str | Path,
    *,
    images: Sequence[str | Path] = (),
    overwrite: bool = False,
    done: Callable[[], None] = lambda: None,
) -> Report:
    """Write a report of results that were saved.

    Parameters
    ----------
    results : sequence of paths
        Records (``*_seg.json``), and folders in which there are some.
    output : str or Path
        The HTML file.
    images : sequence of paths
        Folders of the images, where they do not lie beside their results.
    overwrite : bool
        Replace an earlier report.
    done : callable
        Called after each image.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    ImageReadError, RecordError
        If there is no result to show.
    """
    path = Path(output)
    check_target(path, overwrite=overwrite)
    folders = ImageFolders.of(Path(folder) for folder in images)
    named = [Path(result) for result in results]
    records = [file for file in find_records(named) if file in named or not is_foreign(file)]
    entries, left_out = _read_all(records, folders, done)
    if not entries:
        found = left_out[0] if left_out else f"{named[0]}: there is no record *_seg.json in it"
        msg = f"there is no result to show ({found})"
        raise RecordError(msg)
    write_text(path, page(entries, left_out, _title(entries)))
    notices = [notice for entry in entries for notice in entry.notices]
    return Report(path, len(entries), tuple(notices), tuple(left_out))


def check_target(path: Path, *, overwrite: bool) -> None:
    """Make sure that a report can be written to a file.

    Raises
    ------
    OutputError
        If it cannot, or if something else than a report would be replaced.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        msg = f"{path}: a report is an HTML file; give a name that ends with .html"
        raise OutputError(msg)
    if not path.absolute().parent.is_dir():
        msg = f"{path}: there is no folder {path.parent}; make it first"
        raise OutputError(msg)
    if not os.path.lexists(path):
        return
    if not overwrite:
        msg = f"{path}: it exists already; give another name, or use --overwrite"
        raise OutputError(msg)
    if path.is_symlink() or not path.is_file() or not _is_report(path):
        msg = f"{path}: this is no report of scgm and is not replaced; give another name"
        raise OutputError(msg)


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return f'content="{GENERATOR} '.encode() in file.read(_HEAD_BYTES)


def _read_all(
    records: Iterable[Path], folders: ImageFolders, done: Callable[[], None]
) -> tuple[list[Entry], list[str]]:
    """Read all results; one that fails does not keep the others out."""
    entries: dict[str, Entry] = {}
    left_out = []

    def read(path: Path) -> Entry | str:
        try:
            return read_entry(read_record(path), folders)
        except ScgmError as error:
            return str(error)
        finally:
            done()

    # Unpacking, checksums and WebP leave Python's lock to others.
    with ThreadPoolExecutor(_THREADS) as pool:
        for entry in pool.map(read, records):
            if isinstance(entry, str):
                left_out.append(entry)
            else:
                entries.setdefault(entry.record.key, entry)
    return list(entries.values()), left_out


def _title(entries: Sequence[Entry]) -> str:
    if len(entries) == 1:
        return entries[0].record.title
    return f"{len(entries)} images"
