"""Whether the cord goes on beyond the image, or beyond the window that a network looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# So many millimeters of cord in the two outermost lines of pixels together: a cord that ends one
# pixel before the border has at most 6, one that is cut by a pixel or more at least 7.
EDGE_MM = 6.5
# A map that is not zero over so many millimeters is a window, not a cord, which is narrower.
LEAST_WINDOW_MM = 20.0

# First row, last row, first column, last column.
Sides = tuple[bool, bool, bool, bool]
ALL: Sides = (True, True, True, True)


def cut_by_image(
    mask: NDArray[np.bool_], pixel_mm: tuple[float, float], at_border: Sides = ALL
) -> NDArray[np.bool_]:
    """Tell for each slice of a mask (Z, Y, X) whether the image's border cuts it.

    *pixel_mm* is height and width of a pixel, *at_border* which sides are those of the image.
    """
    return np.array([_cut(pixels, pixel_mm, at_border) for pixels in mask], bool)


def cut_by_window(
    cord: NDArray[np.float32],
    threshold: float,
    pixel_mm: tuple[float, float],
    at_border: Sides = ALL,
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
    at_border : four bool
        Which sides are those of the image.
    """
    cut = [_window_cuts(pixels, threshold, pixel_mm, at_border) for pixels in cord]
    return np.array(cut, bool)


def _window_cuts(
    cord: NDArray[np.float32],
    threshold: float,
    pixel_mm: tuple[float, float],
    at_border: Sides,
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
    ends = (top == 0, bottom == height, left == 0, right == width)
    first, last, start, end = (
        not (reached and border) for reached, border in zip(ends, at_border, strict=True)
    )
    return _cut(cord[top:bottom, left:right] >= threshold, pixel_mm, (first, last, start, end))


def _cut(
    mask: NDArray[np.bool_],
    pixel_mm: tuple[float, float],
    sides: Sides,
) -> bool:
    """Tell whether a mask (Y, X) is cut at any of these sides."""
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
