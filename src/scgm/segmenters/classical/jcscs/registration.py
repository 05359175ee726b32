"""Bring a slice of the library onto the target: outline, affine, B-spline (SimpleITK)."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.segmenters.classical.itk import simpleitk

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class OutlineStart(NamedTuple):
    """A point p of the target lies at scale * p + shift in the atlas.

    Both are (row, column), in millimeters from the middle of the window.
    """

    scale: Doubles
    shift_mm: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationSettings:
    """How slices are registered.

    Parameters
    ----------
    mesh_mm : float
        Distance of the control points of the B-spline.
    most_mm : float
        Farthest that a control point may move along an axis. Without a limit a B-spline follows
        noise, and may leave the image.
    affine_steps, spline_steps : int
        Most iterations.
    """

    mesh_mm: float = 4.0
    most_mm: float = 1.5
    affine_steps: int = 30
    spline_steps: int = 20


def outline_start(target: Floats, atlas: Floats, pixel_mm: float) -> OutlineStart:
    """Return what gives the outline of a cord the place and size of another's.

    Both have the same centroid, and spread along both axes, then. The cord is too round to tell a
    rotation.

    Parameters
    ----------
    target, atlas : (n, n) float32
        Share of cord; not empty.
    pixel_mm : float
        Distance of samples.
    """
    to_centre, to_spread = _moments(target, pixel_mm)
    of_centre, of_spread = _moments(atlas, pixel_mm)
    scale = of_spread / to_spread
    return OutlineStart(scale, of_centre - scale * to_centre)


def started(image: Floats, start: OutlineStart, pixel_mm: float) -> Floats:
    """Return an image of the atlas where *start* brings it."""
    middle = (np.array(image.shape) - 1) / 2
    offset = start.shift_mm / pixel_mm + middle - start.scale * middle
    moved = ndimage.affine_transform(image, start.scale, offset, order=1, mode="nearest")
    return np.asarray(moved, np.float32)


def register(
    target: Floats,
    region: NDArray[np.bool_],
    atlas: Floats,
    start: OutlineStart,
    pixel_mm: float,
    settings: RegistrationSettings,
) -> Any:
    """Find the transform that makes an atlas look like the target.

    Affine, then a B-spline on top, by correlation within *region*. Where an optimizer gives up, the
    transform that it started from is kept.

    Parameters
    ----------
    target, atlas : (n, n) float32
        Images.
    region : (n, n) bool
        Pixels of the target that count.
    start : OutlineStart
        From `outline_start`.
    pixel_mm : float
        Distance of samples.
    settings : RegistrationSettings
        How to register.

    Returns
    -------
    SimpleITK.Transform
        From places in the target to places in the atlas, in millimeters (column, row).
    """
    itk = simpleitk("jcscs")
    fixed, moving = as_image(target, pixel_mm), as_image(atlas, pixel_mm)
    mask = as_image(region.astype(np.uint8), pixel_mm)
    affine = itk.AffineTransform(2)
    affine.SetMatrix([float(start.scale[1]), 0.0, 0.0, float(start.scale[0])])
    affine.SetTranslation([float(each) for each in start.shift_mm[::-1]])
    method = _method(itk, mask)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=pixel_mm, minStep=0.01 * pixel_mm, numberOfIterations=settings.affine_steps
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(affine, inPlace=True)
    affine = _executed(method, fixed, moving, affine)
    mesh = [max(round(len(target) * pixel_mm / settings.mesh_mm), 1)] * 2
    spline = itk.BSplineTransformInitializer(fixed, mesh, 3)
    method = _method(itk, mask)
    method.SetOptimizerAsLBFGSB(
        numberOfIterations=settings.spline_steps,
        maximumNumberOfFunctionEvaluations=2 * settings.spline_steps,
        lowerBound=-settings.most_mm,
        upperBound=settings.most_mm,
    )
    method.SetMovingInitialTransform(affine)
    method.SetInitialTransform(spline, inPlace=True)
    bent = _executed(method, fixed, moving, None)
    return affine if bent is None else itk.CompositeTransform([affine, bent])


def warped(atlas: Floats, transform: Any, pixel_mm: float) -> Floats:
    """Return an image of the atlas on the grid of the target; 0 outside of it."""
    itk = simpleitk("jcscs")
    image = as_image(atlas, pixel_mm)
    moved = itk.Resample(image, image, transform, itk.sitkLinear, 0.0, itk.sitkFloat32)
    return np.asarray(itk.GetArrayFromImage(moved), np.float32)


def as_image(values: NDArray[Any], pixel_mm: float) -> Any:
    """Return a SimpleITK image with its origin in the middle."""
    image = simpleitk("jcscs").GetImageFromArray(values)
    image.SetSpacing([pixel_mm, pixel_mm])
    image.SetOrigin([-(side - 1) / 2 * pixel_mm for side in values.shape[::-1]])
    return image


def _method(itk: ModuleType, mask: Any) -> Any:
    method = itk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(mask)
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetInterpolator(itk.sitkLinear)
    method.SetNumberOfThreads(1)  # small images: more threads only wait for each other
    return method


def _executed(method: Any, fixed: Any, moving: Any, otherwise: Any) -> Any:
    try:
        return method.Execute(fixed, moving)
    except RuntimeError:  # flat images, or all samples outside of the atlas
        return otherwise


def _moments(share: Floats, pixel_mm: float) -> tuple[Doubles, Doubles]:
    """Return center and spread (row, column) in millimeters from the middle of the window."""
    places = (np.arange(len(share)) - (len(share) - 1) / 2) * pixel_mm
    centre, spread = [], []
    for axis in (1, 0):
        profile = share.sum(axis=axis) / share.sum()
        mean = float((profile * places).sum())
        centre.append(mean)
        spread.append(float(np.sqrt((profile * (places - mean) ** 2).sum() + pixel_mm**2 / 12)))
    return np.array(centre), np.array(spread)
