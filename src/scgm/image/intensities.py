"""Intensities as methods get them: in a usual range, whatever the unit, the padding and the spikes.

A scan may count its signal in any unit. The networks and the classical methods calculate in single
precision, where squares of large and of tiny numbers are lost, and take their scale from all of a
slice, where padding and broken voxels would set it. So a method sees a copy in which

- voxels without a value have one within the usual range;
- scattered voxels far beyond nearly all others have the value that nearly all keep to;
- all values are multiplied by a power of two, which changes no digit of theirs, if they are tiny
  or huge.

An image that needs none of it gives the same result to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scgm.image.orientation import AxialStack

# A usual range of 1/64 to 2^24 stays. Another is brought to 2^13 to 2^14: with small values the
# terms that keep divisions finite would count; squares of large ones would leave single precision.
USUAL_EXPONENT = 14
LEAST_EXPONENT, MOST_EXPONENT = -5, 24
# Percentiles of the known values that are not zero, between which nearly all of a scan lies.
LOW, HIGH = 5.0, 95.0
# In public scans of all contrasts no voxel lies more than 5 times the usual range above it.
FAR = 10.0
# Below it there is less room in an image whose values are mostly positive: ratios divide noise by
# noise where there is no tissue.
FAR_BELOW_POSITIVE = 3.0
# Broken voxels are scattered; of tissue nearly every voxel has another beside it.
MOST_TOGETHER = 0.5
SAMPLES = 1_000_000


@dataclass(frozen=True, slots=True)
class UsualRange:
    """Where nearly all values lie, and beyond which they are broken."""

    low: float
    high: float
    lowest: float
    highest: float
    positive: bool


def for_methods(stack: AxialStack) -> AxialStack:
    """Return the stack with its intensities in the usual range; the stack itself where they are."""
    usual = usual_range(stack.slices, stack.missing)
    if usual is None:
        return stack
    slices = _replaced(stack.slices, stack.missing, usual)
    _, exponent = np.frexp(usual.high - usual.low)
    if not LEAST_EXPONENT <= exponent <= MOST_EXPONENT:
        slices = np.ldexp(slices, USUAL_EXPONENT - int(exponent))
    return stack if slices is stack.slices else replace(stack, slices=slices)


def usual_range(
    values: NDArray[np.float32], missing: NDArray[np.bool_] | None = None
) -> UsualRange | None:
    """Return the usual range of values; None where all of them are alike.

    Every limit is a value of the image, or a multiple of differences of such values, so that the
    limits of a multiple of the image are the same multiple of its limits.
    """
    step = max(1, values.size // SAMPLES)
    known = values.flat[::step]  # not reshape, which copies a view
    if missing is not None:
        known = known[~missing.flat[::step]]
    known = known[known != 0].astype(np.float64)
    if not known.size:
        return None
    low, middle, high = np.percentile(known, (LOW, 50.0, HIGH), method="lower").tolist()
    if not low < high:
        low, high = float(known.min()), float(known.max())
    far = FAR
    if middle > 0:
        # What is as far below the middle as nearly all is above it.
        low, far = max(low, 2 * middle - high), FAR_BELOW_POSITIVE
    if not low < high:
        return None
    span = high - low
    return UsualRange(low, high, low - far * span, high + FAR * span, middle > 0)


def _replaced(
    slices: NDArray[np.float32], missing: NDArray[np.bool_] | None, usual: UsualRange
) -> NDArray[np.float32]:
    """Fill in voxels without a value and voxels far beyond the others."""
    below, above = slices < usual.lowest, slices > usual.highest
    unknown = np.zeros_like(below)
    if missing is not None:
        unknown = (below | above) & missing
        below &= ~missing
        above &= ~missing
    if not _scattered(above):
        above[...] = False
    if not (usual.positive or _scattered(below)):
        below[...] = False
    below |= unknown
    if not (below.any() or above.any()):
        return slices
    filled = slices.copy()
    filled[below], filled[above] = usual.low, usual.high
    return filled


def _scattered(far: NDArray[np.bool_]) -> bool:
    """Tell whether most of the voxels (Z, Y, X) stand alone, as no tissue does."""
    beside = np.zeros_like(far)
    for axis in (1, 2):
        ahead, back = np.moveaxis(far, axis, 0), np.moveaxis(beside, axis, 0)
        back[1:] |= ahead[:-1]
        back[:-1] |= ahead[1:]
    return bool(np.count_nonzero(far & beside) < MOST_TOGETHER * np.count_nonzero(far))
