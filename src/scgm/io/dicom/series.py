"""The series in a folder, and which of them is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scgm.errors import ImageReadError
from scgm.io.dicom.frames import Frame, frames_of
from scgm.io.dicom.headers import Headers, Instance
from scgm.io.dicom.identity import Identifiers
from scgm.io.dicom.tags import text, value, whole

_MOST_LISTED = 30


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Slices that can be one volume: of one series, in one orientation.

    Parameters
    ----------
    number : int, optional
        The series' number on the scanner.
    stack : int
        Which of several orientations or places of the series, from 1; 0 if it has one.
    uid : str
        What no other series has.
    description : str
        What it is called, without what names the patient.
    instances : tuple of Instance
        Its files.
    frames : tuple of Frame
        Its slices, in no order; none where the files do not say where they lie.
    """

    number: int | None
    stack: int
    uid: str
    description: str
    instances: tuple[Instance, ...]
    frames: tuple[Frame, ...]

    @property
    def name(self) -> str:
        """What ``--series`` calls it."""
        number = self.uid if self.number is None else str(self.number)
        return f"{number}:{self.stack}" if self.stack else number

    @property
    def line(self) -> str:
        """What a list of several says of it."""
        called = f' "{self.description}"' if self.description else ""
        if not self.frames:
            return f"{self.name}{called} ({len(self.instances)} files without a place in space)"
        grid = self.frames[0].grid
        echoes = {frame.echo_ms for frame in self.frames}
        several = f", {len(echoes)} echoes" if len(echoes) > 1 else ""
        size = f"{grid.columns} x {grid.rows}"
        return f"{self.name}{called} ({len(self.frames)} images of {size}{several})"


def list_series(headers: Headers, identifiers: Identifiers) -> list[Series]:
    """Return all series with images, by their numbers.

    Raises
    ------
    ImageReadError
        If there is no image.
    """
    by_series: dict[str, list[Instance]] = {}
    for instance in headers.images:
        by_series.setdefault(instance.series, []).append(instance)
    found = [one for group in by_series.values() for one in _stacks(group, identifiers)]
    if not found:
        raise ImageReadError(_no_image(headers))
    return sorted(found, key=lambda one: (one.number is None, one.number or 0, one.uid, one.stack))


def choose(series: Sequence[Series], wanted: str | None) -> Series:
    """Return the series that is meant.

    Parameters
    ----------
    series : sequence of Series
        All of them, at least one.
    wanted : str, optional
        Number (with ":" and the number of the stack where it has several), UID, description or a
        part of it that no other has.

    Raises
    ------
    ImageReadError
        If none or several of them are meant.
    """
    found = list(series) if wanted is None else _meant(series, wanted.strip())
    if len(found) == 1:
        return found[0]
    if not found:
        msg = f"it holds no series {str(wanted)[:80]!r}; it holds {_listed(series)}"
    elif wanted is None:
        msg = f"it holds {len(found)} series or stacks; choose one with --series: {_listed(found)}"
    else:
        msg = f"{str(wanted)[:80]!r} names {len(found)} of its series: {_listed(found)}"
    raise ImageReadError(msg)


def _meant(series: Sequence[Series], wanted: str) -> list[Series]:
    name = wanted.casefold()
    rules = (
        [one for one in series if wanted in (one.name, one.uid)],
        [one for one in series if wanted == str(one.number)],
        [one for one in series if one.description.casefold() == name],
        [one for one in series if name and name in one.description.casefold()],
    )
    return next((found for found in rules if found), [])


def _listed(series: Sequence[Series]) -> str:
    names = [one.name for one in series]
    lines = [
        # Where a number is not enough, as with two examinations in one folder.
        f"{one.line}, UID {one.uid}" if names.count(one.name) > 1 else one.line
        for one in series[:_MOST_LISTED]
    ]
    more = len(series) - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more else "")


def _stacks(instances: list[Instance], identifiers: Identifiers) -> list[Series]:
    """Divide the images of a series by orientation, size and frame of reference."""
    stacks: list[list[Frame]] = []
    for instance in instances:
        for frame in frames_of(instance):
            mine = (stack for stack in stacks if _fits(frame, stack[0]))
            stack = next(mine, None)
            if stack is None:
                stacks.append([frame])
            else:
                stack.append(frame)
    header = instances[0].header
    described = text(value(header, "SeriesDescription")) or text(value(header, "ProtocolName"))
    number = whole(value(header, "SeriesNumber"))
    return [
        Series(
            number=number,
            stack=index if len(stacks) > 1 else 0,
            uid=instances[0].series,
            description=identifiers.removed_from(described),
            instances=tuple(instances),
            frames=tuple(frames),
        )
        for index, frames in enumerate(stacks or [[]], start=1)
    ]


def _fits(frame: Frame, other: Frame) -> bool:
    reference, others = (
        text(value(one.instance.header, "FrameOfReferenceUID")) for one in (frame, other)
    )
    return reference == others and frame.grid.matches(other.grid)


def _no_image(headers: Headers) -> str:
    if not headers.all_headers:
        return "its DICOM content is damaged or cut short; copy or export it again"
    if headers.damaged:
        part, _ = headers.damaged[0]
        return f"{part.name} is damaged or cut short; copy or export it again"
    if list(headers.others) == ["DICOMDIR"]:
        return "it is a DICOMDIR, an index without images; give the folder that it lies in"
    kinds = ", ".join(f"{count} of kind '{kind}'" for kind, count in headers.others.items())
    return f"its DICOM files show no slice of a patient ({kinds}); give the images of the scan"
