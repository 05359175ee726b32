"""Cord and gray matter of a slice, upright and centered, as distances from their outlines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

from scgm.measurement.axis import Axis, symmetry_axis
from scgm.measurement.plane import Plane, plane_of
from scgm.measurement.shape import Outline
from scgm.measurement.structures import Structures

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

# Samples of a section, and what is seen around the cord.
PIXEL_MM = 0.2
MARGIN_MM = 5.0
_REACH_MM = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Center, rotation and size of a cord in a slice, in mm to the right and to the front.

    Parameters
    ----------
    center : (2,) float64
        Middle of the cord.
    turn : (2, 2) float64
        The cord's own right and front as columns.
    size : (2,) float64
        What a step in the upright section is, along the cord's right and front.
    """

    center: Doubles
    turn: Doubles
    size: Doubles

    def to_section(self, points: Doubles) -> Doubles:
        """Return where points (..., 2) of the slice lie in the upright section."""
        upright: Doubles = (points - self.center) @ self.turn / self.size
        return upright

    def to_slice(self, points: Doubles) -> Doubles:
        """Return where points (..., 2) of the upright section lie; inverse of `to_section`."""
        placed: Doubles = (points * self.size) @ self.turn.T + self.center
        return placed


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Masks on slices, and how their pixels become millimeters."""

    structures: Structures
    plane: Plane
    usable: NDArray[np.bool_]
    with_gm: NDArray[np.bool_]

    def values(self, label: str, z: int) -> Floats:
        """Return the share of a structure in each pixel of a slice."""
        soft = self.structures.probabilities.get(label)
        source = self.structures.masks[label] if soft is None else soft
        return np.asarray(source[z], np.float32)

    def center(self, z: int) -> Doubles:
        """Return the middle of the cord of a slice."""
        return Outline(self.structures.masks["SC"][z], self.plane.pixel_to_mm).center

    def frame(self, z: int) -> Frame:
        """Return center, rotation and size of the cord of a slice."""
        to_mm = self.plane.pixel_to_mm
        cord = Outline(self.structures.masks["SC"][z], to_mm)
        others = [Outline(self.structures.masks["GM"][z], to_mm)] if self.with_gm[z] else []
        axis = symmetry_axis(cord, others)
        turn = _columns(axis)
        return Frame(axis.center, turn, np.array([cord.diameter(side) / 4 for side in turn.T]))

    def reach_mm(self) -> float:
        """Return half the side of a window that shows every cord with a margin."""
        spread = max(
            float(np.abs(outline.points - outline.center).max())
            for outline in (
                Outline(self.structures.masks["SC"][z], self.plane.pixel_to_mm)
                for z in np.flatnonzero(self.usable)
            )
        )
        return spread + MARGIN_MM

    def distances(self, label: str, z: int, frame: Frame, side: int) -> Floats:
        """Return the distance from a structure's outline in the upright section, + inside."""
        columns, rows = np.moveaxis(
            frame.to_slice(section_points(side)) @ np.linalg.inv(self.plane.pixel_to_mm).T, -1, 0
        )
        share = map_coordinates(self.values(label, z), [rows, columns], order=1)
        return signed_distance(share >= 0.5)


def shapes_of(structures: Structures, *, include_flagged: bool = False) -> Shapes:
    """Return the shapes of the slices that show a whole cord (and need no look)."""
    ok = np.ones_like(structures.flagged) if include_flagged else ~structures.flagged
    usable = structures.measured["SC"] & structures.masks["SC"].any(axis=(1, 2)) & ok
    with_gm = usable & structures.measured["GM"] & structures.masks["GM"].any(axis=(1, 2))
    return Shapes(structures, plane_of(structures.stack), usable, with_gm)


def section_points(side: int) -> Doubles:
    """Return the place (side, side, 2) of each sample: mm to the right and front of the middle."""
    along = (np.arange(side) - (side - 1) / 2) * PIXEL_MM
    return np.stack(np.meshgrid(along, along), axis=-1)


def signed_distance(mask: NDArray[np.bool_]) -> Floats:
    """Return the distance of each sample from an outline in mm, positive inside, limited."""
    if not mask.any():
        return np.full(mask.shape, -_REACH_MM, np.float32)
    inside, outside = distance_transform_edt(mask), distance_transform_edt(~mask)
    distance = np.where(mask, inside - 0.5, 0.5 - outside) * PIXEL_MM
    limited = np.clip(distance, -_REACH_MM, _REACH_MM)
    return np.asarray(gaussian_filter(limited, 1.0, mode="nearest"), np.float32)


def _columns(axis: Axis) -> Doubles:
    return np.column_stack([axis.right, axis.anterior])
