"""Register a slice of the library to the target: outline, affine, B-spline (SimpleITK)."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.segmenters.classical.cord_shape import axis_moments
from scgm.segmenters.classical.itk import as_image, resampled, simpleitk

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class OutlineMatch(NamedTuple):
    """The transform by outlines: a point p of the target lies at scale * p + shift in the atlas.

    Both are (row, column), in millimeters from the middle of the window.
    """

    scale: Doubles
    shift_mm: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class SplineSettings:
    """How slices are registered.

    Parameters
    ----------
    mesh_mm : float
        Distance of the control points of the B-spline.
    most_mm : float
        Largest displacement of a control point along an axis. Without a limit a B-spline follows
        noise, and may leave the image.
    affine_steps, spline_steps : int
        Most iterations.
    """

    mesh_mm: float = 4.0
    most_mm: float = 1.5
    affine_steps: int = 30
    spline_steps: int = 20


def outline_start(target: Floats, atlas: Floats, pixel_mm: float) -> OutlineMatch:
    """Return the scale and shift that lay the outline of one cord on that of another.

    Afterwards both have the same centroid and the same standard deviations along rows and columns.
    A cord is too round to estimate a rotation.

    Parameters
    ----------
    target, atlas : (n, n) float32
        Share of cord; not empty.
    pixel_mm : float
        Distance of samples.
    """
    places_mm = (np.arange(len(target)) - (len(target) - 1) / 2) * pixel_mm
    of_one_sample = pixel_mm**2 / 12  # a sample is a square
    (to, to_variance), (of, of_variance) = (
        axis_moments(share, places_mm) for share in (target, atlas)
    )
    scale = np.sqrt(of_variance + of_one_sample) / np.sqrt(to_variance + of_one_sample)
    return OutlineMatch(scale, of - scale * to)


def started(image: Floats, start: OutlineMatch, pixel_mm: float) -> Floats:
    """Return an image of the atlas, transformed by *start*."""
    middle = (np.array(image.shape) - 1) / 2
    offset = start.shift_mm / pixel_mm + middle - start.scale * middle
    moved = ndimage.affine_transform(image, start.scale, offset, order=1, mode="nearest")
    return np.asarray(moved, np.float32)


def register(
    target: Floats,
    region: NDArray[np.bool_],
    atlas: Floats,
    start: OutlineMatch,
    pixel_mm: float,
    settings: SplineSettings,
) -> Any:
    """Find the transform that makes an atlas look like the target.

    An affine transform, then a B-spline, by correlation within *region*. Where an optimizer fails,
    the transform that it started from is kept.

    Parameters
    ----------
    target, atlas : (n, n) float32
        Images.
    region : (n, n) bool
        Pixels of the target that count.
    start : OutlineMatch
        From `outline_start`.
    pixel_mm : float
        Distance of samples.
    settings : SplineSettings
        How to register.

    Returns
    -------
    SimpleITK.Transform
        From places in the target to places in the atlas, in millimeters (column, row).
    """
    itk = simpleitk("method jcscs")
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
    image = as_image(atlas, pixel_mm)
    return resampled(image, image, transform)


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
