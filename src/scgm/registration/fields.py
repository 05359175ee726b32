"""From matched slices to displacement fields in space, both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.image.orientation import AxialStack
from scgm.measurement.plane import Plane
from scgm.registration.along_cord import AlongCord
from scgm.registration.field import NOWHERE_MM, Field
from scgm.registration.sections import Shapes
from scgm.registration.slice_match import SliceMatch

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """All matched slices.

    Parameters
    ----------
    native, template : Shapes
        The two cords.
    along : AlongCord
        Which slices correspond.
    matches : mapping
        How each native slice lies on the template.
    """

    native: Shapes
    template: Shapes
    along: AlongCord
    matches: Mapping[int, SliceMatch]

    def field_to_template(self) -> Field:
        """Return where the voxels of the template lie in the native image.

        Raises
        ------
        GeometryError
            If no slice of the template has its middle within a matched slice.
        """
        usable = np.flatnonzero(self.template.usable)
        beside = self.along.to_native(usable.astype(np.float64))
        near_slices = {
            int(t): near
            for t, z in zip(usable, beside, strict=True)
            if (near := self._near(float(z)))
        }
        if not near_slices:
            msg = (
                f"{self.native.structures.name}: no slice of {self.template.structures.name} has "
                "its middle within one of its slices, which are too thin for this template; use "
                "a template with thinner slices"
            )
            raise GeometryError(msg)
        last = len(self.native.usable) - 1

        def place(t: int, points: Doubles) -> Doubles | None:
            near = near_slices.get(t)
            if near is None:
                return None
            center = self.template.center(t)
            placed = sum(
                weight * self.matches[z].to_native(points, center) for z, weight in near.items()
            )
            z = sum(weight * z for z, weight in near.items())
            return _world(np.asarray(placed), min(max(z, 0), last), self.native.plane)

        return _field(self.template, place)

    def field_to_native(self) -> Field:
        """Return where the voxels of the native image lie in the template."""
        slices = np.arange(len(self.native.usable), dtype=np.float64)
        beside = self.along.to_template(slices)

        def place(z: int, points: Doubles) -> Doubles | None:
            if z not in self.matches:
                return None
            center = template_center(self.template, float(beside[z]))
            placed = self.matches[z].to_template(points, center)
            return _world(placed, float(beside[z]), self.template.plane)

        return _field(self.native, place)

    def _near(self, z: float) -> dict[int, float]:
        """Return the matched slices at a place along the native cord, with their weights."""
        lower = int(np.floor(z))
        share = z - lower
        both = {lower: 1 - share, lower + 1: share}
        found = {each: weight for each, weight in both.items() if each in self.matches and weight}
        if len(found) == 2 or any(weight > 1 - 1e-9 for weight in found.values()):
            return found
        return {each: 1.0 for each, weight in found.items() if weight >= 0.5}


def neighbors(shapes: Shapes, place: float) -> dict[int, float]:
    """Return the usable slices beside a place along the cord, if any, with their weights."""
    lower = int(np.floor(place))
    share = place - lower
    last = len(shapes.usable) - 1
    found = {
        z: weight
        for z, weight in ((lower, 1 - share), (lower + 1, share))
        if 0 <= z <= last and shapes.usable[z] and weight > 1e-9
    }
    total = sum(found.values())
    return {z: weight / total for z, weight in found.items()} if total >= 0.5 - 1e-9 else {}


def template_center(shapes: Shapes, place: float) -> Doubles:
    """Return the middle of the cord at a place along it."""
    found = neighbors(shapes, place)
    return np.asarray(sum(weight * shapes.center(z) for z, weight in found.items()))


def _world(points: Doubles, z: float, plane: Plane) -> Doubles:
    """Return where points (..., 2) in mm of slice *z* lie in the world."""
    pixels = points @ np.linalg.inv(plane.pixel_to_mm).T
    along = np.full((*pixels.shape[:-1], 1), z)
    world: Doubles = (
        np.concatenate([pixels, along], axis=-1) @ plane.to_world[:3, :3].T + plane.to_world[:3, 3]
    )
    return world


def _field(shapes: Shapes, place: Callable[[int, Doubles], Doubles | None]) -> Field:
    """Make a field on the box around the cord of a stack, slice by slice."""
    stack, plane = shapes.structures.stack, shapes.plane
    rows, columns = _box(shapes)
    grid = np.stack(np.meshgrid(np.arange(*columns), np.arange(*rows)), axis=-1).astype(np.float64)
    points = grid @ plane.pixel_to_mm.T
    placed = {
        z: found for z in range(len(shapes.usable)) if (found := place(z, points)) is not None
    }
    first, last = min(placed), max(placed)
    steps = np.full((last - first + 1, *grid.shape[:2], 3), NOWHERE_MM, np.float32)
    for z, world in placed.items():
        steps[z - first] = np.round(world - _world(points, z, plane), 4)
    corners = ((first, last + 1), rows, columns)
    return Field(stack.geometry, _start(stack, corners), _native_order(stack, steps))


def _box(shapes: Shapes) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the rows and columns around all cords, with a margin."""
    cord = np.asarray(shapes.structures.masks["SC"])[shapes.usable].max(axis=0)
    spacing = shapes.structures.stack.spacing_mm[1:]
    found = []
    for axis, mm, side in zip((1, 0), spacing, cord.shape, strict=True):
        there = np.flatnonzero(cord.any(axis=axis))
        more = int(np.ceil(4.0 / mm))
        found.append((max(int(there[0]) - more, 0), min(int(there[-1]) + 1 + more, side)))
    return found[0], found[1]


def _native_order(stack: AxialStack, steps: NDArray[np.float32]) -> NDArray[np.float32]:
    parts = [stack.axes.to_native(steps[..., axis]) for axis in range(3)]
    return np.ascontiguousarray(np.stack(parts, axis=-1))


def _start(stack: AxialStack, corners: tuple[tuple[int, int], ...]) -> tuple[int, int, int]:
    """Return the first native voxel of a box that is given on the stack."""
    start = [0, 0, 0]
    for axis, (first, end) in enumerate(corners):
        size = stack.slices.shape[axis]
        start[stack.axes.order[axis]] = size - end if stack.axes.flipped[axis] else first
    return start[0], start[1], start[2]
