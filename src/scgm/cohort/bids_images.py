"""The images of a BIDS folder, one after the other, while others are already segmented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scgm.cohort.filters import Filters
from scgm.cohort.ignored import Ignored
from scgm.cohort.scans import Scan, bids_scans
from scgm.datasets.bids import IMAGE_SUFFIXES
from scgm.datasets.case import NIFTI_ENDINGS, stem
from scgm.errors import DataSetError, UsageError


@dataclass(frozen=True, slots=True)
class BidsImages:
    """Images in ``sub-*/[ses-*/]anat``, sorted by subject, session and name.

    Attributes
    ----------
    root : Path
        The folder.
    filters : Filters
        Which of them are wanted.
    """

    root: Path
    filters: Filters

    def __iter__(self) -> Iterator[Scan]:
        yield from (scan for scan in self._all() if self.filters.wants(scan.name))

    def counted(self) -> tuple[int, Counter[str]]:
        """Return how many images are wanted, and how many of each contrast are not."""
        wanted, left_out = 0, Counter[str]()
        for scan in self._all():
            if self.filters.wants(scan.name):
                wanted += 1
            else:
                left_out[scan.name.rpartition("_")[2]] += 1
        return wanted, left_out

    def check(self) -> None:
        """Make sure, before any work, that there are subjects, and those that were asked for.

        Raises
        ------
        DataSetError
            If there are none.
        UsageError
            If one that was asked for is missing.
        """
        if not self.root.is_dir():
            msg = f"{self.root}: there is no such folder; give a BIDS folder"
            raise DataSetError(msg)
        for label in sorted(filter(None, self.filters.subjects)):
            if not (self.root / f"sub-{label}").is_dir():
                msg = f"{self.root}: there is no folder sub-{label}; check --participant-label"
                raise UsageError(msg)
        if next(self._subjects(), None) is None:
            msg = (
                f"{self.root}: there is no folder sub-*, so this is no BIDS folder; say with "
                "--pattern where the images are"
            )
            raise DataSetError(msg)

    def _subjects(self) -> Iterator[Path]:
        wanted = self.filters.subjects
        if wanted:
            yield from (self.root / f"sub-{label}" for label in sorted(filter(None, wanted)))
        else:
            yield from _folders(self.root, "sub-")

    def _all(self) -> Iterator[Scan]:
        ignored = Ignored.of(self.root)
        for subject in self._subjects():
            for session, folder in _anat_folders(subject):
                yield from self._in_folder(folder, subject.name, session, ignored)

    def _in_folder(
        self, folder: Path, subject: str, session: str, ignored: Ignored
    ) -> Iterator[Scan]:
        files = [path for path in _entries(folder) if _is_image(path) and not ignored.has(path)]
        subject = subject.removeprefix("sub-")
        yield from bids_scans(self.root, files, subject, session.removeprefix("ses-"))


def _anat_folders(subject: Path) -> Iterator[tuple[str, Path]]:
    yield "", subject / "anat"
    for session in _folders(subject, "ses-"):
        yield session.name, session / "anat"


def _folders(place: Path, start: str) -> Iterator[Path]:
    yield from (path for path in _entries(place) if path.name.startswith(start) and path.is_dir())


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted; nothing if there is no such folder.

    Raises
    ------
    DataSetError
        If it may not be read.
    """
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        msg = f"{folder}: it cannot be read ({error.strerror or error}); check its permissions"
        raise DataSetError(msg) from error


def _is_image(path: Path) -> bool:
    """Tell whether a name is that of an image; a link that leads nowhere has one, too."""
    name = path.name.lower()
    suffix = stem(path).rpartition("_")[2]
    return name.endswith(NIFTI_ENDINGS) and suffix in IMAGE_SUFFIXES and name.startswith("sub-")
