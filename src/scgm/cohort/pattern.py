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
        name. Where it names no subject, each file is a subject.
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
        for path, labels in _walk(self.root, self.pattern.split("/"), {}, self.leave_out):
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
            msg = f"{self.root}: no image fits the pattern {self.pattern!r}; {_EXAMPLE}"
            raise DataSetError(msg)

    def counted(self) -> tuple[int, Counter[str]]:
        """Return how many images fit; none is left out by its contrast."""
        return sum(1 for _ in self), Counter()

    def _check_pattern(self) -> None:
        parts = self.pattern.split("/")
        fields = re.findall(r"\{([^{}]*)\}", self.pattern)
        if not all(parts) or set(parts) & {".", "..", "**"}:
            msg = f"{self.pattern!r} is no path below the folder; give a pattern, {_EXAMPLE}"
            raise UsageError(msg)
        if set(fields) - set(_FIELDS):
            msg = f"{self.pattern!r} may have {{subject}} and {{session}} alone; {_EXAMPLE}"
            raise UsageError(msg)

    def _scan(self, path: Path, labels: dict[str, str]) -> Scan:
        subject = label_of(labels.get("subject", stem(path)))
        session = label_of(labels.get("session", ""))
        # Where the subject is known and the file's name is free, several files can be meant.
        free = "subject" in labels and "*" in self.pattern.rpartition("/")[2]
        acquisition = label_of(stem(path)) if free else ""
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
    """Yield the images whose paths fit the parts of a pattern, sorted, with their labels."""
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
        if not rest and path.name.lower().endswith(NIFTI_ENDINGS):
            yield path, found
        elif rest and path.is_dir():
            yield from _walk(path, rest, found, leave_out)


def _wanted(label: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or label in wanted
