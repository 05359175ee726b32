"""Intensities that are comparable between scanners, and between bright and dark gray matter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

AROUND_MM = 12.0  # radius around the middle of a window that holds the cord and its canal
MOST_SPREADS = 3.0  # limit of CSF in spreads of the cord, so that it does not decide alone
FLAT = 1e-6  # less spread than this, as a share of the mean, is no contrast


def coarse(images: Floats) -> Floats:
    """Return means of 2 by 2 samples of images (..., n, n), n even."""
    *lead, rows, columns = images.shape
    blocks = images.reshape(*lead, rows // 2, 2, columns // 2, 2)
    return np.asarray(blocks.mean(axis=(-3, -1)), np.float32)


def within(side: int, pixel_mm: float, radius_mm: float) -> Bools:
    """Mark the samples (n, n) within a distance of the middle of the window."""
    places = (np.arange(side) - (side - 1) / 2) * pixel_mm
    return np.asarray(np.hypot(places[:, None], places) <= radius_mm, np.bool_)


def against_surroundings(images: Floats, inside: Bools, pixel_mm: float) -> Floats:
    """Return images (N, n, n) less their mean, over their spread, both within 12 mm of the middle.

    Outside of the image, and where all is flat, the result is 0.
    """
    around = within(images.shape[-1], pixel_mm, AROUND_MM)
    out = np.zeros_like(images)
    for image, seen, to in zip(images, inside, out, strict=True):
        if (around & seen).any():
            mean, spread = float(image[around & seen].mean()), float(image[around & seen].std())
            if spread > FLAT * abs(mean):
                to[seen] = (image[seen] - mean) / spread
    return out


def against_cord(images: Floats, cord: Floats) -> Floats:
    """Return images (N, n, n) less the median of their cord, over its spread, limited to 3.

    The spread is half of the range of the middle two thirds of the samples, so that a slightly wide
    outline does no harm; a rim of one sample is ignored. Where the cord is flat the result is 0.
    """
    out = np.zeros_like(images)
    for image, share, to in zip(images, cord, out, strict=True):
        core = inner(share)
        if not core.any():
            continue
        low, middle, high = (float(each) for each in np.percentile(image[core], [16, 50, 84]))
        spread = (high - low) / 2
        if spread > FLAT * abs(middle):
            to[:] = np.clip((image - middle) / spread, -MOST_SPREADS, MOST_SPREADS)
    return out


def inner(share: Floats, rim: int = 1) -> Bools:
    """Mark the cord (n, n) without its rim, so many samples wide."""
    return np.asarray(ndimage.binary_erosion(share >= 0.5, iterations=rim), np.bool_)


def sign_of(images: Floats, patterns: Floats, regions: Bools) -> float:
    """Return 1 if images are like patterns, -1 if they are like their negatives.

    It is the sign of the mean correlation within the regions, over all N slices, which are of one
    sequence; 1 if it is 0.

    Parameters
    ----------
    images, patterns : (N, n, n) float32
        Images and what is expected.
    regions : (N, n, n) bool
        Samples that are compared.
    """
    total = sum(map(correlation, images, patterns, regions), 0.0)
    return -1.0 if total < 0 else 1.0


def correlation(image: Floats, pattern: Floats, region: Bools) -> float:
    """Return the correlation of two images within a region; 0 where either is flat."""
    if region.sum() < 2:
        return 0.0
    one, other = image[region].astype(np.float64), pattern[region].astype(np.float64)
    one, other = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / norm) if norm > FLAT else 0.0
