"""The inside of a cord with noise and shading reduced, and gray matter as its bright part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.windows import CordWindows

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What thresholds are looked for in.

    Parameters
    ----------
    values : (N, n, n) float32
        Intensities in the core over their fitted plane, less one: around 0; with the sign turned
        where gray matter is dark.
    core : (N, n, n) bool
        The cord without its rim, which mixes with the fluid around it.
    depth_mm : (N, n, n) float32
        Distance from the cord's edge; 0 outside.
    index : (N,) int
        Numbers of the slices in their stack.
    """

    values: Floats
    core: Bools
    depth_mm: Floats
    index: NDArray[np.intp]


def prepare(windows: CordWindows, *, smooth_mm: float, rim_mm: float) -> Prepared:
    """Prepare windows; gray matter may be bright or dark in them.

    Parameters
    ----------
    windows : CordWindows
        Of one stack.
    smooth_mm : float
        Standard deviation of the Gaussian that reduces noise.
    rim_mm : float
        Width of the rim that is left out. Where nothing remains, the cord is too thin for it and
        its deeper half is taken.
    """
    cord = (windows.cord >= 0.5) & windows.inside
    depth = np.stack([_depth_mm(mask, windows.pixel_mm) for mask in cord])
    deepest = depth.max(axis=(1, 2), keepdims=True)
    core = (depth >= np.minimum(rim_mm, deepest / 2)) & cord
    values = np.zeros_like(windows.image)
    sigma = smooth_mm / windows.pixel_mm
    for image, inside, region, out in zip(windows.image, cord, core, values, strict=True):
        if region.any():
            out[region] = _unshaded(_smoothed(image, inside, sigma), region, windows.pixel_mm)
    return Prepared(values, core, depth, windows.index)


def gray_is_bright(prepared: Prepared) -> bool:
    """Tell whether gray matter is brighter than white matter: it lies deeper in the cord.

    The mean over slices of the correlation of intensity and depth within the core decides. The
    plane that was taken out has none with depth in a symmetric cord.
    """
    correlations = [
        _correlation(values[core], depth[core])
        for values, core, depth in zip(
            prepared.values, prepared.core, prepared.depth_mm, strict=True
        )
    ]
    return not correlations or float(np.mean(correlations)) >= 0


def _depth_mm(cord: Bools, pixel_mm: float) -> Floats:
    # Whatever lies beyond the window is no cord: a cord cut by its border has a rim there too.
    return np.asarray(
        ndimage.distance_transform_edt(np.pad(cord, 1))[1:-1, 1:-1] * pixel_mm, np.float32
    )


def _smoothed(image: Floats, cord: Bools, sigma: float) -> Floats:
    """Take the mean over the cord alone, so that the bright fluid beside it does not leak in."""
    weight = ndimage.gaussian_filter(cord.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(cord, image, 0), sigma)
    return np.asarray(np.where(cord, total / np.maximum(weight, 1e-6), 0), np.float32)


def _unshaded(image: Floats, core: Bools, pixel_mm: float) -> Floats:
    """Return intensities of the core over the plane that fits them best, less one.

    A plane and no bowl: gray matter in the middle of the cord would bend a bowl, and vanish in it.
    """
    values = image[core].astype(np.float64)
    places = np.argwhere(core) * pixel_mm
    design = np.column_stack([np.ones(len(places)), places - places.mean(axis=0)])
    plane = design @ np.linalg.lstsq(design, values, rcond=None)[0]
    # Scanners may count from below zero: then the plane cannot be divided by, but the mean can.
    scale = max(float(np.abs(values).mean()), 1e-12)
    divisor = plane if plane.min() > 0.1 * scale else np.full_like(plane, scale)
    found = (values - plane) / divisor
    # Rounding alone must not look like tissue in a flat slice.
    return np.asarray(np.where(np.ptp(values) > 1e-5 * scale, found, 0), np.float32)


def _correlation(first: Floats, second: Floats) -> float:
    if first.size < 2 or not (np.ptp(first) > 0 and np.ptp(second) > 0):
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
