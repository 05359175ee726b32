"""Which images of a BIDS folder are wanted: by subject, session, run, suffix, acquisition."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scgm.cohort.scans import entity_values
from scgm.errors import UsageError
from scgm.io.paths import is_safe_name

# The contrast that the model was made for.
DEFAULT_SUFFIX = "T2starw"
# Names of pybids, as filter files have them, and the entities of file names.
_ENTITIES = {
    "subject": "sub",
    "session": "ses",
    "acquisition": "acq",
    "reconstruction": "rec",
    "ceagent": "ce",
    "inversion": "inv",
    "mtransfer": "mt",
    "chunk": "chunk",
    "task": "task",
    "run": "run",
    "suffix": "suffix",
    "echo": "echo",
    "part": "part",
    "flip": "flip",
}
_ABSENT, _ANY = None, "*"

Query = Mapping[str, frozenset[str | None]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What an image must be to be wanted.

    Attributes
    ----------
    given : mapping
        For each entity the values that an image may have; all of them must fit. None is an image
        that has no such entity, "*" one with any.
    queries : tuple of mapping
        The queries of a filter file: one of them must fit, if there are any.
    """

    given: Query
    queries: tuple[Query, ...] = ()

    def wants(self, name: str) -> bool:
        """Tell whether the image of this name is wanted."""
        values = entity_values(name)
        fits = _fits(values, self.given)
        return fits and (not self.queries or any(_fits(values, each) for each in self.queries))

    @property
    def subjects(self) -> frozenset[str | None]:
        """Subjects that were asked for by their labels; empty for all."""
        return self.given.get("sub", frozenset())

    @property
    def names_suffix(self) -> bool:
        """Whether somebody said which contrasts are wanted."""
        return any("suffix" in query for query in (self.given, *self.queries))


def read_filters(choices: Mapping[str, Sequence[str]], file: Path | None = None) -> Filters:
    """Return the filters of the command line and of a filter file.

    Parameters
    ----------
    choices : mapping
        By the names of pybids ("subject", "session", ...) the labels that were given, with or
        without what comes before the dash ("01", "sub-01"); empty ones are left out.
    file : Path, optional
        A filter file as other BIDS Apps take it: ``{"t2starw": {"session": "01"}}``.

    Raises
    ------
    UsageError
        If a label cannot be one, or the file is no such file.
    """
    given = {
        _ENTITIES[name]: frozenset(_label(name, label) for label in labels)
        for name, labels in choices.items()
        if labels
    }
    filters = Filters(given, () if file is None else _queries(file))
    if filters.names_suffix:
        return filters
    return Filters({**given, "suffix": frozenset((DEFAULT_SUFFIX,))}, filters.queries)


def _fits(values: Mapping[str, str], query: Query) -> bool:
    return all(_fits_one(values.get(entity), wanted) for entity, wanted in query.items())


def _fits_one(value: str | None, wanted: Iterable[str | None]) -> bool:
    if value in wanted:
        return True
    if value is None:
        return False
    # Runs and echoes are numbers: 1 and 01 are the same.
    number = value.lstrip("0")
    alike = value.isdigit() and any(w is not None and w.lstrip("0") == number for w in wanted)
    return alike or _ANY in wanted


def _label(name: str, label: str) -> str:
    plain = label.removeprefix(f"{_ENTITIES[name]}-")
    if not is_safe_name(plain) or set(plain) & set("_ "):
        msg = f"{label!r} is no label of a {name}; give letters and digits, as 01"
        raise UsageError(msg)
    return plain


def _queries(file: Path) -> tuple[Query, ...]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{file}: no filter file can be read ({error}); give a JSON file"
        raise UsageError(msg) from error
    if not isinstance(content, dict) or not all(isinstance(q, dict) for q in content.values()):
        msg = f'{file}: no filter file; write {{"t2starw": {{"suffix": "T2starw"}}}}'
        raise UsageError(msg)
    return tuple(_query(file, query) for query in content.values())


def _query(file: Path, query: Mapping[str, Any]) -> Query:
    if query.get("datatype", "anat") not in ("anat", ["anat"]):
        msg = f"{file}: the datatype {query['datatype']!r} is not read; images lie in anat"
        raise UsageError(msg)
    rest = {name: value for name, value in query.items() if name not in ("datatype", "extension")}
    unknown = rest.keys() - _ENTITIES
    if unknown:
        msg = f"{file}: {min(unknown)!r} is not known; known: {', '.join(_ENTITIES)}"
        raise UsageError(msg)
    return {_ENTITIES[name]: _values(file, name, value) for name, value in rest.items()}


def _values(file: Path, name: str, value: Any) -> frozenset[str | None]:
    found = value if isinstance(value, list) else [value]
    if not all(each is None or isinstance(each, str | int) for each in found):
        msg = f"{file}: {name} is {value!r}; give a label, a list of labels, or null for none"
        raise UsageError(msg)
    return frozenset(_ABSENT if each is None else str(each) for each in found)
