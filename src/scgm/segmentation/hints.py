"""Where the cord is, as far as the user says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scgm.image.centroid import centroids
from scgm.image.orientation import AxialStack, stack_mask
from scgm.image.volume import Volume
from scgm.segmenters.base import CordHint, Probabilities


def cord_hint(
    stack: AxialStack, center: tuple[float, float] | None = None, cord: Volume | None = None
) -> CordHint:
    """Return the user's center or mask of the cord in the pixels of *stack*."""
    if cord is not None:
        mask = stack_mask(stack, cord)
        return CordHint(centre_px=centroids(mask), mask=mask)
    if center is not None:
        place = np.array(stack.point_to_stack(*center), np.float32)
        return CordHint(centre_px=np.tile(place, (len(stack.slices), 1)))
    return CordHint()


def apply_hint(hint: CordHint, found: Probabilities) -> Probabilities:
    """Override the cord that the method found with the user's cord or center."""
    if hint.mask is not None:
        given = hint.mask.astype(np.float32)
        presence = np.asarray(hint.mask.any(axis=(1, 2)), np.float32)
        return Probabilities(found.gm * given, given, found.centre_px, presence)
    if hint.centre_px is not None:
        return replace(found, presence=np.ones_like(found.presence))
    return found
