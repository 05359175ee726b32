"""The volumes of a series: echoes, repetitions, or the only one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scgm.errors import ImageReadError
from scgm.io.dicom.frames import Frame
from scgm.io.dicom.hashes import file_hash
from scgm.io.dicom.series import Series
from scgm.io.dicom.stack import SAME_PLACE_MM, even_step, in_order
from scgm.io.dicom.tags import number, text, value, whole, words
from scgm.io.options import VolumeChoice


@dataclass(frozen=True, slots=True, eq=False)
class Volumes:
    """All volumes of a series, on one grid.

    Parameters
    ----------
    volumes : tuple of tuple of Frame
        The slices of each volume, in order.
    step : (3,) float64
        Way from each slice to the next, in mm.
    notes : tuple of str
        What was left out or assumed.
    """

    volumes: tuple[tuple[Frame, ...], ...]
    step: np.ndarray
    notes: tuple[str, ...]

    @property
    def echoes_ms(self) -> tuple[float | None, ...]:
        """Echo time of each volume."""
        return tuple(volume[0].echo_ms for volume in self.volumes)

    def wanted(self, choice: VolumeChoice) -> tuple[int, ...]:
        """Return the indices of the volumes that are meant.

        Raises
        ------
        ImageReadError
            If the choice is missing or impossible.
        """
        count = len(self.volumes)
        if count == 1:
            if choice in (None, "mean", "rms", 0):
                return (0,)
            msg = f"it holds a single volume, so there is no volume {choice}; omit --volume"
            raise ImageReadError(msg)
        if choice in ("mean", "rms"):
            return tuple(range(count))
        if isinstance(choice, int) and 0 <= choice < count:
            return (choice,)
        raise ImageReadError(self._choices(choice))

    def combined_note(self, choice: VolumeChoice) -> tuple[str, ...]:
        """Say what one volume was made of, if it was made of several."""
        if len(self.volumes) == 1 or choice not in ("mean", "rms"):
            return ()
        how = "root mean square" if choice == "rms" else "mean"
        return (f"the image is the {how} of {self._what()}",)

    def _what(self) -> str:
        count, echoes = len(self.volumes), self.echoes_ms
        if len(set(echoes)) != count or None in echoes:
            return f"{count} volumes"
        times = ", ".join(f"{echo:g}" for echo in echoes if echo is not None)
        return f"{count} echoes (echo times {times} ms)"

    def _choices(self, choice: VolumeChoice) -> str:
        found = "" if choice is None else f", but no volume {choice}"
        return (
            f"it holds {self._what()}{found}; choose with --volume rms (root mean square of all, "
            f"usual for echoes), --volume mean or --volume N (0 to {len(self.volumes) - 1})"
        )


def volumes_of(series: Series) -> Volumes:
    """Put the slices of a series in order.

    Raises
    ------
    ImageReadError
        If slices are missing, doubled, or lie unevenly, or it shows no magnitude.
    """
    if not series.frames:
        raise ImageReadError(_no_place(series))
    frames, left_out = _magnitude(series.frames)
    frames, doubled = _each_once(frames)
    places = _by_place(frames)
    _require_equal_counts(places)
    grid = frames[0].grid
    positions = [place[0].position for place in places]
    thickness = frames[0].thickness_mm
    step = even_step(positions, grid, thickness)
    volumes = tuple(zip(*(sorted(place, key=_rank) for place in places), strict=True))
    _require_alike(volumes)
    doubts = (
        *_doubts(series, places, thickness),
        *_far_apart(series, abs(float(step @ grid.normal))),
    )
    return Volumes(volumes, step, (*left_out, *doubled, *doubts))


def _rank(frame: Frame) -> tuple[object, ...]:
    return (frame.image_type, frame.order)


def _magnitude(frames: Sequence[Frame]) -> tuple[list[Frame], list[str]]:
    parts = Counter(frame.part for frame in frames)
    others = [part for part in parts if part not in ("magnitude", "")]
    kept = [frame for frame in frames if frame.part not in others]
    if not kept:
        msg = f"it shows the {' and '.join(others)} of the signal; give the magnitude images"
        raise ImageReadError(msg)
    counted = ", ".join(f"{parts[part]} of {part}" for part in others)
    notes = [f"images of other parts of the signal are left out ({counted})"] if others else []
    return kept, notes


def _each_once(frames: Sequence[Frame]) -> tuple[list[Frame], list[str]]:
    """Leave out copies of files; two files of one number must be the same."""
    once: dict[tuple[object, ...], Frame] = {}
    copies = 0
    for frame in frames:
        # A file without a number is like no other.
        number = frame.instance.uid or id(frame.instance)
        first = once.setdefault((number, frame.index, frame.tile), frame)
        if first is frame:
            continue
        copies += 1
        if file_hash(first.instance.part) != file_hash(frame.instance.part):
            msg = (
                f"{first.instance.part.name} and {frame.instance.part.name} have the same number "
                "(SOP Instance UID) and are not the same; remove the wrong one"
            )
            raise ImageReadError(msg)
    notes = [f"copies of images are left out ({copies})"] if copies else []
    return list(once.values()), notes


def _by_place(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Put together the images at each place, in the order of the places."""
    order = in_order([frame.position for frame in frames], frames[0].grid)
    places: list[list[Frame]] = []
    for frame in (frames[index] for index in order):
        near = (
            place
            for place in reversed(places[-8:])
            if np.linalg.norm(place[0].position - frame.position) < SAME_PLACE_MM
        )
        place = next(near, None)
        if place is None:
            places.append([frame])
        else:
            place.append(frame)
    return places


def _require_equal_counts(places: Sequence[Sequence[Frame]]) -> None:
    counts = Counter(len(place) for place in places)
    if len(counts) == 1:
        return
    usual = counts.most_common(1)[0][0]
    odd = next(index for index, place in enumerate(places) if len(place) != usual)
    msg = (
        f"the number of images is {len(places[odd])} at slice {odd + 1} and {usual} at nearly "
        "every other one, so an image is doubled or missing; export the series again"
    )
    raise ImageReadError(msg)


def _require_alike(volumes: Sequence[Sequence[Frame]]) -> None:
    """Make sure that each volume has one echo time and one type of image."""
    for volume in volumes:
        kinds = {(frame.image_type, frame.echo_ms) for frame in volume}
        if len(kinds) > 1:
            msg = (
                "its slices are of several echo times or types of image, and it is not clear which "
                "belong together; export each as a series of its own"
            )
            raise ImageReadError(msg)


def _doubts(
    series: Series, places: Sequence[Sequence[Frame]], thickness: float | None
) -> list[str]:
    notes = []
    if len(places) == 1 and thickness is None:
        notes.append("the thickness of its only slice is not said; 1 mm is assumed")
    header = series.instances[0].header
    modality = text(value(header, "Modality"))
    if modality and modality != "MR":
        notes.append(f"its modality is {modality[:16]}, not MR; methods were made for MR")
    if text(value(header, "LossyImageCompression")) == "01":
        notes.append("its images were compressed with loss, which can change small structures")
    promised = whole(value(header, "ImagesInAcquisition"))
    if promised and len(places) < promised and promised % max(len(places[0]), 1) == 0:
        found = sum(len(place) for place in places)
        if found < promised:
            notes.append(f"its header promises {promised} images, {found} are there")
    return notes


def _far_apart(series: Series, found_mm: float) -> list[str]:
    """Ask for slices that are missing evenly, as every second one."""
    header = series.instances[0].header
    told_mm, thick_mm = (
        abs(number(value(header, name)) or 0.0)
        for name in ("SpacingBetweenSlices", "SliceThickness")
    )
    # Some write the gap between slices there, which is smaller than a slice is thick.
    if not told_mm or told_mm < 0.9 * thick_mm or len(series.frames) < 2:
        return []
    times = found_mm / told_mm
    if round(times) < 2 or abs(times - round(times)) > 0.05:
        return []
    return [
        f"its slices lie {found_mm:.4g} mm apart, but its header says {told_mm:.4g} mm: look "
        "whether slices are missing"
    ]


def _no_place(series: Series) -> str:
    if any("MOSAIC" in words(one.header, "ImageType") for one in series.instances):
        return (
            "it is a Siemens mosaic without Siemens' own tags, so the number and the direction of "
            "its slices are unknown; export it with private tags"
        )
    return (
        "its files do not say where the images lie (position, orientation or pixel size is missing "
        "or damaged); export the series again as original images"
    )
