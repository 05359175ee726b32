"""One scale for all slices: white matter at 0, gray matter at 1."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Slice = NDArray[np.float32]
Mask = NDArray[np.bool_]

LOWEST, HIGHEST = -1.5, 2.5
# Medians closer than this share of the spread within a tissue are not reliable.
LEAST_CONTRAST = 0.5
# A Laplacian of four neighbors has the variance of 20 samples of noise.
LAPLACIAN_VARIANCE = 20


class Levels(NamedTuple):
    """Intensities of white and gray matter."""

    white: float
    gray: float

    def scaled(self, image: Slice, where: Mask) -> Slice:
        """Scale white matter to 0 and gray matter to 1; 0 outside of a region."""
        if self.gray == self.white:
            return np.zeros_like(image)
        scaled = np.clip((image - self.white) / (self.gray - self.white), LOWEST, HIGHEST)
        return np.asarray(scaled * where, np.float32)


def denoised(image: Slice, cord: Mask) -> Slice:
    """Return a slice (n, n) denoised by non-local means; patches of 5 samples within 3."""
    from skimage.restoration import denoise_nl_means  # noqa: PLC0415  (slow to import)

    noise = noise_of(image, cord)
    if noise == 0:
        return image
    smooth = denoise_nl_means(
        image, patch_size=5, patch_distance=3, h=0.8 * noise, sigma=noise, fast_mode=True
    )
    return np.asarray(smooth, np.float32)


def noise_of(image: Slice, cord: Mask) -> float:
    """Return the standard deviation of the noise in a cord, from the Laplacian there."""
    curvature = ndimage.laplace(image.astype(np.float64))[cord]
    deviation = 1.4826 * np.median(np.abs(curvature - np.median(curvature)))
    return float(deviation / np.sqrt(LAPLACIAN_VARIANCE))


def contrast(image: Slice, gm: Mask, wm: Mask) -> float:
    """Return how much brighter gray matter is, in standard deviations of both tissues."""
    spread = float(image[gm | wm].std())
    return float(np.median(image[gm]) - np.median(image[wm])) / spread if spread > 0 else 0.0


def levels(image: Slice, gm: Mask, wm: Mask, *, brighter: bool) -> Levels:
    """Return the medians of white and gray matter in a slice (n, n).

    Where they cannot be distinguished, or have the opposite order to the other slices, the 2nd and
    the 98th percentile of both tissues are used instead.

    Parameters
    ----------
    gm, wm : (n, n) bool
        The tissues, or where they are expected; neither is empty.
    brighter : bool
        Whether gray matter is the brighter one.
    """
    white, gray = float(np.median(image[wm])), float(np.median(image[gm]))
    spread = float(image[gm].std() + image[wm].std()) / 2
    if (gray - white if brighter else white - gray) > LEAST_CONTRAST * spread:
        return Levels(white, gray)
    low, high = (float(value) for value in np.percentile(image[gm | wm], (2, 98)))
    return Levels(low, high) if brighter else Levels(high, low)
