"""Shapes of gray matter: small components are removed, and objects that make it unusual."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.segmenters.classical.cord_shape import moments

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

FEATURES = ("share", "perimeter", "eccentricity", *(f"hu_{number}" for number in range(1, 8)))
# Spreads below these come from the grid: with a MAD of 0 every slice would be an outlier.
LEAST_SPREAD = np.array([0.01, 0.1, 0.02, *[0.02] * 7])
# Degree of Hu's seven invariants in the moments that they are made of.
HU_DEGREES = np.array([1, 2, 2, 2, 4, 3, 4])
FEWEST = 4  # slices from which a median and a spread can be estimated


def cleaned(mask: Bools, depth_mm: Floats, pixel_mm: float, least_mm2: float) -> Bools:
    """Fill holes, and keep the parts that are large enough and reach the inner half of the cord.

    Parameters
    ----------
    mask : (n, n) bool
        Gray matter as it was marked.
    depth_mm : (n, n) float32
        Distance from the cord's edge; inner is what is deeper than half of the deepest.
    pixel_mm : float
        Distance of samples.
    least_mm2 : float
        Area of a part.
    """
    filled = ndimage.binary_fill_holes(mask)
    parts, count = ndimage.label(filled, np.ones((3, 3)))
    area_mm2 = np.bincount(parts.ravel(), minlength=count + 1) * pixel_mm**2
    inner = depth_mm >= depth_mm.max() / 2
    kept = (area_mm2 >= least_mm2) & (np.bincount(parts[inner], minlength=count + 1) > 0)
    kept[0] = False
    return np.asarray(kept[parts], np.bool_)


def features(mask: Bools, core: Bools) -> NDArray[np.float64]:
    """Return what is compared between slices: the shape of a mask as a whole.

    - share: its area over that of the core;
    - perimeter: the length of its outlines over the root of the area of the core, so that it does
      not depend on the size of a sample or of a cord;
    - eccentricity: of the ellipse with the same second moments;
    - hu_1 to hu_7: Hu's invariants, each to the power of one over its degree, with its sign, so
      that all are of the same order.

    An empty mask has no shape: NaN but for the share.

    Returns
    -------
    (10,) float64
        In the order of `FEATURES`.
    """
    from skimage import measure  # noqa: PLC0415  (slow to import)

    area = max(int(core.sum()), 1)
    share = mask.sum() / area
    if not mask.any():
        return np.array([share, *[np.nan] * (len(FEATURES) - 1)])
    small, large = np.linalg.eigvalsh(moments(mask).squares)
    perimeter = measure.perimeter_crofton(mask, directions=4) / np.sqrt(area)
    normalized = measure.moments_normalized(measure.moments_central(mask.astype(np.float64)))
    invariants = measure.moments_hu(normalized)
    hu = np.sign(invariants) * np.abs(invariants) ** (1 / HU_DEGREES)
    return np.array([share, perimeter, np.sqrt(1 - small / large), *hu])


def outlier_score(shapes: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outlier score of masks beside others: the largest robust z of their features.

    z = abs(f - median) / (1.4826 MAD), with the median and the median absolute deviation of the
    others. The score of an empty mask is infinite.

    Parameters
    ----------
    shapes : (N, 10) float64
        From `features`.
    usual : (M, 10) float64
        Masks for comparison; with fewer than `FEWEST` of them only empty masks are outliers.
    """
    known = usual[np.isfinite(usual).all(axis=1)]
    empty = ~np.isfinite(shapes).all(axis=1)
    if len(known) < FEWEST:
        return np.where(empty, np.inf, 0.0)
    middle = np.median(known, axis=0)
    spread = 1.4826 * np.median(np.abs(known - middle), axis=0)
    z = np.abs(shapes - middle) / np.maximum(spread, LEAST_SPREAD)
    return np.asarray(np.where(empty, np.inf, z.max(axis=1)), np.float64)


def without_unusual_objects(
    mask: Bools, core: Bools, usual: NDArray[np.float64], largest_score: float
) -> Bools:
    """Discard the objects of a mask that make its shape an outlier beside others.

    As long as the score is too large, the object without which it is smallest is discarded. Where
    the shape is still an outlier in the end, all objects stay: gray matter is often in two pieces,
    of which neither is wrong.

    Parameters
    ----------
    mask, core : (n, n) bool
        Gray matter of a slice, and the cord that it lies in.
    usual : (M, 10) float64
        Features of the masks for comparison.
    largest_score : float
        Of a usual shape.
    """
    objects, count = ndimage.label(mask, np.ones((3, 3)))
    kept, score = np.arange(1, count + 1), np.inf
    while len(kept) > 1 and score > largest_score:
        scores = [_score(np.isin(objects, kept[kept != each]), core, usual) for each in kept]
        score = min(scores)
        kept = np.delete(kept, np.argmin(scores))
    return np.isin(objects, kept) if score <= largest_score else mask


def _score(mask: Bools, core: Bools, usual: NDArray[np.float64]) -> float:
    return float(outlier_score(features(mask, core)[None], usual)[0])
