"""The inside of a cord with noise and shading reduced, and gray matter as its bright part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.image.patches import CordWindows
from scgm.segmenters.classical.cord_shape import depth_mm, moments, plane_of

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

# Anterior horn, posterior horn and the bridge between the halves, of one half: lines between points
# (forward, sideward), in half widths of the cord, and half their breadth.
BUTTERFLY = (
    ((0.4, 0.3), (0.15, 0.3)),
    ((0.15, 0.3), (-0.5, 0.45)),
    ((0.15, 0.0), (0.15, 0.3)),
)
WING = 0.15

BEYOND = 0.5  # how far fluid lies beyond the range of the cord, in units of that range


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The windows as thresholds are computed on them.

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

    Returns
    -------
    Prepared
    """
    given = (windows.cord >= 0.5) & windows.inside
    cord = np.array([without_fluid(*each) for each in zip(windows.image, given, strict=True)])
    depth = np.array([depth_mm(mask, windows.pixel_mm) for mask in cord])
    deepest = depth.max(axis=(1, 2), keepdims=True)
    core = (depth >= np.minimum(rim_mm, deepest / 2)) & cord
    values = np.zeros_like(windows.image)
    sigma = smooth_mm / windows.pixel_mm
    for image, inside, region, out in zip(windows.image, cord, core, values, strict=True):
        if region.any():
            out[region] = _unshaded(_smoothed(image, inside, sigma), region, windows.pixel_mm)
    return Prepared(values, core, depth, windows.index)


def without_fluid(image: Floats, cord: Bools) -> Bools:
    """Return the cord without fluid that an outline which is too wide includes.

    The inner half of a cord shows all of its tissues. What touches the outline and is brighter or
    darker than anything in there, by more than `BEYOND` of the range, is not cord.

    Parameters
    ----------
    image : (n, n) float32
        Intensities.
    cord : (n, n) bool
        As it was found or given; may be empty.
    """
    depth = depth_mm(cord, 1.0)
    inner = cord & (depth >= depth.max() / 2)
    if not inner.any():
        return cord
    low, high = np.percentile(image[inner], (2, 98))
    margin = BEYOND * (high - low)
    strange = cord & ~inner & ((image < low - margin) | (image > high + margin))
    # Two specks of noise inside are no fluid: it is one piece with the outside.
    beyond = np.pad(strange | ~cord, 1, constant_values=True)
    pieces, _ = ndimage.label(beyond)
    fluid = np.isin(pieces, np.unique(pieces[np.pad(~cord, 1, constant_values=True)]))
    return np.asarray(cord & ~fluid[1:-1, 1:-1], np.bool_)


def gray_is_bright(prepared: Prepared) -> bool:
    """Tell whether gray matter is brighter than white matter: it has the shape of a butterfly.

    The mean over slices of the correlation between the rank of an intensity in the core and
    `butterfly` decides: ranks, so that fluid in a rim that is too thin does not decide alone.
    """
    correlations = []
    for values, core in zip(prepared.values, prepared.core, strict=True):
        _, ranks = np.unique(values[core], return_inverse=True)
        correlations.append(_correlation(ranks, butterfly(core)[core]))
    return not correlations or float(np.mean(correlations)) >= 0


def butterfly(cord: Bools) -> Bools:
    """Draw roughly where gray matter lies in a cord; the method uses no other anatomy.

    Parameters
    ----------
    cord : (n, n) bool
        Rows from posterior to anterior. Places in it are counted from its centroid in units of
        twice the standard deviation along each axis, which for an ellipse are its half axes.

    Returns
    -------
    (n, n) bool
        Empty where the cord is.
    """
    if not cord.any():
        return cord.copy()
    shape = moments(cord)
    half = 2 * np.sqrt(shape.squares.diagonal())[:, None, None]
    forward, sideward = (np.indices(cord.shape) - shape.center[:, None, None]) / half
    here = np.stack([forward, np.abs(sideward)], axis=-1)
    distance = np.min([_distance(here, *line) for line in BUTTERFLY], axis=0)
    return np.asarray((distance <= WING) & cord, np.bool_)


def _smoothed(image: Floats, cord: Bools, sigma: float) -> Floats:
    """Smooth over the cord alone, so that the fluid beside it has no influence."""
    weight = ndimage.gaussian_filter(cord.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(cord, image, 0), sigma)
    return np.asarray(np.where(cord, total / np.maximum(weight, 1e-6), 0), np.float32)


def _unshaded(image: Floats, core: Bools, pixel_mm: float) -> Floats:
    """Return intensities of the core over the plane that fits them best, less one.

    A plane and no curved surface, which would follow gray matter in the middle and remove it.
    """
    values = image[core].astype(np.float64)
    places = np.argwhere(core) * pixel_mm
    places = places - places.mean(axis=0)
    level, slope = plane_of(values, places)
    plane = level + places @ slope
    # Scanners may count from below zero: then the plane cannot be divided by, but the mean can.
    scale = max(float(np.abs(values).mean()), 1e-12)
    divisor = plane if plane.min() > 0.1 * scale else np.full_like(plane, scale)
    found = (values - plane) / divisor
    # Rounding alone must not look like tissue in a flat slice.
    return np.asarray(np.where(np.ptp(values) > 1e-5 * scale, found, 0), np.float32)


def _distance(
    places: NDArray[np.float64], start: tuple[float, float], end: tuple[float, float]
) -> NDArray[np.float64]:
    """Return the distance of places (..., 2) from a line between two points."""
    first, along = np.array(start), np.subtract(end, start)
    share = np.clip((places - first) @ along / (along @ along), 0, 1)
    return np.asarray(np.linalg.norm(places - first - share[..., None] * along, axis=-1))


def _correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    if not first.size or first.min() == first.max() or second.all() or not second.any():
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
