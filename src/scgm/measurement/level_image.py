"""Levels from a label image, by the conventions of the Spinal Cord Toolbox.

Levels as surfaces: each voxel of the cord has the number of its level; 1 is C1 (and, in some
images, all that lies above it), 8 is T1 (of spinal levels, C8 is 8 and T1 is 9).

Discs as points: in version 4 and later of the toolbox, the number is that of the vertebra below
the disc, so 3 is the disc C2/C3 and 1 the top of C1 ("discs"). Before, and in other programs, it
is that of the vertebra above, so 2 is C2/C3 and 1 is C1/C2 ("discs-below"). The image cannot tell.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError, UsageError
from scgm.image.orientation import AxialStack
from scgm.image.volume import Volume
from scgm.measurement.levels import LevelKind, Levels, level_names, require_order
from scgm.measurement.plane import plane_of

# Places in the brain stem, which label images of discs can hold, too.
_BRAIN_STEM = (49, 50)

# Discs are points, or balls drawn around them; levels are as wide as the cord.
_LARGEST_POINT_MM = 4.0
_SMALLEST_SURFACE_MM = 6.0  # the second longest of its sides: slices can be thick


class LevelMeaning(StrEnum):
    """What the numbers of a label image mean."""

    VERTEBRAL = "vertebral"
    SPINAL = "spinal"
    DISCS = "discs"
    DISCS_BELOW = "discs-below"

    @property
    def kind(self) -> LevelKind:
        """The kind of level that they lead to."""
        return LevelKind.SPINAL if self is LevelMeaning.SPINAL else LevelKind.VERTEBRAL


DISCS = (LevelMeaning.DISCS, LevelMeaning.DISCS_BELOW)


def levels_from_image(
    labels: Volume,
    stack: AxialStack,
    cord: NDArray[np.bool_],
    meaning: LevelMeaning | None = None,
) -> Levels:
    """Return the level of each slice.

    Parameters
    ----------
    labels : Volume
        The label image, on any grid of the same scanner space.
    stack : AxialStack
        The slices.
    cord : (Z, Y, X) bool
        The cord (or the gray matter) on them.
    meaning : LevelMeaning, optional
        What the numbers mean; by default vertebral levels, if they are surfaces.

    Raises
    ------
    ImageReadError
        If a number is no level.
    GeometryError
        If no label lies at any slice with a cord, or levels or discs are not in order.
    UsageError
        If the labels are points and *meaning* does not say which, or discs, and they are no points.
    """
    numbers = _numbers(labels)
    longest, second = _sides_mm(labels, numbers)
    if meaning is None and longest <= _LARGEST_POINT_MM:
        msg = (
            f"{labels.name}: its labels are points; say what they are: --level-kind discs (3 is "
            "C2/C3, 1 the top of C1) or --level-kind discs-below (2 is C2/C3, 1 is C1/C2)"
        )
        raise UsageError(msg)
    chosen = meaning or LevelMeaning.VERTEBRAL
    _refuse_unknown(labels, numbers, chosen)
    notes = tuple(f"{labels.name}: {note}" for note in labels.warnings)
    if chosen in DISCS:
        if second >= _SMALLEST_SURFACE_MM:
            msg = (
                f"{labels.name}: one of its labels is {second:.0f} mm wide, so they are levels "
                "and no discs; omit --level-kind, or give the labels of the discs"
            )
            raise UsageError(msg)
        found = _from_discs(labels, numbers, stack, chosen)
        return replace(found, warnings=(*notes, *found.warnings))
    if meaning is None:
        notes += (f"{labels.name}: taken as {chosen} levels; --level-kind says otherwise",)
    return _from_surfaces(labels, stack, cord, chosen, notes)


def _numbers(labels: Volume) -> tuple[int, ...]:
    values = np.unique(labels.voxels)
    values = values[values != 0]
    if not len(values):
        msg = f"{labels.name}: it holds no label; give a label image of levels"
        raise ImageReadError(msg)
    if not np.array_equal(values, np.round(values)):
        msg = f"{labels.name}: its values are no whole numbers; give a label image of levels"
        raise ImageReadError(msg)
    return tuple(int(value) for value in values)


def _refuse_unknown(labels: Volume, numbers: tuple[int, ...], meaning: LevelMeaning) -> None:
    most = len(level_names(meaning.kind))
    unknown = [n for n in numbers if not 1 <= n <= most and n not in _BRAIN_STEM]
    if unknown:
        listed = ", ".join(map(str, unknown[:8]))
        msg = (
            f"{labels.name}: it holds {listed}, which {'is' if len(unknown) == 1 else 'are'} no "
            f"number of {meaning} levels (1 is C1, {most} the last); give a label image of levels"
        )
        raise ImageReadError(msg)


def show_surfaces(labels: Volume) -> bool:
    """Tell whether labels are levels as surfaces, too large for points at discs."""
    return _sides_mm(labels, _numbers(labels))[1] >= _SMALLEST_SURFACE_MM


def _sides_mm(labels: Volume, numbers: tuple[int, ...]) -> tuple[float, float]:
    """Return the longest and the second longest side, along axes of the image, of any label."""
    size = np.array(labels.geometry.voxel_size_mm)
    places = [np.nonzero(labels.voxels == number) for number in numbers]
    sides = np.sort([[np.ptp(axis) for axis in where] * size for where in places], axis=1)
    return float(sides[:, 2].max()), float(sides[:, 1].max())


def _from_surfaces(
    labels: Volume,
    stack: AxialStack,
    cord: NDArray[np.bool_],
    meaning: LevelMeaning,
    notes: tuple[str, ...],
) -> Levels:
    """Let the pixels of the cord vote, slice by slice."""
    names = level_names(meaning.kind)
    found: list[str | None] = []
    for z in range(len(cord)):
        rows, columns = np.nonzero(cord[z])
        values = _at(labels, stack, np.column_stack([columns, rows, np.full(len(rows), z)]))
        votes = np.bincount(values[(values > 0) & (values <= len(names))], minlength=1)
        found.append(names[int(votes.argmax()) - 1] if votes.any() else None)
    if not any(found):
        msg = (
            f"{labels.name}: none of its labels lies in the cord of any slice; give the levels of "
            "the same person and session, in the same scanner space"
        )
        raise GeometryError(msg)
    require_order(found, meaning.kind, labels.name)
    if not labels.geometry.matches(stack.geometry):
        notes += (f"{labels.name}: it has another grid; levels were found by place in the scanner",)
    return Levels(tuple(found), meaning.kind, "label image", notes)


def _at(labels: Volume, stack: AxialStack, points: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return the label of the nearest voxel at each (column, row, slice); 0 outside."""
    to_labels = np.linalg.inv(labels.geometry.affine) @ plane_of(stack).to_world
    places = np.round(points @ to_labels[:3, :3].T + to_labels[:3, 3], 3)
    nearest = np.floor(places + 0.5).astype(int)
    inside = ((nearest >= 0) & (nearest < labels.geometry.shape)).all(axis=1)
    values = np.zeros(len(points), int)
    values[inside] = labels.voxels[tuple(nearest[inside].T)].astype(int)
    return values


def _from_discs(
    labels: Volume, numbers: tuple[int, ...], stack: AxialStack, meaning: LevelMeaning
) -> Levels:
    """Put each slice between the discs above and below it."""
    names = level_names(meaning.kind)
    shift = 1 if meaning is LevelMeaning.DISCS_BELOW else 0
    plane = plane_of(stack)
    tops: dict[int, float] = {}  # number of a vertebra -> slice at which it starts
    for number in numbers:
        if number in _BRAIN_STEM:
            continue
        voxels = np.argwhere(labels.voxels == number).mean(axis=0)
        world = labels.geometry.affine[:3, :3] @ voxels + labels.geometry.affine[:3, 3]
        tops[number + shift] = float(plane.to_slices(world[None])[0, 2])
    order = sorted(tops)
    if any(tops[above] <= tops[below] for above, below in pairwise(order)):
        msg = f"{labels.name}: its discs are not in order from the head down; check the labels"
        raise GeometryError(msg)

    def at(z: int) -> str | None:
        inside = [n for n in order if n + 1 in tops and tops[n + 1] < z <= tops[n]]
        return names[inside[0] - 1] if inside and inside[0] <= len(names) else None

    found = tuple(at(z) for z in range(len(stack.slices)))
    if not any(found):
        msg = (
            f"{labels.name}: no slice lies between two discs that follow each other; give at least "
            "two, of the same person and session, in the same scanner space"
        )
        raise GeometryError(msg)
    return Levels(found, meaning.kind, "discs")
