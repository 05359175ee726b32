"""The plane of the slices in mm: patient's right and front, and the way along the slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.image.orientation import AxialStack

Vector = NDArray[np.float64]

# A slice shows left and right if it contains a direction closer to it than this (cosine).
_LEAST_IN_PLANE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Where the pixels of the slices lie.

    Parameters
    ----------
    to_world : (4, 4)
        From (column, row, slice, 1) of the stack to millimeters, RAS+.
    right, anterior, normal : (3,)
        Unit vectors in the world: in the slice, toward the patient's right and front; across it.
    """

    to_world: Vector
    right: Vector
    anterior: Vector
    normal: Vector

    @property
    def pixel_to_mm(self) -> Vector:
        """Matrix (2, 2) from steps in (column, row) to mm toward (right, anterior)."""
        steps = self.to_world[:3, :2]
        matrix: Vector = np.stack([self.right @ steps, self.anterior @ steps])
        return matrix

    @property
    def distance_mm(self) -> float:
        """Distance between slices, across them."""
        return abs(float(self.normal @ self.to_world[:3, 2]))

    def place(self, points: Vector) -> Vector:
        """Return where points (N, 3) of (column, row, slice) lie: mm to right, front and up."""
        world = points @ self.to_world[:3, :3].T + self.to_world[:3, 3]
        placed: Vector = world @ np.stack([self.right, self.anterior, self.normal], axis=1)
        return placed

    def to_slices(self, world: Vector) -> Vector:
        """Return (column, row, slice) of points (N, 3) of the world; the inverse of `to_world`."""
        inverse = np.linalg.inv(self.to_world)
        points: Vector = world @ inverse[:3, :3].T + inverse[:3, 3]
        return points


def plane_of(stack: AxialStack) -> Plane:
    """Return the plane of the slices of a stack.

    Right is the direction in the slice that is closest to the patient's right, whatever way the
    file is stored. Where the header calls the slices sagittal, it is the direction of the columns.
    """
    affine = stack.geometry.affine
    shape = stack.geometry.shape
    to_world = np.eye(4)
    to_world[:3, 3] = affine[:3, 3]
    for column, axis in enumerate((2, 1, 0)):  # X, Y, Z of the stack
        native = stack.axes.order[axis]
        step = affine[:3, native]
        if stack.axes.flipped[axis]:
            to_world[:3, 3] += step * (shape[native] - 1)
            step = -step
        to_world[:3, column] = step
    columns, rows, along = to_world[:3, :3].T
    normal = _unit(np.cross(columns, rows))
    normal *= np.sign(normal @ along)
    right = np.array([1.0, 0, 0]) - normal[0] * normal
    right = _unit(right if np.linalg.norm(right) > _LEAST_IN_PLANE else columns)
    anterior = _unit(rows - (rows @ right) * right)
    return Plane(to_world, right, anterior, normal)


def _unit(vector: Vector) -> Vector:
    return vector / np.linalg.norm(vector)
