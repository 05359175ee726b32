"""Register one outline of a cord to another: affine by moments, then demons (SimpleITK)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.segmenters.classical.cord_shape import moments
from scgm.segmenters.classical.itk import as_image, resampled, simpleitk

Floats = NDArray[np.float32]

LEAST_ELONGATION = 1.2  # longer over shorter axis; below it noise decides the direction
MOST_TURN_DEG = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Values on samples around the middle of a window.

    Parameters
    ----------
    values : (n, n) array
        Values of any kind.
    pixel_mm : float
        Distance of samples; the middle of the window is the origin.
    """

    values: NDArray[Any]
    pixel_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class CordAxes:
    """Position, rotation and size of a cord.

    Parameters
    ----------
    middle_mm : (2,) float64
        Column and row of its centroid, from the middle of the window.
    axes_mm : (2, 2) float64
        Its two axes as the columns: the one nearer to left-right first. Their lengths are the
        standard deviations of the cord along them.
    """

    middle_mm: NDArray[np.float64]
    axes_mm: NDArray[np.float64]

    @property
    def rigid(self) -> CordAxes:
        """The same position and rotation, without the size."""
        return CordAxes(self.middle_mm, self.axes_mm / np.linalg.norm(self.axes_mm, axis=0))


UPRIGHT = CordAxes(np.zeros(2), np.eye(2))


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonsSettings:
    """How outlines are registered.

    Parameters
    ----------
    reach_mm : float
        Distances from the outline are limited to this.
    steps : int
        Iterations of the demons.
    smooth_mm : float
        Standard deviation of the Gaussian that keeps the demons' displacements smooth.
    """

    reach_mm: float = 4.0
    steps: int = 60
    smooth_mm: float = 1.0


def signed_distance_mm(cord: NDArray[np.bool_], pixel_mm: float) -> Floats:
    """Return the distance of each sample from the outline, positive inside.

    The outline runs between the outermost samples of the cord and their neighbors; a cord that is
    cut by the border of the window ends there.

    Parameters
    ----------
    cord : (n, n) bool
        Any mask; an empty one is taken to lie as far away as the window is wide.
    """
    if not cord.any():
        return np.full(cord.shape, -max(cord.shape) * pixel_mm, np.float32)
    padded = np.pad(cord, 1)
    inside = ndimage.distance_transform_edt(padded)
    outside = ndimage.distance_transform_edt(~padded)
    distance = np.where(padded, inside - 0.5, 0.5 - outside) * pixel_mm
    return np.asarray(distance[1:-1, 1:-1], np.float32)


def axes_of(distance: Plane) -> CordAxes:
    """Return the axes of a cord, from its first and second moments.

    The direction of a cord that is almost round, or that seems turned by more than a neck can be,
    is not reliable; such a cord is taken as upright.

    Parameters
    ----------
    distance : Plane
        Signed distance from the outline, positive somewhere.
    """
    inside = moments((distance.values > 0).T)  # columns first
    middle = (inside.center - (np.array(distance.values.shape[::-1]) - 1) / 2) * distance.pixel_mm
    spread = inside.squares * distance.pixel_mm**2
    squares, axes = np.linalg.eigh(spread)
    short, long = np.sqrt(squares)
    along = axes[:, 1] * (1 if axes[0, 1] >= 0 else -1)
    turn = np.rad2deg(np.arctan2(along[1], along[0]))
    if long < LEAST_ELONGATION * short or abs(turn) > MOST_TURN_DEG:
        return CordAxes(middle, np.diag(np.sqrt(np.diag(spread))))
    across = np.array([-along[1], along[0]])
    return CordAxes(middle, np.column_stack([long * along, short * across]))


def affine(target: CordAxes, moving: CordAxes) -> Any:
    """Return the SimpleITK transform from places along the target's axes to the moving cord's."""
    matrix = moving.axes_mm @ np.linalg.inv(target.axes_mm)
    transform = simpleitk("method mgac").AffineTransform(2)
    transform.SetMatrix(matrix.ravel().tolist())
    transform.SetTranslation((moving.middle_mm - matrix @ target.middle_mm).tolist())
    return transform


def register(target: Plane, moving: Plane, settings: DemonsSettings) -> Any:
    """Find the transform that lays a cord on the target's: affine, then demons.

    Parameters
    ----------
    target, moving : Plane
        Signed distances from the outline of a cord, positive somewhere.
    settings : DemonsSettings
        How to register.

    Returns
    -------
    SimpleITK.Transform
        From places in the target to places in the moving plane, in millimeters (column, row).
    """
    itk = simpleitk()
    fixed, other = (_image(_cut_off(plane, settings.reach_mm)) for plane in (target, moving))
    linear = affine(axes_of(target), axes_of(moving))
    nearer = itk.Resample(other, fixed, linear, itk.sitkLinear, -settings.reach_mm)
    demons = itk.FastSymmetricForcesDemonsRegistrationFilter()
    demons.SetNumberOfIterations(settings.steps)
    demons.SmoothDisplacementFieldOn()
    demons.SetStandardDeviations(settings.smooth_mm / target.pixel_mm)
    demons.SetNumberOfThreads(1)  # small images: more threads only wait for each other
    field = itk.DisplacementFieldTransform(demons.Execute(fixed, nearer))
    return itk.CompositeTransform([linear, field])


def warped(moving: Plane, transform: Any, onto: Plane, outside: float = 0.0) -> Floats:
    """Return values of the moving plane, interpolated, on the samples of another."""
    return resampled(_image(moving), _image(onto), transform, outside)


def _image(plane: Plane) -> Any:
    return as_image(np.asarray(plane.values, np.float32), plane.pixel_mm)


def _cut_off(plane: Plane, reach_mm: float) -> Plane:
    return Plane(np.clip(plane.values, -reach_mm, reach_mm), plane.pixel_mm)
