"""The images of a folder that is not BIDS, found by a pattern."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scgm.cohort.scans import Scan, label_of
from scgm.datasets.case import NIFTI_ENDINGS, stem
from scgm.errors import DataSetError, UsageError

_FIELDS = ("subject", "session")
# Taken where the pattern ends like that: other files of these kinds lie about.
_PACKED = (".zip", ".dcm")
_EXAMPLE = "for example '{subject}/{session}/*_t2s.nii.gz'"


@dataclass(frozen=True, slots=True)
class PatternImages:
    """Images whose paths fit a pattern, sorted by their paths.

    Attributes
    ----------
    root : Path
        The folder.
    pattern : str
        Path below it: ``{subject}`` and ``{session}`` stand for labels, ``*`` for any part of a
        name. Where it names no subject, each file is a subject. With a slash at its end it names
        folders of DICOM, with ".zip" or ".dcm" packed ones or files of several frames.
    subjects, sessions : tuple of str
        Labels that are wanted; all if empty.
    leave_out : Path, optional
        A folder that is not looked through, as that of the results.
    """

    root: Path
    pattern: str
    subjects: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    leave_out: Path | None = None

    def __iter__(self) -> Iterator[Scan]:
        for path, labels in _walk(self.root, self._parts, {}, self.leave_out):
            if not self._is_image(path):
                continue
            scan = self._scan(path, labels)
            if _wanted(scan.subject, self.subjects) and _wanted(scan.session, self.sessions):
                yield scan

    def check(self) -> None:
        """Make sure, before any work, that images fit and that no two share a name.

        Raises
        ------
        UsageError
            If the pattern makes no sense, or two files would have results of the same name.
        DataSetError
            If no file fits.
        """
        self._check_pattern()
        if not self.root.is_dir():
            msg = f"{self.root}: there is no such folder; give a folder with images"
            raise DataSetError(msg)
        first: dict[str, str] = {}
        for scan in self:
            if not label_of(scan.subject):
                msg = f"{scan.source}: its subject has no letter and no digit; rename it"
                raise UsageError(msg)
            other = first.setdefault(scan.name, scan.source)
            if other != scan.source:
                msg = (
                    f"{other} and {scan.source} would both be {scan.name}; use a pattern that "
                    "tells them apart, or rename one"
                )
                raise UsageError(msg)
        if not first:
            raise DataSetError(self._nothing_fits())

    def counted(self) -> tuple[int, Counter[str]]:
        """Return how many images fit; none is left out by its contrast."""
        return sum(1 for _ in self), Counter()

    @property
    def _parts(self) -> list[str]:
        return self.pattern.removesuffix("/").split("/")

    def _is_image(self, path: Path) -> bool:
        if self.pattern.endswith("/"):
            return path.is_dir()
        packed = tuple(ending for ending in _PACKED if self.pattern.lower().endswith(ending))
        return path.name.lower().endswith((*NIFTI_ENDINGS, *packed)) and not path.is_dir()

    def _nothing_fits(self) -> str:
        found = f"{self.root}: no image fits the pattern {self.pattern!r}"
        paths = _walk(self.root, self._parts, {}, self.leave_out)
        if any(path.is_dir() for path, _ in paths):
            return f"{found}, but folders do; for folders of DICOM give '{self.pattern}/'"
        return f"{found}; {_EXAMPLE}"

    def _check_pattern(self) -> None:
        parts = self._parts
        fields = re.findall(r"\{([^{}]*)\}", self.pattern)
        if not all(parts) or set(parts) & {".", "..", "**"}:
            msg = f"{self.pattern!r} is no path below the folder; give a pattern, {_EXAMPLE}"
            raise UsageError(msg)
        if set(fields) - set(_FIELDS):
            msg = f"{self.pattern!r} may have {{subject}} and {{session}} alone; {_EXAMPLE}"
            raise UsageError(msg)

    def _scan(self, path: Path, labels: dict[str, str]) -> Scan:
        file = _without_ending(path)
        subject = label_of(labels.get("subject", file))
        session = label_of(labels.get("session", ""))
        # Where the subject is known and the file's name is free, several files can be meant.
        free = "subject" in labels and "*" in self._parts[-1]
        acquisition = label_of(file) if free else ""
        tokens = (("sub", subject), ("ses", session), ("acq", acquisition))
        name = "_".join(f"{key}-{value}" for key, value in tokens if value)
        return Scan(
            image=path,
            source=path.relative_to(self.root).as_posix(),
            subject=subject,
            session=session,
            name=name,
            entities=name,
        )


def _without_ending(path: Path) -> str:
    name = stem(path)
    return name[:-4] if name.lower().endswith(_PACKED) else name


def _expression(part: str, labels: Mapping[str, str]) -> str:
    r"""Return one part of a pattern as a regular expression; a label that is known stands for it.

    >>> _expression("{subject}_*.nii", {}), _expression("{subject}_*.nii", {"subject": "7"})
    ('(?P<subject>[^/]+?)_[^/]*\\.nii', '7_[^/]*\\.nii')
    """
    known = dict(labels)
    pieces = []
    for piece in re.split(r"(\*|\{[a-z]+\})", part):
        name = piece[1:-1]
        if piece == "*":
            pieces.append("[^/]*")
        elif not piece.startswith("{"):
            pieces.append(re.escape(piece))
        elif name in labels:
            pieces.append(re.escape(labels[name]))
        else:
            pieces.append(f"(?P={name})" if name in known else f"(?P<{name}>[^/]+?)")
            known[name] = ""
    return "".join(pieces)


def _walk(
    folder: Path, parts: Sequence[str], labels: dict[str, str], leave_out: Path | None
) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield what has a path that fits the parts of a pattern, sorted, with its labels."""
    part, *rest = parts
    step = re.compile(_expression(part, labels))
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        msg = f"{folder}: it cannot be read ({error.strerror or error}); check its permissions"
        raise DataSetError(msg) from error
    for path in entries:
        match = step.fullmatch(path.name)
        # What is hidden is no image: temporary files, and the copies that macOS makes.
        if match is None or path.name.startswith(".") or path == leave_out:
            continue
        found = labels | match.groupdict()
        if not rest:
            yield path, found
        elif path.is_dir():
            yield from _walk(path, rest, found, leave_out)


def _wanted(label: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or label in wanted
