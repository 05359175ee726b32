"""What the file ``.bidsignore`` of a BIDS folder leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scgm.errors import DataSetError, UsageError, missing_library


@dataclass(frozen=True, slots=True)
class Ignored:
    """Rules of a file ``.bidsignore``, which are those of ``.gitignore``."""

    root: Path
    rules: Any = None

    @classmethod
    def of(cls, root: Path) -> Ignored:
        """Read the rules of a folder; none if it has no such file.

        Raises
        ------
        DataSetError
            If the file cannot be read.
        UsageError
            If the library that reads it is not installed.
        """
        file = root / ".bidsignore"
        if not file.is_file():
            return cls(root)
        try:
            from pathspec import GitIgnoreSpec  # noqa: PLC0415  (of an extra)
        except ImportError as error:
            raise UsageError(missing_library("a .bidsignore file", "pathspec", "cohort")) from error
        try:
            return cls(root, GitIgnoreSpec.from_lines(file.read_text("utf-8").splitlines()))
        except (OSError, ValueError) as error:
            msg = f"{file}: it cannot be read ({error}); correct or remove it"
            raise DataSetError(msg) from error

    def has(self, path: Path) -> bool:
        """Tell whether a file is left out."""
        if self.rules is None:
            return False
        return bool(self.rules.match_file(path.relative_to(self.root).as_posix()))
