"""The contour: a mask whose outline moves to the edges of an image by morphological steps.

Morphological geodesic active contours (Márquez-Neila et al. 2014). scikit-image has them too; its
smoothing remembers across calls which of two operators comes next, so that a result depends on
what ran before. Here each contour starts anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

# The lines of three samples through a sample, as the steps to one of their two ends.
LINES = ((1, 0), (0, 1), (1, 1), (1, -1))
EVERY_NEIGHBOR = np.ones((3, 3), bool)
AUTO_PERCENTILE = 40.0  # of the edge map, as in scikit-image


@dataclass(frozen=True, slots=True, kw_only=True)
class ContourSettings:
    """How the contour moves.

    Parameters
    ----------
    steps : int
        Iterations. Published: 45.
    smoothing : int
        Curvature operators in each. Published: 5.
    balloon : int
        1 grows the mask where there is no edge, -1 shrinks it, 0 does neither. Published: 1.
    threshold : float, optional
        The balloon acts where the edge map is greater than this. Published: 1, which the map never
        exceeds: the published balloon does nothing. None takes the map's 40th percentile.
    """

    steps: int = 45
    smoothing: int = 5
    balloon: int = 1
    threshold: float | None = 1.0


def edge_map(image: Floats, alpha: float, sigma: float) -> Floats:
    """Return g = 1 / sqrt(1 + alpha |grad (G * I)|), which is small at edges and 1 elsewhere.

    Parameters
    ----------
    image : (R, C) float32
        I, in units in which gray and white matter differ by about 1.
    alpha : float
        Weight of the gradient.
    sigma : float
        Standard deviation of the Gaussian G, in samples.
    """
    slope = ndimage.gaussian_gradient_magnitude(image.astype(np.float64), sigma, mode="nearest")
    return np.asarray(1 / np.sqrt(1 + alpha * slope), np.float32)


def settle(edges: Floats, start: Bools, settings: ContourSettings) -> Bools:
    """Move a mask until its outline lies where *edges* is least.

    Each step grows the mask (`ContourSettings.balloon`), attracts it to edges (a sample joins where
    the gradients of mask and edge map have the same direction, and leaves where they have opposite
    ones), and smooths it.

    Parameters
    ----------
    edges : (R, C) float32
        From `edge_map`.
    start : (R, C) bool
        The mask to start from.
    settings : ContourSettings
        How to move.

    Returns
    -------
    (R, C) bool
    """
    mask = start.copy()
    slopes = np.gradient(edges)
    grown_there = _balloon_region(edges, settings)
    operators = 0
    for _ in range(settings.steps):
        if grown_there is not None:
            grow = ndimage.binary_dilation if settings.balloon > 0 else ndimage.binary_erosion
            mask = np.where(grown_there, grow(mask, EVERY_NEIGHBOR), mask)
        rises = np.gradient(mask.astype(np.float32))
        pull = slopes[0] * rises[0] + slopes[1] * rises[1]
        mask = (mask | (pull > 0)) & ~(pull < 0)
        for _ in range(settings.smoothing):
            mask = smoothed(mask, convex_first=operators % 2 == 1)
            operators += 1
    return np.asarray(mask, np.bool_)


def smoothed(mask: Bools, *, convex_first: bool) -> Bools:
    """Move the outline by its curvature, one sample at most.

    Two operators after each other: one keeps a sample that lies on a line of three within the mask,
    so it cuts off sharp corners; the other does the same to what is not in the mask.

    Parameters
    ----------
    mask : (R, C) bool
        Any.
    convex_first : bool
        Which of the two comes first: corners of the mask, or of what it leaves.
    """
    if convex_first:
        return _filled(_pruned(mask))
    return _pruned(_filled(mask))


def _pruned(mask: Bools) -> Bools:
    """Keep samples that lie on a whole line of three (sup of inf)."""
    kept = np.zeros_like(mask)
    for one, other in _ends(mask):
        kept |= mask & one & other
    return kept


def _filled(mask: Bools) -> Bools:
    """Add samples unless they lie on an empty line of three (inf of sup)."""
    kept = np.ones_like(mask)
    for one, other in _ends(mask):
        kept &= mask | one | other
    return kept


def _ends(mask: Bools) -> list[tuple[Bools, Bools]]:
    """Return the mask shifted to both ends of each line; there is nothing beyond its border."""
    rows, columns = mask.shape
    wide = np.pad(mask, 1)

    def shifted(down: int, right: int) -> Bools:
        return wide[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]

    return [(shifted(down, right), shifted(-down, -right)) for down, right in LINES]


def _balloon_region(edges: Floats, settings: ContourSettings) -> Bools | None:
    """Tell where the balloon acts; None where it acts nowhere."""
    if settings.balloon == 0:
        return None
    threshold = settings.threshold
    if threshold is None:
        threshold = float(np.percentile(edges, AUTO_PERCENTILE))
    grown_there = edges > threshold / abs(settings.balloon)
    return np.asarray(grown_there, np.bool_) if grown_there.any() else None
