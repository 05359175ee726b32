"""Shapes of gray matter: small components are removed, and outliers get a score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scgm.segmenters.classical.cord_shape import moments

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

FEATURES = ("share", "eccentricity", "hu_1", "hu_2")
# Spreads below these come from the grid: with a MAD of 0 every slice would be an outlier.
LEAST_SPREAD = np.array([0.01, 0.02, 0.02, 0.1])
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
    """Return share of the core, eccentricity and the first two Hu moments of a mask as a whole.

    Hu moments span decades, so their logarithms (base 10) are given: both are positive, the second
    is 0 for shapes as wide as high. An empty mask has no shape: NaN but for the share.

    Returns
    -------
    (4,) float64
        In the order of `FEATURES`.
    """
    share = mask.sum() / max(int(core.sum()), 1)
    if not mask.any():
        return np.array([share, np.nan, np.nan, np.nan])
    small, large = np.linalg.eigvalsh(moments(mask).squares)
    # Hu's first two invariants are the trace and the squared difference of the eigenvalues of the
    # second moments, each moment over the squared area.
    hu_1 = (large + small) / mask.sum()
    hu_2 = ((large - small) / mask.sum()) ** 2
    eccentricity = np.sqrt(1 - small / large)
    return np.array([share, eccentricity, np.log10(hu_1), np.log10(max(hu_2, 1e-8))])


def outlier_score(shapes: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outlier score of masks beside others: the largest robust z of their features.

    z = abs(f - median) / (1.4826 MAD), with the median and the median absolute deviation of the
    others. The score of an empty mask is infinite.

    Parameters
    ----------
    shapes : (N, 4) float64
        From `features`.
    usual : (M, 4) float64
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
