"""Whether the cord goes on beyond the image, or beyond the window that a network looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# So many millimeters of cord in the two outermost lines of pixels together: a cord that ends one
# pixel before the border has at most 6, one that is cut by a pixel or more at least 7.
EDGE_MM = 6.5
# A map that is not zero over so many millimeters is a window, not a cord, which is narrower.
LEAST_WINDOW_MM = 20.0

Box = tuple[int, int, int, int]


def cut_by_image(mask: NDArray[np.bool_], pixel_mm: tuple[float, float]) -> NDArray[np.bool_]:
    """Tell for each slice of a mask (Z, Y, X) whether the image's border cuts it.

    *pixel_mm* is height and width of a pixel.
    """
    return np.array([_cut(pixels, pixel_mm, (True, True, True, True)) for pixels in mask], bool)


def cut_by_window(
    cord: NDArray[np.float32], threshold: float, pixel_mm: tuple[float, float]
) -> NDArray[np.bool_]:
    """Tell for each slice whether the cord ends where the network's window ends.

    Parameters
    ----------
    cord : (Z, Y, X) float32
        Probability of the cord; exactly zero outside of the window.
    threshold : float
        Probability from which on a pixel is cord.
    pixel_mm : (float, float)
        Height and width of a pixel.
    """
    return np.array([_window_cuts(pixels, threshold, pixel_mm) for pixels in cord], bool)


def _window_cuts(
    cord: NDArray[np.float32], threshold: float, pixel_mm: tuple[float, float]
) -> bool:
    rows, columns = (np.flatnonzero((cord > 0).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return False
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    is_window = (bottom - top) * pixel_mm[0] >= LEAST_WINDOW_MM or (right - left) * pixel_mm[
        1
    ] >= LEAST_WINDOW_MM
    if not is_window:
        return False
    height, width = cord.shape
    sides = (top > 0, bottom < height, left > 0, right < width)
    return _cut(cord[top:bottom, left:right] >= threshold, pixel_mm, sides)


def _cut(
    mask: NDArray[np.bool_],
    pixel_mm: tuple[float, float],
    sides: tuple[bool, bool, bool, bool],
) -> bool:
    """Tell whether a mask (Y, X) is cut at any of these sides: first, last row; column."""
    height, width = pixel_mm
    lines = (
        (mask, width),
        (mask[::-1], width),
        (mask.T, height),
        (mask.T[::-1], height),
    )
    return any(
        asked and edge[:2].sum() * mm >= EDGE_MM
        for asked, (edge, mm) in zip(sides, lines, strict=True)
    )
