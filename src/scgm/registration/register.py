"""Lay the cord of one person on a template, or on another time point, both ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError, ImageReadError, UsageError
from scgm.evaluation.metrics.overlap import dice
from scgm.evaluation.metrics.surface import assd_mm, boundary_distances
from scgm.image.orientation import from_axial
from scgm.image.volume import Geometry
from scgm.measurement.levels import Levels
from scgm.measurement.structures import Structures
from scgm.registration.along_cord import AlongCord, Cord, by_levels, by_one_slice, end_to_end
from scgm.registration.deformation import (
    DEFAULT_DEFORMATION,
    DeformationSettings,
    deformation,
    folds,
    inverse,
)
from scgm.registration.field import Field
from scgm.registration.fields import Matched, neighbors, template_center
from scgm.registration.sections import PIXEL_MM, Frame, Shapes, shapes_of
from scgm.registration.slice_match import SliceMatch

Floats = NDArray[np.float32]

NAMES = {"GM": "gray matter", "SC": "cord"}


@dataclass(frozen=True, slots=True, eq=False)
class SegmentedCord:
    """A segmented cord, and which level each of its slices shows."""

    structures: Structures
    levels: Levels | None = None

    @property
    def geometry(self) -> Geometry:
        """Its grid."""
        return self.structures.stack.geometry

    def native(self, label: str) -> Floats:
        """Return the share of a structure in each voxel (i, j, k)."""
        soft = self.structures.probabilities.get(label)
        values = self.structures.masks[label] if soft is None else soft
        return np.asarray(from_axial(self.structures.stack, values), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOptions:
    """How two cords are laid on each other.

    Parameters
    ----------
    level_at : (int, str), optional
        A slice of the image, counted as a viewer does, and the level whose middle it shows.
    include_flagged : bool
        Use slices that need a look, too.
    deformation : DeformationSettings
        How slices are deformed.
    """

    level_at: tuple[int, str] | None = None
    include_flagged: bool = False
    deformation: DeformationSettings = DEFAULT_DEFORMATION


DEFAULT_REGISTER = RegisterOptions()


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """Two cords laid on each other.

    Parameters
    ----------
    to_template, to_native : Field
        On the grid of the template, where its voxels lie in the native image; and back.
    along : AlongCord
        How slices correspond.
    scores : mapping
        By label, Dice and mean surface distance (mm) of the slices in the template.
    warnings : tuple of str
        What should be looked at.
    """

    to_template: Field
    to_native: Field
    along: AlongCord
    scores: dict[str, tuple[float, float]]
    warnings: tuple[str, ...]


def register(
    native: SegmentedCord, template: SegmentedCord, options: RegisterOptions = DEFAULT_REGISTER
) -> Registration:
    """Lay a cord on a template.

    Along the cord by levels where both have them, else by one slice, else end to end. In each
    slice by center, rotation and size of the cord, then by a smooth deformation of the distances
    from the outlines of cord and gray matter (a B-spline).

    Raises
    ------
    ImageReadError
        If one of them has no gray matter or no cord.
    GeometryError
        If they have no part of the cord in common, or the slices are too thin for the template.
    UsageError
        If the image has levels, and the level of one slice is given, too; or their kinds differ.
    """
    for cord in (native, template):
        _refuse_missing(cord.structures)
    here = shapes_of(native.structures, include_flagged=options.include_flagged)
    there = shapes_of(template.structures, include_flagged=True)
    for shapes in (here, there):
        _refuse_unusable(shapes)
    along = _along(native, here, template, there, options)
    matches = _matches(here, there, along, options.deformation)
    matched = Matched(here, there, along, matches)
    forward = matched.field_to_template()
    backward = matched.field_to_native()
    warnings = (*native.structures.warnings, *template.structures.warnings)
    warnings += tuple(note for cord in (native, template) for note in _level_notes(cord))
    left_out = len(here.usable) - len(matches)
    if left_out:
        name = native.structures.name
        note = f"{name}: {left_out} of {len(here.usable)} slices are not laid on the template"
        warnings += (f"{note} (no whole cord, flagged, or beyond its ends)",)
    scores = {label: _score(native, template, forward, label) for label in ("GM", "SC")}
    return Registration(
        forward, backward, along, scores, tuple(dict.fromkeys((*warnings, *along.warnings)))
    )


def brought_share(field: Field, source: SegmentedCord, target: SegmentedCord, label: str) -> Floats:
    """Return the share of a structure in each voxel (i, j, k) of the grid of another cord.

    It is NaN in slices to which none is brought in which the structure was measured.
    """
    structures = source.structures
    measured = np.broadcast_to(
        structures.measured[label][:, None, None], structures.masks[label].shape
    )
    there = np.asarray(from_axial(structures.stack, measured))
    brought = field.bring(np.where(there, source.native(label), np.nan), source.geometry)
    axis = target.structures.stack.native_axis
    across = tuple(each for each in range(3) if each != axis)
    shown = np.isfinite(brought).any(axis=across, keepdims=True)
    return np.where(shown, np.nan_to_num(brought), np.float32(np.nan))


def _level_notes(cord: SegmentedCord) -> tuple[str, ...]:
    return cord.levels.warnings if cord.levels else ()


def _refuse_missing(structures: Structures) -> None:
    for label, what in NAMES.items():
        if label not in structures.masks:
            msg = f"{structures.name}: it has no {what}; registration needs cord and gray matter"
            raise ImageReadError(msg)
        if not structures.masks[label].any():
            msg = f"{structures.name}: its {what} is empty; registration needs cord and gray matter"
            raise ImageReadError(msg)


def _refuse_unusable(shapes: Shapes) -> None:
    if not shapes.usable.any():
        msg = (
            f"{shapes.structures.name}: no slice shows a whole cord that needs no look; check the "
            "masks, or use --include-flagged"
        )
        raise ImageReadError(msg)


def _along(
    native: SegmentedCord,
    here: Shapes,
    template: SegmentedCord,
    there: Shapes,
    options: RegisterOptions,
) -> AlongCord:
    first, second = (
        Cord(
            shapes.structures.name,
            np.asarray(shapes.structures.masks["SC"].any(axis=(1, 2))),
            shapes.plane.distance_mm,
            cord.levels,
        )
        for cord, shapes in ((native, here), (template, there))
    )
    if options.level_at is not None:
        if native.levels:
            msg = "levels from a file and the level of one slice exclude each other; give one"
            raise UsageError(msg)
        index, level = options.level_at
        stack = native.structures.stack
        numbers = [stack.native_index(z) for z in range(len(here.usable))]
        if index not in numbers:
            msg = f"{first.name}: there is no slice {index} (0 to {len(numbers) - 1})"
            raise GeometryError(msg)
        return by_one_slice(first, second, (numbers.index(index), level))
    if first.levels and second.levels:
        return by_levels(first, second)
    if first.levels:
        msg = (
            f"{second.name}: it has no {first.levels.kind} levels, and those of {first.name} are "
            "given; give its own with --template-levels, or neither"
        )
        raise UsageError(msg)
    return end_to_end(first, second)


def _matches(
    here: Shapes, there: Shapes, along: AlongCord, settings: DeformationSettings
) -> dict[int, SliceMatch]:
    slices = np.flatnonzero(here.usable)
    beside = along.to_template(slices.astype(np.float64))
    side = 2 * int(np.ceil(there.reach_mm() / PIXEL_MM)) + 1
    found = {
        int(z): _match(here, int(z), there, float(place), settings, side)
        for z, place in zip(slices, beside, strict=True)
        if neighbors(there, float(place))
    }
    if not found:
        msg = (
            f"{here.structures.name}: no slice lies within the cord of {there.structures.name}; "
            "check the levels"
        )
        raise GeometryError(msg)
    return found


def _match(
    here: Shapes, z: int, there: Shapes, place: float, settings: DeformationSettings, side: int
) -> SliceMatch:
    """Lay a native slice on a place along the template."""
    near = neighbors(there, place)
    of_template = there.frame(max(near, key=lambda each: near[each]))
    of_native = here.frame(z)
    size = of_native.size / of_template.size
    template = Frame(template_center(there, place), of_template.turn, np.ones(2))
    native = Frame(of_native.center, of_native.turn, size)
    with_gm = bool(here.with_gm[z] and all(there.with_gm[each] for each in near))
    labels = ("SC", "GM") if with_gm else ("SC",)
    fixed = [_blended(there, label, near, template.turn, side) for label in labels]
    moving = [here.distances(label, z, native, side) for label in labels]
    forward = deformation(fixed, moving, settings)
    if folds(forward):  # shapes too different: rotation and size alone
        forward = np.zeros_like(forward)
    return SliceMatch(template, native, forward, inverse(forward))


def _blended(
    shapes: Shapes, label: str, near: dict[int, float], turn: NDArray[np.float64], side: int
) -> Floats:
    """Return the distances at a place between two slices of the template."""
    parts = [
        weight * shapes.distances(label, z, Frame(shapes.center(z), turn, np.ones(2)), side)
        for z, weight in near.items()
    ]
    return np.asarray(np.sum(parts, axis=0), np.float32)


def _score(
    native: SegmentedCord, template: SegmentedCord, field: Field, label: str
) -> tuple[float, float]:
    """Return Dice and mean surface distance over the slices that were laid on the template."""
    axis = template.structures.stack.native_axis
    share = brought_share(field, native, template, label)[field.box]
    known = field.known[field.box] & ~np.isnan(share)
    brought = (share >= 0.5) & known
    drawn = (template.native(label)[field.box] >= 0.5) & known
    sizes = [mm for each, mm in enumerate(template.geometry.voxel_size_mm) if each != axis]
    distances = [
        assd_mm(boundary_distances(one, two, sizes))
        for one, two in zip(np.moveaxis(brought, axis, 0), np.moveaxis(drawn, axis, 0), strict=True)
        if one.any() and two.any()
    ]
    return dice(brought, drawn), float(np.mean(distances)) if distances else float("nan")
