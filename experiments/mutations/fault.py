"""A fault of a list: a text of the program, and the wrong text in its place."""

from collections.abc import Iterator
from dataclasses import dataclass

Change = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """What breaks something that is promised.

    Parameters
    ----------
    name : str
        What is broken.
    file : str
        Path below ``src/scgm``.
    old, new : str
        *old* stands in the file exactly once.
    test : str, optional
        Path below ``tests`` that should notice; by default the one that mirrors the file.
    """

    name: str
    file: str
    old: str
    new: str
    test: str | None = None


def faults_in(file: str, test: str | None, *changes: Change) -> Iterator[Fault]:
    """Yield faults of one file: what is broken, the right text, the wrong text."""
    for name, old, new in changes:
        yield Fault(name, file, old, new, test)
