"""What is changed in the probabilities of a method before they are a result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scgm.image.orientation import AxialStack
from scgm.segmenters.base import Probabilities
from scgm.segmenters.presence import is_present

# A cord has a cross-section of some 40 to 110 mm2, and only the last millimeters of its tip,
# the conus, have less than this. Smaller finds are specks that look like a cord.
MIN_CORD_AREA_MM2 = 10.0


def one_piece(found: Probabilities, threshold: float) -> Probabilities:
    """Empty whatever is at least *threshold* cord but not joined to the rest of it.

    In each slice the piece that holds the most probable pixel stays; pixels that touch by a side
    or by a corner are joined. Specks of fluid or muscle are neither cord nor gray matter.
    """
    if found.cord is None:
        return found
    mask = found.cord >= threshold
    return found.only(one_piece_of(found.cord, mask) | ~mask)


def one_piece_of(cord: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the piece of each slice's mask that holds the most probable pixel of the cord."""
    flat = cord.reshape(len(cord), -1)
    best = np.zeros(flat.shape, bool)
    best[np.arange(len(flat)), flat.argmax(axis=1)] = True
    piece = mask & best.reshape(mask.shape)
    size = -1
    while size != (size := int(piece.sum())):
        for axis in (1, 2):
            ahead, back = (np.roll(np.pad(piece, 1), step, axis) for step in (1, -1))
            piece = piece | (ahead | back)[1:-1, 1:-1, 1:-1]
        piece &= mask
    return piece


def shows_cord(
    found: Probabilities, stack: AxialStack, threshold: float, smallest_mm2: float
) -> NDArray[np.bool_]:
    """Tell for each slice whether it shows a cord of at least *smallest_mm2*.

    A method that finds no cord shows one where it finds gray matter.
    """
    if found.cord is None:
        return np.asarray((found.gm >= threshold).any(axis=(1, 2)))
    area_mm2 = (found.cord >= threshold).sum(axis=(1, 2)) * stack.pixel_area_mm2
    large = (area_mm2 >= smallest_mm2) & (area_mm2 > 0)
    return np.asarray(large & is_present(found.presence, stack.spacing_mm[0]))


def keep_slices(found: Probabilities, seen: NDArray[np.bool_]) -> Probabilities:
    """Set the probabilities of all other slices to zero and their centers to NaN."""
    centre = np.where(seen[:, None], found.centre_px, np.float32(np.nan))
    return replace(found.only(seen[:, None, None]), centre_px=centre)


def with_values(found: Probabilities, stack: AxialStack) -> Probabilities:
    """Set the probabilities to zero where the image has no value."""
    if stack.missing is None or not stack.missing.any():
        return found
    return found.only(~stack.missing)
