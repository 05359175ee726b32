"""Input of the mixture: intensities in units of the cord, and the classes that are allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.segmenters.classical.cord_shape import depth_mm, plane_of
from scgm.segmenters.classical.vbem.deformation import CordSize, frame_of

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

GRAY, WHITE, CLASSES = 0, 1, 5  # then the fluid around the cord, and two tissues further out
LINEAR = 3.0  # logarithmic beyond so many spreads of the cord: fat may be at 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Lengths in mm.

    Parameters
    ----------
    rim_mm : float
        Width of the rim of the cord in which every class is allowed: it mixes with the fluid.
    tolerance_mm : float
        Cord is allowed so far outside of its outline.
    """

    rim_mm: float = 0.6
    tolerance_mm: float = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The slices of one scan that show contrast within the cord.

    Parameters
    ----------
    values : (S, n, n)
        Intensities: 0 is the mean of the cord, 1 its spread over all slices.
    allowed : (S, n, n, K) bool
        Which classes each sample may belong to.
    counts : (S, n, n) bool
        Which samples lie in the image.
    frames : list of S CordSize
        Middle and size of the cords.
    """

    values: Doubles
    allowed: Bools
    counts: Bools
    frames: list[CordSize]


def seen(image: Floats, cord: Floats, inside: Bools, pixel_mm: float) -> Bools:
    """Tell which slices (S,) have any contrast in their cord's core."""
    core = _depths_mm((cord >= 0.5) & inside, pixel_mm) >= pixel_mm
    result = np.zeros(len(image), np.bool_)
    for k, (slice_, mask) in enumerate(zip(image, core, strict=True)):
        if mask.sum() > 2:
            found = slice_[mask].astype(np.float64)
            result[k] = np.ptp(found) > 1e-5 * max(float(np.abs(found).max()), 1e-30)
    return result


def prepared(image: Floats, cord: Floats, inside: Bools, pixel_mm: float, how: Preparation) -> Scan:
    """Prepare windows (S, n, n), all of which show contrast (`seen`)."""
    mask = (cord >= 0.5) & inside
    depth = _depths_mm(mask, pixel_mm)
    core = (depth >= np.minimum(0.75, depth.max(axis=(1, 2), keepdims=True) / 2)) & mask
    values = np.stack([_unshaded(*each, pixel_mm) for each in zip(image, core, strict=True)])
    low, high = np.percentile(values[core], (16, 84))
    values = _compressed(values / max(float(high - low) / 2, 1e-9))
    away = np.stack([ndimage.distance_transform_edt(~each) * pixel_mm for each in mask])
    allowed = np.ones((*mask.shape, CLASSES), np.bool_)
    allowed[..., WHITE + 1 :] &= ~(depth > how.rim_mm)[..., None]
    allowed[..., : WHITE + 1] &= ~(away > how.tolerance_mm)[..., None]
    return Scan(values, allowed, inside, [frame_of(each) for each in mask])


def _depths_mm(masks: Bools, pixel_mm: float) -> Floats:
    return np.stack([depth_mm(mask, pixel_mm) for mask in masks])


def _unshaded(image: Floats, core: Bools, pixel_mm: float) -> Doubles:
    """Return intensities less the plane that fits the core best, over their mean or spread."""
    places = np.indices(image.shape).transpose(1, 2, 0) * pixel_mm
    places = places - places[core].mean(axis=0)
    mean, slope = plane_of(image[core], places[core])
    spread = float(image[core].astype(np.float64).std())
    # Far from the cord the slope is not known: the plane stays level beyond 6 mm.
    shading = np.clip(places, -6, 6) @ slope
    return np.asarray((image - mean - shading) / max(abs(mean), spread, 1e-30))


def _compressed(values: Doubles) -> Doubles:
    """Leave values up to `LINEAR` as they are; from there on the logarithm of the distance."""
    size = np.abs(values)
    beyond = LINEAR + np.log1p(np.maximum(size - LINEAR, 0))
    return np.asarray(np.where(size > LINEAR, np.sign(values) * beyond, values))
