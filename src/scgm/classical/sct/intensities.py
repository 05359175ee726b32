"""One scale for all slices: white matter at 0, gray matter at 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Slice = NDArray[np.float32]
Mask = NDArray[np.bool_]

LOWEST, HIGHEST = -1.5, 2.5
# Medians that lie closer together than this share of the spread within a tissue say nothing.
LEAST_CONTRAST = 0.5
# A Laplacian of four neighbors has the variance of 20 samples of noise.
LAPLACIAN_VARIANCE = 20


def denoised(image: Slice, cord: Mask) -> Slice:
    """Return a slice (n, n) denoised by non-local means; patches of 5 samples within 3."""
    from skimage.restoration import denoise_nl_means  # noqa: PLC0415  (slow to import)

    curvature = ndimage.laplace(image.astype(np.float64))[cord]
    deviation = 1.4826 * np.median(np.abs(curvature - np.median(curvature)))
    noise = float(deviation / np.sqrt(LAPLACIAN_VARIANCE))
    if noise == 0:
        return image
    smooth = denoise_nl_means(
        image, patch_size=5, patch_distance=3, h=0.8 * noise, sigma=noise, fast_mode=True
    )
    return np.asarray(smooth, np.float32)


def normalized(image: Slice, gm: Mask, wm: Mask) -> Slice:
    """Bring the medians of white and gray matter to 0 and 1, whichever is brighter.

    Where they cannot be told apart, the range of both tissues takes their place: its lowest 2 % to
    0 and its highest to 1. Outside of both tissues the result is 0.
    """
    tissue = gm | wm
    if not (gm.any() and wm.any()):
        return np.zeros_like(image)
    gray, white = np.median(image[gm]), np.median(image[wm])
    spread = (image[gm].std() + image[wm].std()) / 2
    if abs(gray - white) <= LEAST_CONTRAST * spread:
        white, gray = np.percentile(image[tissue], (2, 98))
    if gray == white:
        return np.zeros_like(image)
    scaled = np.clip((image - white) / (gray - white), LOWEST, HIGHEST)
    return np.asarray(scaled * tissue, np.float32)
