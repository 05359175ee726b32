"""The images of the folder that the user opened: named by numbers, never by paths."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ENDINGS = (".nii", ".nii.gz", ".zip")
_DICOM = (".dcm", ".ima")
MOST_FILES = 2000


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of the folder.

    Parameters
    ----------
    id : str
        What the page calls it.
    name : str
        Its path below the folder, with "/"; one that ends in "/" is a folder of DICOM files.
    path : Path
        Where it is; a link stays one, as the image is called by its name.
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
            return [_listed(self.root.name, self.root.absolute())]
        return sorted(self._inside(self.root.resolve()), key=lambda file: file.name)

    def find(self, file_id: str) -> Listed | None:
        """Return the file of this number, if it is there now."""
        return next((file for file in self.files() if file.id == file_id), None)

    def _inside(self, folder: Path) -> Iterator[Listed]:
        count = 0
        for place, below, names in os.walk(folder):
            below[:] = [name for name in below if not name.startswith(".")]
            if _holds_dicom(Path(place), names):
                yield _series(Path(place), folder)
                count += 1
            for name in names:
                if name.startswith(".") or not name.lower().endswith(_ENDINGS):
                    continue
                path = Path(place, name)
                real = path.resolve()
                if not real.is_file() or not real.is_relative_to(folder):
                    continue
                yield _listed(path.relative_to(folder).as_posix(), path)
                count += 1
                if count >= MOST_FILES:
                    return


def _holds_dicom(place: Path, names: list[str]) -> bool:
    """Tell whether a folder is a DICOM series, by the endings; none with links, which lead out."""
    return any(name.lower().endswith(_DICOM) for name in names) and not any(
        file.is_symlink() for file in place.rglob("*")
    )


def _series(place: Path, folder: Path) -> Listed:
    """Return a folder of DICOM files as one image."""
    name = f"{folder.name if place == folder else place.relative_to(folder).as_posix()}/"
    size = sum(file.stat().st_size for file in place.iterdir() if file.is_file())
    return Listed(_number(name), name, place, size)


def _listed(name: str, path: Path) -> Listed:
    return Listed(_number(name), name, path, path.stat().st_size)


def _number(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
