"""Is it a scan at all, and can what was found be a human cord? Pure functions on arrays.

`refusal` looks at the image before it is segmented, `implausible` at what was found. Neither knows
how a method works.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgm.image.confidence import EVEN_CONTRAST
from scgm.image.orientation import AxialStack
from scgm.segmentation.status import SliceStatus
from scgm.segmenters.base import Probabilities

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

# A scan of 4 bits has 16 values; masks and maps of levels have fewer, or large areas of one value.
FEWEST_VALUES = 8
MOST_LABELS = 64
FEW = 10_000
EQUAL_NEIGHBORS = 0.9
# A soft mask is zero in most voxels, and has its largest value in many of the others. Between both
# it falls smoothly, while the noise of a scan makes many voxels higher or lower than all beside
# them: 13 % or more, against at most 7 % in probability maps.
ZERO_SHARE, LARGEST_SHARE = 0.5, 0.1
LEAST_UNEVEN = 0.1
# A map of distances or a blurred mask is smoother than any scan, and has air around it.
SMOOTH_ZERO_SHARE, SMOOTH_UNEVEN = 0.8, 0.01
SAMPLES = 1_000_000

# Numbers that wrapped round: the extremes have equal size, the values thin out from the lowest one
# upward, and the lowest lie beside the highest.
EXTREMES_DIFFER = 0.03
LEAST_WRAPPED = 10
TOWARD_LOWEST = 1.5
BESIDE_HIGHEST = 0.2

# The largest cords of people have some 110 mm2; a mask of this size holds more than the cord.
MOST_CORD_MM2 = 160.0
# The cord runs on from slice to slice; neighbors were seen to be moved by 3 mm.
MOST_JUMP_MM = 10.0
# The neck of an adult is 90 mm wide or more.
LEAST_BODY_MM = 60.0
AIR_LEVEL, AIR_AT_BORDER = 0.1, 0.9
UNEVEN_BODY = 0.3
# The central canal has less than 1 mm2.
LEAST_CAVITY_MM2 = 2.0
BORDER_MM, RING_MM = 1.0, 2.5
FLUID_LEVEL = 0.7
# So many standard deviations of the cord, which is the median of its amounts over this number.
VOID_NOISE, MEDIAN_OF_NORMAL = 3.0, 0.6745
# A spot is round if its area is this share of that of an ellipse of equal second moments, and alone
# if it has this share of all that is bright.
ROUND_SHARE, SPOT_SHARE = 0.8, 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What cannot be right, in one sentence, and in which slices (Z,)."""

    what: str
    slices: Mask

    def __str__(self) -> str:
        """Say how many slices it concerns, and what it is."""
        return f"{np.count_nonzero(self.slices)} of {len(self.slices)} slices: {self.what}"


def refusal(stack: AxialStack) -> str | None:
    """Return why the image is no scan to segment, and what to do; None if nothing speaks for it."""
    sample = _sample(stack.slices)
    if not sample.size:
        return None
    return (
        _few_valued(stack.slices, sample)
        or _smooth_map(stack.slices, sample)
        or _wrapped(stack.slices)
    )


def clipped(stack: AxialStack) -> str | None:
    """Return how much of the image has the largest value, where it is too much to see a cord."""
    shown = int(np.count_nonzero(stack.slices))
    largest = float(stack.slices.max())
    share = np.count_nonzero(stack.slices == largest) / max(1, shown)
    if largest == 0 or share < LARGEST_SHARE:
        return None
    return (
        f"{share:.0%} of its voxels, zeros aside, have the largest value, as if bright values were "
        "cut off; export it again with all of its values"
    )


def implausible(
    whole: AxialStack,
    stack: AxialStack,
    found: Probabilities,
    contrast: NDArray[np.float64],
    threshold: float,
) -> tuple[Finding, ...]:
    """Return what speaks against the cord and the gray matter that were found.

    Parameters
    ----------
    whole : AxialStack
        The image.
    stack : AxialStack
        The part of it in which the cord lies, with some of what is around it.
    found : Probabilities
        What was found in that part; nothing is said of a method that finds no cord.
    contrast : (Z,) float64
        How visible the gray matter is, from `scgm.image.confidence.visible_contrast`.
    threshold : float
        Probability from which on a pixel belongs to a mask.
    """
    if found.cord is None or not (found.cord >= threshold).any():
        return ()
    mask = found.cord >= threshold
    findings = (
        Finding(
            "gray matter has no visible contrast with the white matter around it, so that its "
            "mask is a guess",
            contrast < EVEN_CONTRAST,
        ),
        _too_large(mask, stack.spacing_mm),
        _jumps(mask, stack.spacing_mm),
        _small_body(whole, mask),
        _saturated(whole, stack, mask),
        _cavities(stack, mask),
    )
    return tuple(each for each in findings if each.slices.any())


def doubted(
    statuses: Sequence[SliceStatus], findings: Sequence[Finding]
) -> tuple[SliceStatus, ...]:
    """Return the statuses, with a low confidence in every slice of a finding that was ok."""
    doubtful = np.zeros(len(statuses), bool)
    for each in findings:
        doubtful |= each.slices
    return tuple(
        SliceStatus.LOW_CONFIDENCE if doubt and status == SliceStatus.OK else status
        for status, doubt in zip(statuses, doubtful.tolist(), strict=True)
    )


def _sample(slices: Floats) -> Floats:
    """Return up to some SAMPLES of the values that are not 0, evenly spread."""
    step = max(1, int(np.count_nonzero(slices)) // SAMPLES)
    # Slice by slice, here and below, as copies of a large image take memory.
    return np.concatenate([pixels[pixels != 0][::step] for pixels in slices])


def _few_valued(slices: Floats, sample: Floats) -> str | None:
    """Tell a mask or a map of labels from a scan."""
    few = sample[:: max(1, len(sample) // FEW)]
    if len(np.unique(few)) > MOST_LABELS:  # as of nearly every scan: the others need no look
        return None
    count = len(np.unique(sample))
    advice = "it is a mask or a map of labels, not a scan; give the scan itself"
    found = "one value" if count == 1 else f"{count} different values"
    if count <= FEWEST_VALUES:
        return f"it holds {found} beside 0: {advice}"
    if count <= MOST_LABELS and _equal_neighbors(slices) >= EQUAL_NEIGHBORS:
        return f"it holds {found} beside 0, in areas of one value: {advice}"
    return None


def _smooth_map(slices: Floats, sample: Floats) -> str | None:
    """Tell a soft mask or another smooth map from a scan."""
    zero = 1 - int(np.count_nonzero(slices)) / slices.size
    highest = float(sample.max())
    if zero < ZERO_SHARE or sample.min() <= 0:
        return None
    largest = float(np.mean(sample >= highest - 1e-3 * highest))
    uneven = _uneven(slices, highest)
    if largest >= LARGEST_SHARE and uneven < LEAST_UNEVEN:
        return (
            f"{zero:.0%} of its voxels are 0 and {largest:.0%} of the others have the largest "
            "value: it is a mask or a probability map, not a scan; give the scan itself"
        )
    if zero >= SMOOTH_ZERO_SHARE and uneven < SMOOTH_UNEVEN:
        return (
            f"{zero:.0%} of its voxels are 0 and the others have no noise: it is a map, as of "
            "probabilities or distances, not a scan; give the scan itself"
        )
    return None


def _equal_neighbors(slices: Floats) -> float:
    """Share of the voxels beside each other, neither of them 0, that have the same value."""
    pairs = equal = 0
    for pixels in slices:
        left, right = pixels[:, 1:], pixels[:, :-1]
        both = (left != 0) & (right != 0)
        pairs += int(np.count_nonzero(both))
        equal += int(np.count_nonzero(both & (left == right)))
    return equal / max(1, pairs)


def _uneven(slices: Floats, highest: float) -> float:
    """Share of the voxels between 0 and the highest value that lie beyond all four beside them."""
    count = uneven = 0
    for pixels in slices:
        middle = pixels[1:-1, 1:-1]
        between = (middle > 0.02 * highest) & (middle < 0.98 * highest)
        beside = pixels[:-2, 1:-1], pixels[2:, 1:-1], pixels[1:-1, :-2], pixels[1:-1, 2:]
        above = np.logical_and.reduce([middle > each for each in beside])
        below = np.logical_and.reduce([middle < each for each in beside])
        count += int(np.count_nonzero(between))
        uneven += int(np.count_nonzero(between & (above | below)))
    return uneven / max(1, count)


def _wrapped(slices: Floats) -> str | None:
    """Tell whole numbers whose largest values turned into the lowest ones, in any type since."""
    lowest, highest = float(slices.min()), float(slices.max())
    if not lowest < 0 < highest or abs(lowest + highest) > EXTREMES_DIFFER * highest:
        return None
    low = slices < lowest / 2
    count = int(np.count_nonzero(low))
    rest = int(np.count_nonzero(slices < 0)) - count
    if count < LEAST_WRAPPED or count < TOWARD_LOWEST * rest:
        return None
    if np.count_nonzero(low & _beside(slices > highest / 2)) < BESIDE_HIGHEST * count:
        return None
    return (
        f"its brightest voxels are negative ({count} of them, down to {lowest:.6g}): whole numbers "
        "too large for the file's type have wrapped round; export it again as unsigned or 32-bit "
        "numbers"
    )


def _beside(mask: Mask) -> Mask:
    """Pixels that touch one of the mask by a side, within slices."""
    wide = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    beside = wide[:, :-2, 1:-1] | wide[:, 2:, 1:-1] | wide[:, 1:-1, :-2] | wide[:, 1:-1, 2:]
    return np.asarray(beside)


def _too_large(mask: Mask, spacing_mm: tuple[float, float, float]) -> Finding:
    area_mm2 = mask.sum(axis=(1, 2)) * spacing_mm[1] * spacing_mm[2]
    return Finding(
        f"the cord that was found has up to {area_mm2.max():.0f} mm2, and no cord is larger than "
        f"{MOST_CORD_MM2:.0f} mm2; check the voxel size, or give --cord",
        np.asarray(area_mm2 > MOST_CORD_MM2),
    )


def _jumps(mask: Mask, spacing_mm: tuple[float, float, float]) -> Finding:
    """Slices whose cord lies far from where both neighbors have theirs."""
    jumping = np.zeros(len(mask), bool)
    middle = np.full((len(mask), 2), np.nan)
    for z in np.flatnonzero(mask.any(axis=(1, 2))):
        middle[z] = np.argwhere(mask[z]).mean(axis=0) * spacing_mm[1:]
    for at in range(1, len(mask) - 1):
        away = np.linalg.norm(middle[[at - 1, at + 1]] - middle[at], axis=1)
        apart = float(np.linalg.norm(middle[at + 1] - middle[at - 1]))
        jumping[at] = bool((away > MOST_JUMP_MM + spacing_mm[0]).all() and apart < away.min())
    return Finding(
        f"the cord that was found lies more than {MOST_JUMP_MM:.0f} mm from that of the slices "
        "above and below; give --center or --cord",
        jumping,
    )


def _small_body(stack: AxialStack, cord: Mask) -> Finding:
    """All slices, where a whole body of uneven tissue in air is smaller than a neck."""
    slices = stack.slices
    sample = slices.flat[:: max(1, slices.size // SAMPLES)]
    level = AIR_LEVEL * float(np.percentile(sample, 99, method="lower"))
    tissue = slices > level
    border = np.concatenate(
        [
            tissue[:, [0, -1]].reshape(len(tissue), -1),
            tissue[:, :, [0, -1]].reshape(len(tissue), -1),
        ],
        axis=1,
    )
    sides_mm = [
        float(_extent(np.asarray(tissue.mean(axis=(0, other)) > 0.1)) * stack.spacing_mm[axis])
        for axis, other in ((1, 2), (2, 1))
    ]
    around = sample[sample > level]
    small = (
        max(sides_mm) < LEAST_BODY_MM
        and 1 - border.mean() >= AIR_AT_BORDER
        and np.count_nonzero(tissue) > 2 * np.count_nonzero(cord)
        and float(around.std()) > UNEVEN_BODY * float(around.mean())
    )
    return Finding(
        f"the whole body in view is {sides_mm[1]:.0f} x {sides_mm[0]:.0f} mm, too small for that "
        "of a person; check the voxel size (animals cannot be segmented)",
        np.asarray(cord.any(axis=(1, 2)) & small),
    )


def _extent(shown: Mask) -> int:
    places = np.flatnonzero(shown)
    return int(places[-1] - places[0] + 1) if places.size else 0


def _saturated(whole: AxialStack, stack: AxialStack, mask: Mask) -> Finding:
    """Slices in whose cord many pixels have the largest value, as have more of those around it."""
    largest = float(whole.slices.max())
    highest = np.count_nonzero(mask & (stack.slices == largest), axis=(1, 2))
    share = highest / np.maximum(np.count_nonzero(mask, axis=(1, 2)), 1)
    around = np.count_nonzero(whole.slices == largest, axis=(1, 2)) - highest
    return Finding(
        "much of the cord has the largest value of the image, as if bright values were cut off; "
        "export it again with all of its values",
        (share >= LARGEST_SHARE) & (around > highest),
    )


def _cavities(stack: AxialStack, mask: Mask) -> Finding:
    """Slices whose cord has a hole, or an area within as bright as the fluid or as dark."""
    found = np.zeros(len(mask), bool)
    pixel_mm = stack.spacing_mm[1:]
    for z, box in _boxes(mask, pixel_mm):
        whole = _filled(mask[z][box])
        hole_mm2 = np.count_nonzero(whole & ~mask[z][box]) * pixel_mm[0] * pixel_mm[1]
        spot_mm2 = _spot_mm2(stack.slices[z][box], whole, pixel_mm)
        found[z] = max(hole_mm2, spot_mm2) >= LEAST_CAVITY_MM2
    return Finding(
        "the cord has a hole, or a spot that differs from it as much as the fluid around it, as a "
        "syrinx or a void; gray matter cannot be told from it",
        found,
    )


def _boxes(mask: Mask, pixel_mm: tuple[float, float]) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Give the slices with a cord, and rows and columns that hold it and what surrounds it."""
    margin = [int(np.ceil(2 * RING_MM / size)) + 1 for size in pixel_mm]
    for z in np.flatnonzero(mask.any(axis=(1, 2))):
        rows, columns = (np.flatnonzero(mask[z].any(axis=other)) for other in (1, 0))
        yield (
            int(z),
            (
                slice(max(rows[0] - margin[0], 0), rows[-1] + margin[0] + 1),
                slice(max(columns[0] - margin[1], 0), columns[-1] + margin[1] + 1),
            ),
        )


def _filled(mask: Mask) -> Mask:
    """Fill what a mask (Y, X) encloses."""
    border = np.zeros(np.array(mask.shape) + 2, bool)
    border[[0, -1]] = border[:, [0, -1]] = True
    outside = _joined(border, np.pad(~mask, 1, constant_values=True))
    return np.asarray(~outside[1:-1, 1:-1])


def _spot_mm2(image: Floats, whole: Mask, pixel_mm: tuple[float, float]) -> float:
    """Area of one round spot in a cord that differs from it nearly as much as the fluid around it.

    Gray matter may be as bright as the fluid, but it is no round spot: two horns stand out on
    either side.
    """
    ring = _grown(whole, RING_MM, pixel_mm) & ~_grown(whole, 0.5, pixel_mm)
    inner = ~_grown(~whole, BORDER_MM, pixel_mm)
    if not ring.any() or not inner.any():
        return 0.0
    away = image - np.median(image[whole])
    low, high = (float(each) for each in np.percentile(away[ring], (25, 75)))
    # Fluid is bright or dark; a void is dark whatever the fluid is, and darker than noise.
    noise = float(np.median(np.abs(away[whole]))) / MEDIAN_OF_NORMAL
    least = {1: FLUID_LEVEL * high, -1: max(FLUID_LEVEL * max(high, -low), VOID_NOISE * noise)}
    spots = (_round_spot(sign * away, inner, limit) for sign, limit in least.items() if limit > 0)
    return max(spots, default=0) * pixel_mm[0] * pixel_mm[1]


def _round_spot(values: Floats, inner: Mask, limit: float) -> int:
    """Count the pixels of the spot beyond a limit; 0 if it is not round, or not the only one."""
    beyond = inner & (values > limit)
    if not beyond.any():
        return 0
    highest = np.zeros_like(beyond)
    highest.flat[np.argmax(np.where(beyond, values, -np.inf))] = True
    spot = _joined(highest, beyond)
    count = int(np.count_nonzero(spot))
    alone = count >= SPOT_SHARE * np.count_nonzero(beyond)
    return count if alone and _roundness(spot) >= ROUND_SHARE else 0


def _roundness(spot: Mask) -> float:
    """Area over that of an ellipse of equal second moments: 1 for an ellipse, less for others."""
    places = np.argwhere(spot)
    moments = np.cov(places, rowvar=False, bias=True) if len(places) > 1 else np.zeros((2, 2))
    moments = moments + np.eye(2) / 12  # of one pixel
    return float(len(places) / (4 * np.pi * np.sqrt(np.linalg.det(moments))))


def _joined(start: Mask, allowed: Mask) -> Mask:
    """Grow a mask (Y, X) within what is allowed, over shared sides, until nothing is added."""
    size = 0
    while size != (size := int(start.sum())):
        start = (start | _beside(start[None])[0]) & allowed
    return start


def _grown(mask: Mask, radius_mm: float, pixel_mm: tuple[float, float]) -> Mask:
    """Pixels whose center is at most so far from the center of one of the mask (Y, X)."""
    grown = mask.copy()
    reach = [int(radius_mm / size) for size in pixel_mm]
    wide = np.pad(mask, ((reach[0], reach[0]), (reach[1], reach[1])))
    for row in range(-reach[0], reach[0] + 1):
        for column in range(-reach[1], reach[1] + 1):
            if np.hypot(row * pixel_mm[0], column * pixel_mm[1]) <= radius_mm:
                top, left = reach[0] + row, reach[1] + column
                grown |= wide[top : top + mask.shape[0], left : left + mask.shape[1]]
    return grown
