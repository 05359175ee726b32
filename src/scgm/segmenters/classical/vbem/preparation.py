"""What the mixture sees of windows: intensities in units of the cord, and what labels allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.segmenters.classical.vbem.deformation import CordSize, frame_of

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

GRAY, WHITE, CLASSES = 0, 1, 5  # then the fluid around the cord, and two tissues further out
LINEAR = 3.0  # beyond so many spreads of the cord only the logarithm counts: fat may be at 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Lengths in mm.

    Parameters
    ----------
    rim_mm : float
        Width of the rim of the cord that may be anything: it mixes with the fluid.
    tolerance_mm : float
        So far outside of its outline there may still be cord.
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
    core = _depth_mm((cord >= 0.5) & inside, pixel_mm) >= pixel_mm
    result = np.zeros(len(image), np.bool_)
    for k, (slice_, mask) in enumerate(zip(image, core, strict=True)):
        if mask.sum() > 2:
            found = slice_[mask].astype(np.float64)
            result[k] = np.ptp(found) > 1e-5 * max(float(np.abs(found).max()), 1e-30)
    return result


def prepared(image: Floats, cord: Floats, inside: Bools, pixel_mm: float, how: Preparation) -> Scan:
    """Prepare windows (S, n, n), all of which show contrast (`seen`)."""
    mask = (cord >= 0.5) & inside
    depth = _depth_mm(mask, pixel_mm)
    core = (depth >= np.minimum(0.75, depth.max(axis=(1, 2), keepdims=True) / 2)) & mask
    values = np.stack([_unshaded(*each, pixel_mm) for each in zip(image, core, strict=True)])
    low, high = np.percentile(values[core], (16, 84))
    values = _compressed(values / max(float(high - low) / 2, 1e-9))
    away = np.stack([ndimage.distance_transform_edt(~each) * pixel_mm for each in mask])
    allowed = np.ones((*mask.shape, CLASSES), np.bool_)
    allowed[..., WHITE + 1 :] &= ~(depth > how.rim_mm)[..., None]
    allowed[..., : WHITE + 1] &= ~(away > how.tolerance_mm)[..., None]
    return Scan(values, allowed, inside, [frame_of(each) for each in mask])


def _depth_mm(masks: Bools, pixel_mm: float) -> Floats:
    """Return the distance of each sample of masks (S, n, n) from what is not in them."""
    return np.stack(
        [ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] * pixel_mm for mask in masks]
    ).astype(np.float32)


def _unshaded(image: Floats, core: Bools, pixel_mm: float) -> Doubles:
    """Return intensities over those of the plane that fits the cord best, less one."""
    places = np.indices(image.shape).transpose(1, 2, 0) * pixel_mm
    places = places - places[core].mean(axis=0)
    there = image[core].astype(np.float64)
    design = np.column_stack([np.ones(len(there)), places[core]])
    fitted = np.linalg.lstsq(design, there, rcond=None)[0]
    mean, spread = fitted[0], float(there.std())
    slope = np.clip(places, -6, 6) @ fitted[1:]  # a slope in the cord says little of places far off
    scale = max(abs(float(mean)), spread, 1e-30)
    return np.asarray((image - mean - slope) / scale)


def _compressed(values: Doubles) -> Doubles:
    """Leave values up to `LINEAR` as they are; from there on the logarithm of the distance."""
    size = np.abs(values)
    beyond = LINEAR + np.log1p(np.maximum(size - LINEAR, 0))
    return np.asarray(np.where(size > LINEAR, np.sign(values) * beyond, values))
