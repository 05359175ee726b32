"""A smooth deformation that lays the outlines of one section on those of another.

The displacement is a cubic B-spline. Its coefficients minimize the squared differences of the
distances from the outlines (of cord and of gray matter), near them, and its bending; a few
Gauss-Newton steps, from stiff to soft.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates

from scgm.registration.sections import PIXEL_MM

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

# Every second sample is used.
_STEP = 2
_INVERSE_STEPS = 60
_LEAST_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class DeformationSettings:
    """How a section is deformed.

    Parameters
    ----------
    mesh_mm : float
        Distance of the control points of the B-spline.
    near_mm : float
        How far from an outline distances count (standard deviation of a Gaussian).
    stiffness : tuple of float
        Weight of the bending, from the first to the last step.
    """

    mesh_mm: float = 2.5
    near_mm: float = 0.7
    stiffness: tuple[float, ...] = (10.0, 10.0, 3.0, 3.0, 1.0, 1.0, 0.3, 0.3, 0.1, 0.1, 0.1, 0.1)


DEFAULT_DEFORMATION = DeformationSettings()


def deformation(
    fixed: Sequence[Floats], moving: Sequence[Floats], settings: DeformationSettings
) -> Floats:
    """Return the displacement (n, n, 2) in mm of each sample: to the right and to the front.

    Parameters
    ----------
    fixed, moving : sequence of (n, n) float32
        For each structure, the distances from its outline. What lies at a sample of *fixed* lies
        at the displaced sample of *moving*.
    settings : DeformationSettings
        How smooth.
    """
    side = len(fixed[0])
    basis, bending = _basis(side, settings.mesh_mm)
    few = basis[::_STEP]
    pixels = np.einsum("ya,xb->yxab", few, few).reshape(len(few) ** 2, -1)
    count = pixels.shape[1]
    slopes = [np.gradient(one, PIXEL_MM) for one in moving]
    wanted = [one[::_STEP, ::_STEP].ravel() for one in fixed]
    coefficients = np.zeros((2, count))
    for stiffness in settings.stiffness:
        matrix = np.kron(np.eye(2), stiffness * bending)
        vector = -matrix @ coefficients.ravel()
        places = _places(len(few)) + coefficients @ pixels.T / PIXEL_MM  # columns, rows
        for target, image, (down, across) in zip(wanted, moving, slopes, strict=True):
            value = _at(image, places)
            nearest = np.minimum(np.abs(target), np.abs(value))
            near = nearest < 3 * settings.near_mm  # the others have almost no weight
            by_y, by_x = (_at(one, places[:, near])[:, None] for one in (down, across))
            weight = np.exp(-0.5 * (nearest[near] / settings.near_mm) ** 2)
            jacobian = np.hstack([pixels[near] * by_x, pixels[near] * by_y])
            weighted = jacobian * weight[:, None]
            matrix += weighted.T @ jacobian
            vector += weighted.T @ (target - value)[near]
        coefficients += np.linalg.solve(matrix, vector).reshape(2, count)
    grid = coefficients.reshape(2, basis.shape[1], basis.shape[1])
    return np.asarray(np.einsum("cab,ya,xb->yxc", grid, basis, basis), np.float32)


def inverse(displacement: Floats) -> Floats:
    """Return the displacement that leads back, by iteration; it exists if nothing folds."""
    back = np.zeros_like(displacement)
    for _ in range(_INVERSE_STEPS):
        back = -displaced(displacement, back)
    return back


def displaced(displacement: Floats, by: Floats) -> Floats:
    """Return the displacement at the samples that *by* has moved; as at the border beyond it."""
    rows, columns = np.indices(displacement.shape[:2], np.float64)
    places = (rows + by[..., 1] / PIXEL_MM, columns + by[..., 0] / PIXEL_MM)
    parts = [map_coordinates(displacement[..., c], places, order=1, mode="nearest") for c in (0, 1)]
    return np.stack(parts, axis=-1)


def folds(displacement: Floats) -> bool:
    """Tell whether a displacement lays two places on one, so that nothing leads back."""
    (y_by_y, y_by_x), (x_by_y, x_by_x) = (
        np.gradient(np.asarray(displacement[..., axis], np.float64), PIXEL_MM) for axis in (1, 0)
    )
    share = (1 + x_by_x) * (1 + y_by_y) - x_by_y * y_by_x  # what becomes of a small area
    return bool(share.min() <= _LEAST_SHARE)


def _basis(side: int, mesh_mm: float) -> tuple[Doubles, Doubles]:
    """Return the cubic B-splines (side, m) at the samples of a line, and their bending (m2, m2)."""
    parts = max(round((side - 1) * PIXEL_MM / mesh_mm), 2)
    step = (side - 1) / parts
    knots = np.arange(-3, parts + 4) * step
    places = np.clip(np.arange(side, dtype=np.float64), 0, side - 1 - 1e-9)
    basis: Doubles = BSpline.design_matrix(places, knots, 3).toarray()
    second = np.diff(np.eye(parts + 3), 2, axis=0)
    first = np.diff(np.eye(parts + 3), 1, axis=0)
    one = np.eye(parts + 3)
    bend, slope = second.T @ second, first.T @ first
    tiny = 1e-6 * np.eye((parts + 3) ** 2)
    return basis, np.kron(bend, one) + np.kron(one, bend) + 2 * np.kron(slope, slope) + tiny


def _places(count: int) -> Doubles:
    rows, columns = np.indices((count, count), np.float64) * _STEP
    return np.stack([columns.ravel(), rows.ravel()])


def _at(image: Any, places: Doubles) -> Doubles:
    columns, rows = places
    return np.asarray(map_coordinates(image, [rows, columns], np.float64, 1, mode="nearest"))
