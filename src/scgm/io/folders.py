"""A folder that is made for files, and goes again if none came to lie in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder where it is missing; whatever was made is removed if it is empty at the end.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        with suppress(OSError):  # as at the first that is not empty
            for path in made:
                path.rmdir()
