"""Contrast and shape of one slice, by which images of a set are compared."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
# Fewer pixels have no spread of gray values worth a number.
_FEWEST_PIXELS = 5


def contrast_to_noise(image: NDArray[np.float32], gm: Mask, cord: Mask) -> float | None:
    """Return the contrast of gray and white matter over the noise of white matter.

    It is the difference of the two means over the standard deviation in white matter; None where
    there are too few pixels or no noise.
    """
    gray, white = image[gm], image[cord & ~gm]
    if min(len(gray), len(white)) < _FEWEST_PIXELS:
        return None
    noise = float(white.std(dtype=np.float64))
    return (
        abs(float(gray.mean(dtype=np.float64) - white.mean(dtype=np.float64))) / noise
        if noise
        else None
    )


def width_over_height(mask: Mask, pixel_mm: tuple[float, float]) -> float | None:
    """Return how much wider (right-left) than high (front-back) a mask is: 1 for a disc.

    *pixel_mm* is the height and the width of a pixel.
    """
    spread = _spread_mm(mask, pixel_mm)
    return None if spread is None or not spread[0] else spread[1] / spread[0]


def spread_over_size(mask: Mask, pixel_mm: tuple[float, float]) -> float | None:
    """Return the root mean square distance from the centroid over the root of the area.

    It is 0.40 for a disc, more for a butterfly, and much more for parts far from each other.
    """
    spread = _spread_mm(mask, pixel_mm)
    if spread is None:
        return None
    area = float(mask.sum()) * pixel_mm[0] * pixel_mm[1]
    return math.hypot(*spread) / math.sqrt(area)


def _spread_mm(mask: Mask, pixel_mm: tuple[float, float]) -> tuple[float, float] | None:
    """Return the standard deviation of rows and columns in mm; None for an empty mask."""
    places = np.argwhere(mask)
    if not len(places):
        return None
    rows, columns = (places.std(axis=0) * pixel_mm).tolist()
    return rows, columns
