"""The images of the folder that the user opened: named by numbers, never by paths."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ENDINGS = (".nii", ".nii.gz")
MOST_FILES = 2000


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of the folder.

    Parameters
    ----------
    id : str
        What the page calls it.
    name : str
        Its path below the folder, with "/".
    path : Path
        Where it is, without links.
    size : int
        Bytes.
    """

    id: str
    name: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Library:
    """What may be read: a folder with all that lies in it, a single file, or nothing.

    Parameters
    ----------
    root : Path, optional
        The file or the folder.
    """

    root: Path | None = None

    @property
    def folder(self) -> Path | None:
        """The folder, where it is one: the only place that is written to."""
        return self.root.resolve() if self.root is not None and self.root.is_dir() else None

    def files(self) -> list[Listed]:
        """Return the images, by name; links that lead out of the folder are left out."""
        if self.root is None:
            return []
        if not self.root.is_dir():
            return [_listed(self.root.name, self.root.resolve())]
        return sorted(self._inside(self.root.resolve()), key=lambda file: file.name)

    def find(self, file_id: str) -> Listed | None:
        """Return the file of this number, if it is there now."""
        return next((file for file in self.files() if file.id == file_id), None)

    def _inside(self, folder: Path) -> Iterator[Listed]:
        count = 0
        for place, below, names in os.walk(folder):
            below[:] = [name for name in below if not name.startswith(".")]
            for name in names:
                if name.startswith(".") or not name.lower().endswith(_ENDINGS):
                    continue
                real = Path(place, name).resolve()
                if not real.is_file() or not real.is_relative_to(folder):
                    continue
                yield _listed(Path(place, name).relative_to(folder).as_posix(), real)
                count += 1
                if count == MOST_FILES:
                    return


def _listed(name: str, path: Path) -> Listed:
    number = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return Listed(number, name, path, path.stat().st_size)
