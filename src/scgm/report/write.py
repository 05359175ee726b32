"""From results to a report: one HTML file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from scgm.errors import OutputError, RecordError, ScgmError
from scgm.io.atomic import write_text
from scgm.report.entry import Entry, read_entry
from scgm.report.images import ImageFolders
from scgm.report.normal_range import NormalRanges, read_ranges
from scgm.report.page import GENERATOR, LeftOut, page
from scgm.report.records import find_records, is_foreign, read_record

_HEAD_BYTES = 4096
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Beside:
    """What a command knows of images beside their results.

    Attributes
    ----------
    refused
        Images without a result, and why: the report lists them.
    scores
        Columns of numbers for the list, by the record that they belong to, as "Dice".
    normal_ranges
        Tables of ``scgm measure --by slice --norms``: the plots show the normal range of areas.
    """

    refused: Sequence[LeftOut] = ()
    scores: Mapping[Path, Mapping[str, float]] = field(default_factory=dict)
    normal_ranges: Sequence[Path] = ()


NOTHING_BESIDE = Beside()


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
    beside: Beside = NOTHING_BESIDE,
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
        Images, or folders of them, where they do not lie beside their results.
    beside : Beside
        Images without a result, scores of the others, and normal ranges.
    overwrite : bool
        Replace an earlier report.
    done : callable
        Called after each image.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    ImageReadError, RecordError
        If there is no result to show, or a table has no normal ranges.
    """
    path = Path(output)
    check_target(path, overwrite=overwrite)
    folders = ImageFolders.of(Path(folder) for folder in images)
    named = [Path(result) for result in results]
    records = [file for file in find_records(named) if file in named or not is_foreign(file)]
    ranges = read_ranges(beside.normal_ranges)
    read = _read_all(records, folders, ranges, done)
    if not read.entries:
        found = read.left_out[0].why if read.left_out else f"{named[0]}: it holds no *_seg.json"
        msg = f"there is no result to show ({found})"
        raise RecordError(msg)
    entries = [
        replace(entry, scores=dict(beside.scores.get(entry.record.path, {})))
        for entry in read.entries.values()
    ]
    write_text(path, page(entries, (*beside.refused, *read.left_out), _title(entries)))
    notices = [notice for entry in entries for notice in entry.notices]
    reasons = tuple(each.why for each in read.left_out)
    notices += ranges.without_image([entry.record for entry in entries])
    return Report(path, len(entries), (*notices, *read.twins), reasons)


def check_target(path: Path, *, overwrite: bool, to_come: Iterable[Path] = ()) -> None:
    """Make sure that a report can be written to a file.

    Parameters
    ----------
    path : Path
        The HTML file.
    overwrite : bool
        Whether an earlier report may be replaced.
    to_come : iterable of Path
        Folders that the same run makes before the report.

    Raises
    ------
    OutputError
        If it cannot, or if something else than a report would be replaced.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        msg = f"{path}: a report is an HTML file; give a name that ends with .html"
        raise OutputError(msg)
    if not path.absolute().parent.is_dir() and not _comes(path.absolute().parent, to_come):
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


def _comes(parent: Path, to_come: Iterable[Path]) -> bool:
    """Tell whether a folder that is missing will be there when folders are made."""
    place = os.path.normpath(parent)
    made = [Path(os.path.normpath(folder.absolute())) for folder in to_come]
    missing = not os.path.lexists(place)
    return missing and any(Path(place) in (folder, *folder.parents) for folder in made)


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return f'content="{GENERATOR} '.encode() in file.read(_HEAD_BYTES)


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read: results by their keys, what could not be, and what was there twice."""

    entries: dict[str, Entry] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    twins: list[str] = field(default_factory=list)

    def add(self, path: Path, found: Entry | LeftOut) -> None:
        """Take what was read from a record."""
        if isinstance(found, LeftOut):
            self.left_out.append(found)
        elif found.record.key in self.entries:
            first = self.entries[found.record.key].record.path
            self.twins.append(f"{path}: the same result as {first}; it is shown once")
        else:
            self.entries[found.record.key] = found


def _read_all(
    records: Sequence[Path], folders: ImageFolders, ranges: NormalRanges, done: Callable[[], None]
) -> _Read:
    """Read all results; one that fails does not keep the others out."""

    def read(path: Path) -> Entry | LeftOut:
        try:
            entry = read_entry(read_record(path), folders)
            entry.notices.extend(ranges.fill(entry.record, entry.rows))
        except ScgmError as error:
            return LeftOut(path, str(error))
        else:
            return entry
        finally:
            done()

    results = _Read()
    # Unpacking, checksums and WebP leave Python's lock to others.
    with ThreadPoolExecutor(_THREADS) as pool:
        for path, found in zip(records, pool.map(read, records), strict=True):
            results.add(path, found)
    return results


def _title(entries: Sequence[Entry]) -> str:
    if len(entries) == 1:
        return entries[0].record.title
    images = {(entry.record.input.sha256, entry.record.title) for entry in entries}
    if len(images) == len(entries):
        return f"{len(entries)} images"
    return f"{len(entries)} results of {len(images)} image{'s' * (len(images) > 1)}"
